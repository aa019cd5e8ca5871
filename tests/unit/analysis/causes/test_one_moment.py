"""New connections that waited in a stopping pod's queue and are reset in one moment, some sent after its horizon."""

from __future__ import annotations

from collections import Counter

from harness.analysis import judge
from harness.model.result import ScenarioResult

from ..literal import history

ROLLOUT = """
    period 1
    update 8 complete 9 settled 14
    pod old-1 deleted 8.5 ended 13.5 gone 13.8
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..30 every 0.05
"""
IN_TIME = "reset-before-response new 9.1 9.4 9.7 until 12.0 acked 60\n"
LATE = "reset-before-response new 10.4 10.7 11.0 until {ended} acked 60\n"


def judged(text: str) -> ScenarioResult:
    return judge(history(ROLLOUT + text))


def causes(result: ScenarioResult) -> Counter[str]:
    return Counter(str(failure.cause) for failure in result.failures)


def test_what_is_reset_with_others_of_a_stopping_pod_went_to_it_too() -> None:
    assert causes(judged(IN_TIME + LATE.format(ended=12.001))) == {"termination-race": 6}


def test_what_is_reset_at_another_time_did_not() -> None:
    result = judged(IN_TIME + LATE.format(ended=11.8))
    assert causes(result) == {"termination-race": 3, "application": 3}
    late = [failure for failure in result.failures if str(failure.cause) == "application"]
    assert "by a pod in service: it was sent when none that was stopping was sent to any more" in late[0].evidence


def test_what_is_reset_at_once_did_not_wait_with_others() -> None:
    at_once = "reset-before-response new 12.0 took 0.0005 acked 60\n"
    assert causes(judged(IN_TIME + at_once)) == {"termination-race": 3, "application": 1}
