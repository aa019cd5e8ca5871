"""The schedule is absolute: nothing that happens to requests moves it."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.pacer import Schedule

RATES = st.floats(0.01, 50_000, allow_nan=False)
STARTS = st.floats(0, 1e6, allow_nan=False)


@pytest.mark.parametrize(
    ("sent", "now", "due"),
    [
        (0, 9.99, []),
        (0, 10.0, [0]),
        (0, 10.24, [0]),
        (1, 10.24, []),
        (1, 10.25, [1]),
        (1, 11.0, [1, 2, 3, 4]),
        (9, 11.0, []),
    ],
)
def test_what_is_due_at_four_a_second_from_ten_on(sent: int, now: float, due: list[int]) -> None:
    assert list(Schedule(start_s=10.0, rate_per_s=4.0).due(sent, now)) == due


def test_a_schedule_of_one_second_has_as_many_requests_as_its_rate() -> None:
    pace = Schedule(start_s=5.0, rate_per_s=4.0, end_s=6.0)
    assert list(pace.due(0, 1000.0)) == [0, 1, 2, 3]
    assert pace.over(4)
    assert not pace.over(3)
    assert pace.wait_s(4, 0.0) == math.inf


@given(STARTS, RATES, st.integers(0, 10**6))
def test_a_request_is_due_from_its_time_on_and_not_before(start: float, rate: float, n: int) -> None:
    pace = Schedule(start_s=start, rate_per_s=rate)
    assert n in pace.due(n, pace.at(n))
    assert n not in pace.due(n, math.nextafter(pace.at(n), -math.inf))
    assert pace.wait_s(n, pace.at(n)) == 0


@given(STARTS, RATES, st.lists(st.floats(0, 30), min_size=1, max_size=30))
def test_however_irregularly_it_is_asked_every_request_comes_once_and_in_order(
    start: float, rate: float, pauses: list[float]
) -> None:
    pace, now, seen = Schedule(start_s=start, rate_per_s=min(rate, 1000)), start, 0
    for pause in pauses:
        now += pause
        due = pace.due(seen, now)
        assert due.start == seen
        seen = max(seen, due.stop)
    assert range(seen) == Schedule(start_s=start, rate_per_s=min(rate, 1000)).due(0, now)


@given(STARTS, RATES, st.integers(1, 10**7))
def test_it_does_not_drift(start: float, rate: float, n: int) -> None:
    exact = start + n / rate
    assert abs(Schedule(start_s=start, rate_per_s=rate).at(n) - exact) <= math.ulp(exact)


@given(STARTS, RATES, st.floats(0.001, 100))
def test_nothing_is_due_at_or_after_the_end(start: float, rate: float, duration: float) -> None:
    pace = Schedule(start_s=start, rate_per_s=min(rate, 1000), end_s=start + duration)
    every = pace.due(0, start + 1e6)
    assert all(pace.at(n) < start + duration for n in (every[-1:] if every else []))
    assert pace.over(every.stop)


@given(st.integers(1, 8), st.floats(1, 5000))
def test_workers_that_share_a_rate_start_no_two_requests_at_once(workers: int, rate: float) -> None:
    times = sorted(
        Schedule(start_s=index / rate, rate_per_s=rate / workers).at(n) for index in range(workers) for n in range(20)
    )
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert all(gap == pytest.approx(1 / rate, rel=1e-6) for gap in gaps)
