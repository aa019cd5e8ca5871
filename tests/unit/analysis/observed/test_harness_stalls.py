"""A harness that stood still: what it took in after that turns no verdict, and the run says so."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from harness.analysis import judge
from harness.analysis.observed.watch_stalls import watch_stalls
from harness.model.observation import MarkType, Observation
from harness.model.run import Run
from harness.store.reader import read_run

from ..literal import history
from ..recordings import SHARED, SMALL

DROPPING = ("default-3replicas-sync1s", "sigterm-stop")
MITIGATED = {
    "small": SMALL / "mitigated-3replicas-sync1s",
    "packet loss": SHARED / "real" / "packet-loss-mitigated",
    "scaled midway": SHARED / "real" / "scaled-midway-mitigated",
}
LENGTHS_S = (0.7, 2.0, 5.0)
SINCE_UPDATE_S = (-0.5, 0.2, 1.0, 3.0, 6.0)


def stood_still(run: Run, start: float, end: float) -> Run:
    """The run as a harness would have recorded it that was stopped from `start` to `end`; it notices right after."""

    def late(seen: Observation) -> Observation:
        held = seen.kind != "Mark" and start <= seen.t < end
        return replace(seen, t=end + 0.01 * (seen.t - start)) if held else seen

    mark = Observation(t=end + 0.02, kind="Mark", type=MarkType.STALL, object={"start": start - 0.05, "end": end})
    return replace(run, timeline=tuple(sorted([*map(late, run.timeline), mark], key=lambda seen: seen.t)))


@pytest.mark.parametrize("name", DROPPING)
def test_calls_that_were_dropped_are_never_called_seamless(name: str) -> None:
    run = read_run(SMALL / name)
    for rollout, after_s, lasts_s in product(run.info.rollouts, SINCE_UPDATE_S, LENGTHS_S):
        start = rollout.update + after_s
        assert judge(stood_still(run, start, start + lasts_s)).verdict != "seamless", (start, lasts_s)


@pytest.mark.parametrize("name", sorted(MITIGATED))
def test_a_mitigated_application_is_never_called_dropping(name: str) -> None:
    folder = MITIGATED[name]
    if not folder.is_dir():
        pytest.skip(f"recordings are not here: ../{folder.relative_to(SHARED.parent)} beside the checkout")
    run = read_run(folder)
    assert judge(run).verdict != "dropping"
    for rollout, after_s, lasts_s in product(run.info.rollouts, SINCE_UPDATE_S, LENGTHS_S):
        start = rollout.update + after_s
        result = judge(stood_still(run, start, start + lasts_s))
        assert result.verdict != "dropping", (start, lasts_s, result.reason)
        assert any("the harness stood still" in note for note in result.notes)


def test_a_standstill_in_a_rollout_is_a_doubt_and_one_before_it_is_none() -> None:
    run = read_run(SMALL / "mitigated-3replicas-sync1s")
    update = run.info.rollouts[0].update
    inside = judge(stood_still(run, update + 0.5, update + 1.5))
    assert (inside.verdict, inside.reason) == ("inconclusive", "harness-stalled")
    assert "stood still for 1.1 s" in inside.sentence
    assert "in rollout 1" in inside.sentence
    before = judge(stood_still(run, update - 3.0, update - 2.0))
    assert before.verdict == "seamless"


def test_a_dropping_application_stays_so_by_what_was_taken_in_on_time() -> None:
    run = read_run(SMALL / "default-3replicas-sync1s")
    whole = judge(run)
    at = run.info.rollouts[0].update + 0.8  # the second pod of three is about to be told
    result = judge(stood_still(run, at, at + 2.0))
    assert result.verdict == "dropping"
    assert 0 < result.rollouts[0].own_failures < whole.rollouts[0].own_failures
    assert any("came with none that answers for them" in note for note in result.notes)
    assert not any("came with none that answers for them" in note for note in whole.notes)


def test_our_own_update_that_is_shown_late_is_nobody_else_s_change() -> None:
    run = read_run(SMALL / "default-3replicas-sync1s")
    at = run.info.rollouts[0].update + 0.001
    result = judge(stood_still(run, at, at + 8.0))
    assert "was changed" not in result.sentence
    assert result.reason != "foreign-change"


def test_one_standstill_is_told_once_though_the_events_show_it_too() -> None:
    run = read_run(SMALL / "default-3replicas-sync1s")
    at = run.info.rollouts[0].update + 0.2
    late = stood_still(run, at, at + 4.0)
    unmarked = [seen for seen in late.timeline if seen.type != MarkType.STALL]
    assert watch_stalls(run.info.t0_wall, unmarked).stalls
    stalls = watch_stalls(run.info.t0_wall, late.timeline)
    assert all(one.by_harness for one in stalls.stalls)
    (only,) = stalls.of_harness
    assert (only.start, only.late_s) == (pytest.approx(at - 0.05), pytest.approx(4.05))


@pytest.mark.parametrize("told", [{}, {"start": "x", "end": 3}, {"start": 5.0, "end": 3.0}, {"start": float("nan")}])
def test_a_mark_that_says_nothing_possible_is_left_out(told: dict[str, object]) -> None:
    run = read_run(SMALL / "mitigated-3replicas-sync1s")
    mark = Observation(t=9.0, kind="Mark", type=MarkType.STALL, object=told)
    assert not [one for one in watch_stalls(0.0, [*run.timeline, mark]).stalls if one.end > 1.0]


STRANGER = """
    period 1
    update 10 complete 11 settled 14
    pod old-1 deleted 10.05 ended 10.06 gone 10.2
    pod old-2
    pod new-1 revision r2 created 10.5 ready 10.9
    ok new 0..30 every 0.02 by old-2
    connect-refused new 9.6 9.7 9.8 10.1
"""


def test_what_was_taken_in_late_is_charged_to_no_rollout() -> None:
    """A stranger ended a pod before the update; it was shown after it, for the harness had stood still."""
    run = history(STRANGER)
    assert judge(run).verdict == "dropping", "as it was taken in, the rollout did it"
    mark = Observation(t=9.96, kind="Mark", type=MarkType.STALL, object={"start": 9.3, "end": 9.95})
    result = judge(replace(run, timeline=tuple(sorted([*run.timeline, mark], key=lambda seen: seen.t))))
    assert (result.verdict, result.reason) == ("inconclusive", "harness-stalled")
    assert result.rollouts[0].own_failures == 0
