"""Another workload behind the same Service: what its pods may have lost is not charged to the rollout of ours."""

from __future__ import annotations

from dataclasses import replace

from harness.analysis import judge
from harness.model.observation import Observation
from harness.model.run import Run

from ..literal import history

CLEAN = """
period 1
update 8.0 complete 9.0 settled 9.8
pod old-1 deleted 8.5 ended 8.8 gone 9.0
pod new-1 revision r2 created 8.1 ready 8.4
ok new 0..30 every 0.05 by new-1
"""


def beside(run: Run, *moments: tuple[float, bool]) -> Run:
    """The run with another workload's endpoint in a slice of its own, listed or not from each of the moments on."""
    slices = (
        Observation(
            t=t,
            kind="EndpointSlice",
            type="MODIFIED",
            object={
                "metadata": {"name": "web-2", "labels": {"kubernetes.io/service-name": "web"}},
                "endpoints": [{"conditions": {"ready": listed}, "targetRef": {"uid": "green-1", "name": "green-1"}}],
            },
        )
        for t, listed in moments
    )
    return replace(run, timeline=tuple(sorted((*run.timeline, *slices), key=lambda seen: seen.t)))


def test_another_workload_that_stays_is_no_matter() -> None:
    assert judge(beside(history(CLEAN), (0.1, True))).verdict == "seamless"
    lost = history(CLEAN + "connect-refused new 8.86 8.87")
    assert judge(beside(lost, (0.1, True))).verdict == "dropping"


def test_one_that_leaves_before_the_control_window_is_over_is_no_matter() -> None:
    assert judge(beside(history(CLEAN), (0.1, True), (1.0, False))).verdict == "seamless"


def test_one_that_leaves_in_the_rollout_is_a_doubt() -> None:
    result = judge(beside(history(CLEAN), (0.1, True), (8.6, False)))
    assert (result.verdict, result.reason) == ("inconclusive", "other-workload")
    assert "another workload's endpoint left the Service in rollout 1, 8.6 s into the run" in result.sentence


def test_what_it_may_have_lost_is_not_charged_to_the_rollout() -> None:
    lost = history(CLEAN + "connect-refused new 8.86 8.87")
    result = judge(beside(lost, (0.1, True), (8.6, False)))
    assert (result.verdict, result.reason) == ("inconclusive", "uncharged")
    assert result.causes == {"termination-race": 2}
    assert "another workload's endpoint left the Service in rollout 1" in result.rollouts[0].note


def test_what_failed_before_it_left_is_the_rollouts() -> None:
    lost = history(CLEAN + "connect-refused new 8.86 8.87")
    assert judge(beside(lost, (0.1, True), (20.0, False))).verdict == "dropping"
