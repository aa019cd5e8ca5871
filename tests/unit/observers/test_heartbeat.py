"""Beats that come late, and a machine that slept, are told with their times."""

from __future__ import annotations

import pytest

from harness.observers.heartbeat import BEAT_S, Standstill, watch_oneself

pytestmark = pytest.mark.anyio


class Over(Exception):
    """No more beats are planned."""


async def beats(plan: list[tuple[float, float]]) -> list[Standstill]:
    """What is told where each beat comes after so long on the run's clock, of which the machine slept so long more."""
    t = asleep = 0.0
    told: list[Standstill] = []
    steps = iter(plan)

    async def sleep(asked_s: float) -> None:
        nonlocal t, asleep
        assert asked_s == BEAT_S
        for took_s, slept_s in steps:
            t, asleep = t + took_s, asleep + slept_s
            return
        raise Over

    with pytest.raises(Over):
        await watch_oneself(lambda: t, told.append, slept=lambda: asleep, sleep=sleep)
    return told


async def test_punctual_beats_are_not_told() -> None:
    assert await beats([(0.1, 0.0), (0.11, 0.0), (0.58, 0.0), (0.1, 0.0001)]) == []


async def test_a_late_beat_is_told_from_the_last_one_before() -> None:
    (told,) = await beats([(0.1, 0.0), (0.1, 0.0), (3.0, 0.0), (0.1, 0.0)])
    assert (told.start, told.end, told.asleep_s) == (pytest.approx(0.2), pytest.approx(3.2), 0.0)


async def test_a_machine_that_slept_is_told_though_the_run_s_clock_stood() -> None:
    (told,) = await beats([(0.1, 0.0), (0.1, 60.0), (0.1, 0.0)])
    assert (told.start, told.end, told.asleep_s) == (pytest.approx(0.1), pytest.approx(0.2), 60.0)
