"""Durations are read and written as Kubernetes' configuration does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.duration import duration, seconds


@pytest.mark.parametrize(
    ("text", "value_s"), [("5s", 5), ("1m30s", 90), ("500ms", 0.5), ("0s", 0), ("1h", 3600), ("1.5s", 1.5)]
)
def test_a_duration_is_read(text: str, value_s: float) -> None:
    assert seconds(text) == value_s


@pytest.mark.parametrize("text", ["", "5", "-5s", "5 s", "5x", "s", "1s2", "five"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        seconds(text)


@given(st.integers(0, 10_000_000))
def test_what_is_written_reads_back(milliseconds: int) -> None:
    value_s = milliseconds / 1000
    assert seconds(duration(value_s)) == pytest.approx(value_s, rel=1e-4)
