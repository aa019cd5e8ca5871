"""What all failures of the application in a rollout share that it brought: pods that are fresh, or fewer of them."""

from __future__ import annotations

import pytest

from harness.analysis import judge
from harness.model.result import ScenarioResult, Verdict

from ..literal import history

FRESH = """
    period 1
    update 8 complete 12 settled 15
    pod old-1 deleted 10.5 prestop 5 ended 16 gone 16.5
    pod new-1 revision r2 created 8.1 ready 10
    ok new 0..30 every 0.05
"""
FEWER = """
    period 1
    update 8 complete 12 settled 15
    pod old-1 deleted 8.2 prestop 5 ended 14 gone 14.5
    pod old-2
    pod new-1 revision r2 created 8.3 ready 11
    ok new 0..30 every 0.05
"""


def judged(text: str, failed: str) -> ScenarioResult:
    return judge(history(text + failed))


def slow(start: float, end: float, every: float) -> str:
    return f"read-timeout new {start}..{end} every {every}\n"


def test_failures_only_while_a_pod_is_fresh_say_so() -> None:
    result = judged(FRESH, slow(10.2, 13.0, 0.1))
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, "application-errors")
    assert "all of them in the first 2.9 s after a pod was Ready" in result.sentence
    assert "(readinessProbe)" in result.sentence


def test_failures_while_fewer_pods_are_in_service_say_so() -> None:
    result = judged(FEWER, slow(8.4, 11.2, 0.1))
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, "application-errors")
    assert "all of them while fewer pods were in service than before" in result.sentence
    assert "maxUnavailable: 0 (with maxSurge) keeps as many" in result.sentence


def test_failures_at_other_times_too_share_nothing() -> None:
    for text in (FRESH, FEWER):
        result = judged(text, slow(8.05, 28.0, 0.3))
        assert result.reason == "application-errors"
        assert "all of them" not in result.sentence


def test_a_few_share_nothing_that_chance_does_not_bring() -> None:
    result = judged(FRESH, "read-timeout new 10.2 11.3\n")
    assert "all of them" not in result.sentence


HANGING = """
    period 1
    update 8 complete 12 settled 19
    pod old-1 deleted 10.5 prestop 5 ended 18 gone 18.5
    pod new-1 revision r2 created 8.1 ready 10
    pod old-2 ready 0.2
    ok new 0..10.6 every 0.02 by old-1
    ok new 16.8..40 every 0.05 by new-1
"""


@pytest.mark.parametrize("others", [True, False])
def test_new_pods_that_listen_and_answer_nothing_are_told_by_the_old_ones_that_go_on_answering(others: bool) -> None:
    """All new connections fail, also where answers name no pod that failed: those that were open are answered."""
    kept = "ok kept 0.3..12 every 0.2 by old-1 reused\n" if others else ""
    result = judged(HANGING + kept, "read-timeout new 10.7..11.7 every 0.05\n")
    assert result.reason == "application-errors"
    assert ("all of them in the first 1.6 s after a pod was Ready" in result.sentence) is others


BLIP = FRESH.replace("ok new 0..30", "ok new 0..10.2") + "ok new 10.9..30 every 0.05\nstatus new 10.2..10.9 every 0.02"


@pytest.mark.parametrize("by", ["", " by old-1"], ids=["no answer names its pod", "an old pod gave them"])
def test_a_failure_of_all_pods_is_not_of_the_one_that_is_fresh(by: str) -> None:
    result = judged(BLIP.replace("ok new 0..10.2 every 0.05", f"ok new 0..10.2 every 0.05{by}"), by)
    assert result.reason == "application-errors"
    assert "all of them" not in result.sentence


def test_a_fresh_pod_whose_container_fell_needs_no_probe() -> None:
    result = judged(FRESH + "crash new-1 10.3 10.9\n", "connect-refused new 10.35..10.9 every 0.02")
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, "crash")
    assert "after a pod was Ready" not in str(result)
