"""Errors that name no pod, as pods stop and fewer are in service: those that are left may have too few hands."""

from __future__ import annotations

from collections import Counter

import pytest

from harness.analysis import judge
from harness.model.result import ScenarioResult, Verdict

from ..literal import history

EITHER = "unknown"

ONE_LESS = """
    period 1
    update 8 complete 9 settled 13
    pod old-1 deleted 8.5 ended 10.5 gone 10.8
    pod old-2
    pod new-1 revision r2 created 8.6 ready 11.5
    ok new 0..30 every 0.05
"""
"""maxSurge 0: from 8.5 to 11.5 one pod of two is left, and from 10 on nobody is sent to the one that stops."""

AS_IT_STOPS = "status new 8.7 8.9 9.1 9.3 9.5\n"
AFTER = "status new 10.6 10.8 11.0 11.2 11.4\n"


def judged(text: str) -> ScenarioResult:
    return judge(history(text))


def causes(result: ScenarioResult) -> Counter[str]:
    return Counter(str(failure.cause) for failure in result.failures)


def test_errors_that_those_left_give_too_may_be_theirs() -> None:
    result = judged(ONE_LESS + AS_IT_STOPS + AFTER)
    assert causes(result) == {EITHER: 5, "application": 5}
    assert result.verdict != Verdict.SEAMLESS
    assert "maxUnavailable: 0 (with maxSurge) keeps as many in service" in result.failures[0].evidence


def test_errors_that_none_of_those_left_gives_are_of_the_pod_that_stops() -> None:
    assert causes(judged(ONE_LESS + AS_IT_STOPS)) == {"termination-race": 5}


@pytest.mark.parametrize("ready", ["8.45", "8.4"])
def test_where_as_many_are_in_service_as_before_nobody_is_short_of_hands(ready: str) -> None:
    as_many = ONE_LESS.replace("created 8.6 ready 11.5", f"created 8.1 ready {ready}")
    assert EITHER not in causes(judged(as_many + AS_IT_STOPS))


def test_a_pod_that_names_itself_is_held_against_the_others_by_its_name() -> None:
    named = ONE_LESS.replace("0..30 every 0.05", "0..30 every 0.05 by old-2")
    errors = AS_IT_STOPS.replace("\n", " by old-1\n") + AFTER.replace("\n", " by old-2\n")
    assert causes(judged(named + errors)) == {"termination-race": 5, "application": 5}
