"""The schedule is absolute: nothing that happens to requests moves it."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.pacer import LATEST_S, ON_TIME_S, Patience, Schedule

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


def lags(
    rate_per_s: float, for_s: float, send_s: float, *, stall: tuple[float, float] = (math.inf, 0.0)
) -> list[float]:
    """Of a worker to which each request costs `send_s`, and which stands still once, at a time for so long: how late
    each went out; infinite where it was not sent."""
    pace, patience, now, late = Schedule(start_s=0.0, rate_per_s=rate_per_s, end_s=for_s), Patience(), 0.0, []
    stalls_at, stands_s = stall
    for n in range(round(rate_per_s * for_s)):
        now = max(now, pace.at(n))
        if now >= stalls_at:
            now, stalls_at = now + stands_s, math.inf
        lag = now - pace.at(n)
        sent = patience.bears(lag, now)
        late.append(lag if sent else math.inf)
        now += send_s if sent else 1e-5
    return late


@pytest.mark.parametrize("overload", [1.2, 1.5, 3.0])
def test_a_worker_that_cannot_keep_up_sends_on_time_what_it_can_and_leaves_the_rest(overload: float) -> None:
    found = lags(1000.0, 10.0, overload / 1000.0)
    after = found[3000:]
    sent = [lag for lag in after if lag < math.inf]
    assert max(sent) <= ON_TIME_S
    assert len(sent) > 0.9 * len(after) / overload, "it does not give up more than it must"


@pytest.mark.parametrize("stands_s", [0.05, 0.3, 0.8])
def test_a_stall_is_caught_up_with(stands_s: float) -> None:
    assert max(lags(1000.0, 5.0, 0.0001, stall=(2.0, stands_s))) <= stands_s + 0.001


def test_what_a_long_stall_left_behind_for_more_than_a_second_is_not_sent() -> None:
    found = lags(1000.0, 8.0, 0.0001, stall=(2.0, 3.0))
    assert max(lag for lag in found if lag < math.inf) <= LATEST_S
    assert 1900 <= sum(lag == math.inf for lag in found) <= 2100


def test_whoever_is_a_little_late_all_the_time_goes_on() -> None:
    patience = Patience()
    assert all(patience.bears(0.09, n / 100) for n in range(1000))
