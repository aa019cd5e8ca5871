"""How the status of a Job is written."""

from __future__ import annotations

import pytest

from harness.sandbox.controllers.jobstatus import parsed, rendered


@pytest.mark.parametrize(("indexes", "text"), [(set(), ""), ({0}, "0"), ({0, 1}, "0,1"), ({0, 1, 2, 4}, "0-2,4")])
def test_completed_indexes_are_written_as_intervals(indexes: set[int], text: str) -> None:
    assert rendered(indexes) == text
    assert parsed(text) == indexes
