"""A recorded watch, held up on its way: noticed by the times that its events carry themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.analysis import judge
from harness.analysis.observed.watch_stalls import watch_stalls
from harness.model.observation import Observation
from harness.model.run import Run
from harness.store.reader import read_run

from ..recordings import SMALL

RUN = read_run(SMALL / "default-3replicas-sync1s")
UPDATE = RUN.info.rollouts[0].update


def held_up(run: Run, start: float, end: float, *kinds: str) -> Run:
    """The run as a watch would have shown it that passed on nothing from `start` to `end`, and then everything."""

    def late(seen: Observation) -> Observation:
        held = seen.kind != "Mark" and start <= seen.t < end and (not kinds or seen.kind in kinds)
        return replace(seen, t=end + 0.0001 * (seen.t - start)) if held else seen

    return replace(run, timeline=tuple(sorted(map(late, run.timeline), key=lambda seen: seen.t)))


def test_a_punctual_watch_never_stood_still() -> None:
    for folder in sorted(path.parent for path in SMALL.glob("*/run.json")):
        run = read_run(folder)
        assert not watch_stalls(run.info.t0_wall, run.timeline).stalls
        assert not any("stood still" in note for note in judge(run).notes)


def test_clocks_that_differ_are_no_standstill() -> None:
    for offset_s in (-3600.0, -4.0, 4.0):
        assert not watch_stalls(RUN.info.t0_wall + offset_s, RUN.timeline).stalls


@pytest.mark.parametrize("offset_s", [-4.0, 0.0, 4.0])
def test_what_was_held_up_is_noticed(offset_s: float) -> None:
    run = held_up(RUN, UPDATE + 0.2, UPDATE + 4.0)
    stalls = watch_stalls(run.info.t0_wall + offset_s, run.timeline).stalls
    assert {"Pod", "EndpointSlice"} <= {stall.kind for stall in stalls}
    for stall in stalls:
        assert stall.start <= UPDATE + 0.8 < UPDATE + 4.0 <= stall.end <= UPDATE + 4.1
        assert 1.0 < stall.late_s <= 3.8


def test_it_is_said_and_doubted_where_requests_failed_meanwhile() -> None:
    result = judge(held_up(RUN, UPDATE + 0.2, UPDATE + 4.0))
    (note,) = (note for note in result.notes if "stood still" in note)
    assert f"{UPDATE + 4.0:.1f} s came in a burst" in note
    clean = read_run(SMALL / "mitigated-3replicas-sync1s")
    start = clean.info.rollouts[0].update
    assert judge(held_up(clean, start + 0.2, start + 4.0)).verdict == "seamless"
    spoilt = read_run(SMALL / "app-errors")
    start = spoilt.info.rollouts[0].update
    doubted = judge(held_up(spoilt, start + 0.2, start + 6.0))
    assert (doubted.verdict, doubted.reason) == ("inconclusive", "watch-stalled")


def test_lags_are_wider_by_what_the_watch_was_late() -> None:
    """A lag counts from a moment that the watch showed late; the true one must still lie in its interval."""
    shown = {lag.pod: lag for lag in judge(RUN).propagation.removal.pods}
    held = judge(held_up(RUN, UPDATE + 0.2, UPDATE + 4.0)).propagation
    late = [lag for lag in held.removal.pods if lag.since > shown[lag.pod].since + 0.1]
    assert late
    for lag in late:
        assert lag.lag.earliest_s <= shown[lag.pod].lag.earliest_s
        assert lag.lag.latest_s >= shown[lag.pod].lag.latest_s


def test_what_is_older_than_the_event_before_was_late_at_its_sender() -> None:
    """Two pods' states came 3 s late, together, while the watch showed a third pod in between."""
    states = [
        pod(10.2, "a", "2026-01-01T00:00:10Z"),
        pod(13.0, "c", "2026-01-01T00:00:12Z"),
        pod(15.0, "a", "2026-01-01T00:00:11Z"),
        pod(15.1, "b", "2026-01-01T00:00:12Z"),
    ]
    start = [pod(0.1, name, "2025-12-31T23:00:00Z") for name in "abc"]
    assert not watch_stalls(T0, [*start, *states]).stalls
    (stall,) = watch_stalls(T0, [*start, *(seen for seen in states if seen.t != 13.0)]).stalls
    assert (stall.start, stall.end) == (pytest.approx(10.2), 15.1)
    assert stall.late_s == pytest.approx(2.8)


T0 = 1767225600.0  # 2026-01-01T00:00:00Z


def pod(t: float, name: str, ready: str) -> Observation:
    conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": ready}]
    return Observation(
        t=t, kind="Pod", type="MODIFIED", object={"metadata": {"uid": name}, "status": {"conditions": conditions}}
    )


def test_one_late_status_is_its_sender_s_and_no_standstill() -> None:
    at = next(
        i for i, seen in enumerate(RUN.timeline) if seen.kind == "Pod" and seen.t > UPDATE and seen.type == "MODIFIED"
    )
    slow = replace(RUN.timeline[at], t=RUN.timeline[at].t + 2.5)
    timeline = sorted((*RUN.timeline[:at], slow, *RUN.timeline[at + 1 :]), key=lambda seen: seen.t)
    others = [seen.t for seen in timeline if seen.kind == "Pod" and 0 < abs(seen.t - slow.t) < 0.3]
    assert not watch_stalls(RUN.info.t0_wall, [*(seen for seen in timeline if seen.t not in others)]).stalls
