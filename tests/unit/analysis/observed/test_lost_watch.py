"""A watch that was lost: what it leaves open never speaks for a rollout."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.analysis import judge
from harness.model.observation import MarkType, Observation
from harness.model.run import Run
from harness.store.reader import read_run

from ..literal import history
from ..recordings import SMALL

DROPPING = ("default-3replicas-sync1s", "sigterm-stop")


def cut(run: Run, start: float, end: float) -> Run:
    """The run whose watch of pods broke at `start` and was taken up again at `end`: what came between is told then."""
    late = [replace(seen, t=end) if seen.kind == "Pod" and start < seen.t < end else seen for seen in run.timeline]
    gap = Observation(t=start, kind="Mark", type=MarkType.GAP, object={"kind": "Pod"})
    return replace(run, timeline=tuple(sorted([*late, gap], key=lambda seen: seen.t)))


@pytest.mark.parametrize("name", DROPPING)
@pytest.mark.parametrize("before_s", [0.05, 0.2, 0.5, 2.0])
@pytest.mark.parametrize("lasts_s", [0.7, 3.0, 8.0])
def test_a_watch_that_is_lost_around_an_update_clears_no_rollout(name: str, before_s: float, lasts_s: float) -> None:
    run = read_run(SMALL / name)
    whole = judge(run)
    assert whole.verdict == "dropping"
    for at, rollout in enumerate(run.info.rollouts):
        start = rollout.update - before_s
        result = judge(cut(run, start, start + lasts_s))
        assert result.verdict == "dropping", result.reason
        assert result.rollouts[at].own_failures >= 0.5 * whole.rollouts[at].own_failures, result.rollouts[at]


def test_failures_such_as_rollouts_make_are_a_doubt_where_none_answers_for_them() -> None:
    """Somebody ended a pod while nothing was done; a clean rollout after that does not make it good."""
    text = """
        period 1
        update 20 complete 21 settled 24
        pod old-1 deleted 8.5 ended 8.8 gone 9.0
        pod old-2
        pod new-1 revision r2 created 20.1 ready 20.4
        ok new 0..40 every 0.02 by old-2
        connect-refused new 8.6 8.65 8.7 8.75
    """
    result = judge(history(text))
    assert (result.verdict, result.reason) == ("inconclusive", "uncharged")
    assert "termination-race: 4" in result.sentence


def test_without_a_request_in_the_control_window_there_is_nothing_to_compare_with() -> None:
    text = """
        period 1
        update 8 complete 9 settled 12
        pod old-2
        pod new-1 revision r2 created 8.1 ready 8.4
        ok new 8..30 every 0.02 by old-2
    """
    result = judge(history(text, control=(5.0, 8.0)))
    assert (result.verdict, result.reason) == ("inconclusive", "no-control")
