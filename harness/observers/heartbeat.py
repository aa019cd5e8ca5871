"""Beats of the harness's own -> the times in which it stood still: stopped, starved of CPU, or put to sleep."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio

BEAT_S = 0.1

LATE_S = 0.5
"""A beat that is late by more than this is a standstill: what arrived meanwhile was taken in late by as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standstill:
    """From the last beat before to the first after, on the run's clock; that does not count what the machine slept."""

    start: float
    end: float
    asleep_s: float


def slept_s() -> float:
    """How long the machine has been suspended since it was started, by a clock that stands still meanwhile.

    Linux: CLOCK_MONOTONIC, beside CLOCK_BOOTTIME (clock_gettime(2)). macOS: CLOCK_UPTIME_RAW, beside CLOCK_MONOTONIC,
    which goes on there (clock_gettime(3)). 0 where there are no two such clocks.
    """
    for runs_on, stands_still in (("CLOCK_BOOTTIME", "CLOCK_MONOTONIC"), ("CLOCK_MONOTONIC", "CLOCK_UPTIME_RAW")):
        if hasattr(time, runs_on) and hasattr(time, stands_still):
            return time.clock_gettime(getattr(time, runs_on)) - time.clock_gettime(getattr(time, stands_still))
    return 0.0


async def watch_oneself(
    now: Callable[[], float],
    tell: Callable[[Standstill], None],
    *,
    slept: Callable[[], float] = slept_s,
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
) -> None:
    """Beat until cancelled, and tell of every standstill. `now`: the run's clock."""
    last, before_s = now(), slept()
    while True:
        await sleep(BEAT_S)
        moment, after_s = now(), slept()
        if max(moment - last - BEAT_S, after_s - before_s) > LATE_S:
            tell(Standstill(start=last, end=moment, asleep_s=max(0.0, after_s - before_s)))
        last, before_s = moment, after_s
