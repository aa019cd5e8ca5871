"""A new version that fails is told from what old and new pods need alike, and fails for both."""

from __future__ import annotations

import pytest

from harness.analysis import judge
from harness.model.result import ScenarioResult, Verdict

from ..literal import history, nameless

ROLLOUT = """
    period 1
    update 8.0 complete 9.0 settled 14.6
    pod old-1 deleted 8.5 prestop 5 ended 14.0 gone 14.5
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..8.4 every 0.02 by old-1
    ok kept 0..11 every 0.1 by old-1
    ok new 8.4..11 every 0.02 by new-1
    status new 11..13 every 0.02 by new-1 code 500
    ok new 13..30 every 0.02 by new-1
    ok kept 13..13.4 every 0.1 by old-1
"""


def judged(kept: str) -> ScenarioResult:
    return judge(history(ROLLOUT + kept))


def test_where_old_pods_fail_with_the_new_ones_it_is_no_fault_of_the_new_version() -> None:
    result = judged("status kept 11..13 every 0.1 by old-1 code 500")
    assert set(result.causes) == {"application"}
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, "application-errors")
    assert result.sentence.startswith("the application failed 120 requests of rollout 1 while in service (status 500)")


def test_where_old_pods_answer_well_meanwhile_it_is() -> None:
    result = judged("ok kept 11..13 every 0.1 by old-1")
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, "new-version-errors")
    assert "the new pods of rollout 1 fail more requests than the old ones" in result.sentence


def test_where_old_pods_fail_far_more_rarely_it_is() -> None:
    result = judged("ok kept 11..13 every 0.1 by old-1\nstatus kept 12.05 by old-1 code 500")
    assert result.reason == "new-version-errors"


def test_where_no_old_pod_was_asked_meanwhile_it_is() -> None:
    assert judged("").reason == "new-version-errors"


def test_without_names_an_old_pod_that_has_not_ended_may_have_been_the_one() -> None:
    """It answers on kept connections until it ends; once it has, only new pods are left."""
    text = nameless(ROLLOUT).replace("status new 11..13 every 0.02 code 500\n", "")
    during = text + "status new 11..13 every 0.02 code 500\nstatus kept 11..13 every 0.1 code 500 reused"
    after = (
        text.replace("ended 14.0 gone 14.5", "ended 10.0 gone 10.5")
        .replace("prestop 5 ", "")
        .replace("settled 14.6", "settled 11.5")
        + "status new 11..13 every 0.02 code 500"
    )
    told = [judge(history(one)) for one in (during, after)]
    assert [(one.verdict, one.reason) for one in told] == [
        (Verdict.INCONCLUSIVE, "application-errors"),
        (Verdict.INCONCLUSIVE, "new-version-errors"),
    ]


LASTING = """
    period 1
    update 8.0 complete 9.0 settled 14.6
    pod old-1 deleted 8.5 prestop 5 ended 14.0 gone 14.5
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..30 every 0.02
"""


@pytest.mark.parametrize(
    ("failed", "reason"),
    [
        ("status new 8.6..30 every 0.4", "new-version-errors"),
        ("status new 8.6..9.4 every 0.02", "application-errors"),  # while the old one was there
        ("status new 13.5..15.5 every 0.02", "application-errors"),  # and it passed
        ("status new 8.05..30 every 0.4", "application-errors"),  # it began before a new one was Ready
    ],
)
def test_what_fails_all_the_time_once_only_new_pods_are_left_is_the_new_version(failed: str, reason: str) -> None:
    result = judge(history(LASTING + failed))
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, reason)
    assert ("all the time once only they were left" in result.sentence) is (reason == "new-version-errors")
