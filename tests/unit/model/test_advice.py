"""Settings that would have held: which of them are to be raised."""

from __future__ import annotations

import pytest

from harness.model.advice import Setting


@pytest.mark.parametrize(
    ("have", "need", "advised", "must_rise"),
    [
        (None, 5, True, True),
        (4.5, 5, True, True),
        (5.0, 5, True, False),
        (30.0, 5, True, False),
        (None, 0, True, False),
        (None, 5, False, False),
    ],
)
def test_a_setting_is_raised_where_it_is_shorter_and_would_have_saved_something(
    have: float | None, need: int, advised: bool, must_rise: bool
) -> None:
    setting = Setting(have=have, measured=None, seen="", recommended=need, why="", advised=advised)
    assert setting.must_rise is must_rise
