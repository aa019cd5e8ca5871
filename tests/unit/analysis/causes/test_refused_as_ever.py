"""Connections that are refused as a pod stops, past its proxy's period, and as often while none does."""

from __future__ import annotations

from collections import Counter

from harness.analysis import judge
from harness.model.result import ScenarioResult

from ..literal import history

ROLLOUT = """
    period 1
    update 20 complete 21 settled 34
    pod old-1 deleted 20.5 ended 33.5 gone 33.8
    pod old-2
    pod new-1 revision r2 created 20.1 ready 20.4
    ok new 0..60 every 0.05
"""
AS_IT_STOPS = "connect-refused new 26.0 27.0 28.0 29.0 30.0 31.0\n"
AS_EVER = "connect-refused new 2..20 every 1.01\nconnect-refused new 40..58 every 1.01\n"


def causes(text: str) -> Counter[str]:
    result: ScenarioResult = judge(history(ROLLOUT + text))
    return Counter(str(failure.cause) for failure in result.failures)


def test_what_is_refused_long_after_a_pod_left_may_be_that_pods_proxy_late() -> None:
    assert causes(AS_IT_STOPS) == {"termination-race": 6}


def test_what_is_refused_as_often_while_no_pod_stops_is_not() -> None:
    assert "termination-race" not in causes(AS_IT_STOPS + AS_EVER)
