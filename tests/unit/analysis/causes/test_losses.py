"""One connection without an answer, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.analysis import judge
from harness.model.observation import Observation

from ..literal import history, nameless

# old-1 serves on in its preStop while the proxy may still send to it, and is gone long after the proxy has synced.
MITIGATED = """
    period 1
    update 8.0 complete 9.0 settled 15
    pod old-1 deleted 8.5 prestop 5 ended 14.0 gone 14.5
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..30 every 0.02 by old-2
    ok new 0.01..8.5 every 0.02 by old-1
    ok new 8.51..30 every 0.02 by new-1
    ok kept 0..13.5 every 0.05 by old-1 reused
    connect-timeout new {t}
"""


def told(text: str, less: str = "") -> tuple[str, str, str]:
    for word in filter(None, less.split(",")):
        text = text.replace(word, "period ?" if word == "period 1" else "")
    result = judge(history(text))
    return str(result.failures[0].cause), str(result.verdict), result.failures[0].evidence


def test_a_lost_packet_in_the_prestop_sleep_convicts_nobody() -> None:
    cause, verdict, evidence = told(MITIGATED.format(t=8.6))
    assert (cause, verdict) == ("application", "seamless")
    assert "alone among good connections" in evidence


@pytest.mark.parametrize(
    "less", ["prestop 5", " by old-1, by old-2, by new-1", "prestop 5, by old-1, by old-2, by new-1"]
)
@pytest.mark.parametrize("period", ["", ",period 1"])
def test_with_less_known_it_is_no_termination_race_either(less: str, period: str) -> None:
    cause, verdict, _ = told(MITIGATED.format(t=8.6), less + period)
    assert cause in ("application", "unknown")
    assert verdict in ("seamless", "inconclusive")


def test_one_that_is_lost_as_a_pod_goes_that_the_proxy_dropped_long_ago_shows_no_race() -> None:
    for less in ("", "prestop 5", " by old-1, by old-2, by new-1", "prestop 5, by old-1, by old-2, by new-1,period 1"):
        cause, verdict, _ = told(MITIGATED.format(t=13.6), less)
        assert cause in ("application", "unknown")
        assert verdict in ("seamless", "inconclusive")


def test_more_of_them_than_before_are_not_chance() -> None:
    text = """
        update 38 complete 39 settled 45
        pod old-1 deleted 38.5 prestop 5 ended 44.0 gone 44.5
        pod new-1 revision r2 created 38.1 ready 38.4
        ok new 0..38.5 every 0.02 by old-1
        ok new 38.5..70 every 0.02 by new-1
        connect-timeout new 46..69 every 2.3
    """
    result = judge(history(text))
    assert result.causes == {"application": 10}
    assert (result.verdict, result.reason) == ("dropping", "cause not shown")


def test_a_hook_that_failed_holds_nothing() -> None:
    text = """
        update 8.0 complete 9.0 settled 9.8
        pod old-1 deleted 8.5 prestop 5 ended 8.8 gone 9.0
        pod old-2
        pod new-1 revision r2 created 8.1 ready 8.4
        ok new 0..8.5 every 0.01 by old-2
        ok new 10..30 every 0.01 by new-1
        connect-refused new 8.6
    """
    assert told(text)[:2] == ("termination-race", "dropping")


def test_a_hook_that_the_kubelet_reports_as_failed_holds_nothing_however_long_the_pod_lives() -> None:
    text = """
        update 8.0 complete 9.0 settled 15
        pod old-1 deleted 8.5 prestop 5 ended 14.0 gone 14.5
        pod old-2
        pod new-1 revision r2 created 8.1 ready 8.4
        ok new 0..8.5 every 0.01 by old-2
        ok new 10..30 every 0.01 by new-1
        connect-refused new 8.6
    """
    run = history(text)
    failed = {"reason": "FailedPreStopHook", "involvedObject": {"kind": "Pod", "uid": "old-1"}}
    event = Observation(t=8.52, kind="Event", type="ADDED", object=failed)
    assert str(judge(run).failures[0].cause) == "unknown"
    assert str(judge(replace(run, timeline=(*run.timeline, event))).failures[0].cause) == "termination-race"


# Few requests, and a proxy that is later than its period: what fails as the pod goes fails at no other time.
SPARSE = """
    period 1
    update 30 complete 31 settled 35.2
    pod old-1 deleted 30.5 prestop 3 ended 33.8 gone 34.1
    pod old-2
    pod new-1 revision r2 created 30.1 ready 30.4
    ok new 0..33.9 every 0.2 by old-2
    ok new 34.9..60 every 0.2 by new-1
"""


@pytest.mark.parametrize("name", [str, nameless])
@pytest.mark.parametrize("lost", ["34.1", "34.1 34.5"])
def test_that_a_proxy_keeps_its_period_is_no_sight_of_it(lost: str, name: Callable[[str], str]) -> None:
    cause, verdict, evidence = told(name(SPARSE + f"connect-timeout new {lost}"))
    assert (cause, verdict) == ("unknown", "inconclusive")
    assert "it may have gone to a pod that was gone" in evidence


@pytest.mark.parametrize("name", [str, nameless])
def test_what_is_lost_once_connections_show_that_the_pod_is_not_sent_to_is_the_networks(
    name: Callable[[str], str],
) -> None:
    text = SPARSE.replace("ok new 34.9..60 every 0.2", "ok new 33.9..60 every 0.01") + "connect-timeout new 34.6"
    assert told(name(text))[:2] == ("application", "seamless")


def test_what_is_lost_so_at_other_times_too_is_the_networks_also_as_a_pod_goes() -> None:
    assert told(SPARSE + "connect-timeout new 5.1 12.3 21.5 27.7 34.1 42.1 50.3 58.5")[:2] == (
        "application",
        "seamless",
    )


def test_an_address_that_is_gone_refuses_nothing_however_late_the_proxy_is() -> None:
    text = SPARSE + "connect-refused new {}"
    assert told(text.format("33.9"))[:2] == ("termination-race", "dropping")
    assert told(text.format("34.2 34.3 34.4"))[:2] == ("unknown", "inconclusive")
