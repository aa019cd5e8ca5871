"""A container that fails while its preStop hook still holds it crashed: no rollout has told it to stop yet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.analysis import judge
from harness.model.observation import Observation
from harness.model.result import ScenarioResult

from ..literal import history

RUN = """
    period 1
    update 8.0 complete 9.0 settled 15
    pod old-1 prestop 5 deleted 8.5 ended {ended} gone 14.5 exits {code}
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..40 every 0.05 by old-2
    ok kept 0..10 every 0.1 by old-1 port 7000 reused
    eof-mid-response kept 10.05 until 10.4 by old-1 port 7000 reused
"""


def result(code: int, ended: float) -> ScenarioResult:
    return judge(history(RUN.format(code=code, ended=ended)))


def test_what_it_had_in_hand_is_its_own_and_the_run_says_what_it_ended_by() -> None:
    found = result(3, 10.5)
    assert (found.verdict, found.reason) == ("inconclusive", "crash")
    assert "old-1 crashed (exit code 3) in rollout 1" in found.sentence
    assert [(one.cause, one.pod) for one in found.failures] == [("application", "old-1")]


@pytest.mark.parametrize(("code", "ended"), [(0, 10.5), (143, 10.5), (3, 14.0)])
def test_one_that_a_signal_ended_or_that_ended_after_its_hook_was_stopped_by_the_rollout(
    code: int, ended: float
) -> None:
    """143 is SIGTERM's: whoever cut the hook short, the stop signal came."""
    found = judge(history(RUN.format(code=code, ended=ended).replace("10.05 until 10.4", f"10.05 until {ended - 0.1}")))
    assert found.verdict == "dropping"
    assert {str(one.cause) for one in found.failures} == {"in-flight-kill"}


def test_a_container_that_a_probe_had_killed_is_told_with_it() -> None:
    run = history(
        """
        update 8.0 complete 9.0 settled 9.6
        pod old-1 deleted 8.5 ended 8.9 gone 9.1
        pod old-2
        pod new-1 revision r2 created 8.1 ready 8.4
        crash old-2 9.2 9.9
        ok new 0..30 every 0.02 by new-1
        """
    )
    said = {
        "reason": "Killing",
        "message": "Container web failed liveness probe, will be restarted",
        "involvedObject": {"uid": "old-2"},
    }
    killed = Observation(t=9.2, kind="Event", type="ADDED", object=said)
    result = judge(replace(run, timeline=tuple(sorted([*run.timeline, killed], key=lambda seen: seen.t))))
    assert "old-2 crashed (killed, for its liveness probe had failed) in rollout 1" in result.sentence
