"""A header in which the application sends its own name says of no pod that it answered."""

from __future__ import annotations

import pytest

from harness.analysis import judge
from harness.model.result import Verdict

from ..literal import history

ROLLOUT = """
    period 1
    update 8 complete 9 settled 10
    pod old-1 deleted 8.5 ended 9.5 gone 9.7
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..8.5 every 0.05 by {old}
    ok new 8.6..30 every 0.05 by {new}
"""


@pytest.mark.parametrize("name", ["web", "web-1"])
def test_a_name_that_is_no_pods_is_taken_for_none(name: str) -> None:
    result = judge(history(ROLLOUT.format(old=name, new=name)))
    words = f'is the name of a pod that was seen (one is "{name}"): it is taken for no name'
    assert any(words in note for note in result.notes)
    assert not any("had answered no request" in note for note in result.notes)
    assert result.verdict == Verdict.SEAMLESS  # it is no damage of the record


def test_one_that_is_makes_all_of_them_names() -> None:
    result = judge(history(ROLLOUT.format(old="old-1", new="elsewhere")))
    assert not any("taken for no name" in note for note in result.notes)
