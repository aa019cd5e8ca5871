"""Many time-outs, one timer: each ends when its time is over, unless it was ended before."""

from __future__ import annotations

import pytest

from harness.load.deadlines import Deadlines

from .virtual_loop import Loop


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    return Loop(monkeypatch)


class Waiting:
    """Notes when its time was over."""

    def __init__(self, loop: Loop) -> None:
        self._loop, self.expired = loop, list[float]()

    def expire(self) -> None:
        self.expired.append(round(self._loop.now, 6))


def test_each_expires_when_its_time_is_over(loop: Loop) -> None:
    deadlines, waiting = Deadlines(2.0, clock=loop.time), [Waiting(loop) for _ in range(3)]
    for n, each in enumerate(waiting):
        loop.until(n * 0.5)
        deadlines.begin(each)
    loop.until(10.0)
    assert [each.expired for each in waiting] == [[2.0], [2.5], [3.0]]


def test_what_ended_before_does_not_expire(loop: Loop) -> None:
    deadlines, first, second = Deadlines(2.0, clock=loop.time), Waiting(loop), Waiting(loop)
    deadlines.begin(first)
    loop.until(1.0)
    deadlines.begin(second)
    deadlines.end(first)
    deadlines.end(first)
    loop.until(10.0)
    assert (first.expired, second.expired) == ([], [3.0])


def test_a_thousand_that_are_answered_in_time_take_no_timer_each(loop: Loop) -> None:
    deadlines = Deadlines(2.0, clock=loop.time)
    for n in range(1000):
        loop.until(n / 100)
        each = Waiting(loop)
        deadlines.begin(each)
        loop.until(n / 100 + 0.005)
        deadlines.end(each)
    loop.until(20.0)
    assert loop.set <= 6  # one in two seconds, and none while nobody waits
    assert not loop.timers


def test_one_that_is_over_may_end_another_and_begin_anew(loop: Loop) -> None:
    deadlines, second = Deadlines(2.0, clock=loop.time), Waiting(loop)

    class First(Waiting):
        def expire(self) -> None:
            super().expire()
            deadlines.end(second)
            if len(self.expired) < 2:
                deadlines.begin(self)

    first = First(loop)
    deadlines.begin(first)
    deadlines.begin(second)
    loop.until(10.0)
    assert (first.expired, second.expired) == ([2.0, 4.0], [])


def test_one_that_begins_anew_does_not_hold_up_who_waits_already(loop: Loop) -> None:
    deadlines, second = Deadlines(2.0, clock=loop.time), Waiting(loop)

    class First(Waiting):
        def expire(self) -> None:
            super().expire()
            if len(self.expired) < 2:
                deadlines.begin(self)

    first = First(loop)
    deadlines.begin(first)
    loop.until(0.5)
    deadlines.begin(second)
    loop.until(10.0)
    assert (first.expired, second.expired) == ([2.0, 4.0], [2.5])
