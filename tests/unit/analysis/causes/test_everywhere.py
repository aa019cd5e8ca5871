"""Connections that fail at once, more of them than went to pods that were stopping: no pod's end explains that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.analysis import judge

from ..literal import history, nameless

ROLLING = """
    period 1
    update 8.0 complete 9.0 settled 9.6
    pod old-1 deleted 8.5 ended 8.9 gone 9.1
    pod old-2
    pod old-3
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..8.5 every 0.01 by old-2
    ok new 9..30 every 0.01 by old-3
    ok kept 0..30 every 0.1 by old-2 reused
"""
ALL = "{} new 8.55..8.85 every 0.01\n"
ITS_SHARE = (
    "{} new 8.55..8.85 every 0.03\nok new 8.56..8.85 every 0.03 by old-2\nok new 8.57..8.85 every 0.03 by old-3\n"
)
AT_ONCE = ["connect-refused", "reset-before-response"]


def told(text: str, **more: Any) -> tuple[str, str]:
    result = judge(history(text, **more))
    assert len(result.causes) == 1, result.causes
    return str(result.failures[0].cause), str(result.verdict)


@pytest.mark.parametrize("name", [str, nameless])
@pytest.mark.parametrize("outcome", AT_ONCE)
def test_all_of_three_pods_do_not_fail_because_one_stops(outcome: str, name: Callable[[str], str]) -> None:
    cause, verdict = told(name(ROLLING + ALL.format(outcome)))
    assert cause == ("unknown" if outcome == "connect-refused" else "application")
    assert verdict == "inconclusive"


@pytest.mark.parametrize("name", [str, nameless])
@pytest.mark.parametrize("outcome", AT_ONCE)
def test_the_share_of_one_that_stops_is_its_own(outcome: str, name: Callable[[str], str]) -> None:
    assert told(name(ROLLING + ITS_SHARE.format(outcome))) == ("termination-race", "dropping")


@pytest.mark.parametrize(
    ("annotations", "spec"),
    [
        ({}, {"sessionAffinity": "ClientIP"}),
        ({}, {"internalTrafficPolicy": "Local"}),
        ({}, {"trafficDistribution": "PreferSameZone"}),
        ({"service.kubernetes.io/topology-mode": "Auto"}, {}),
    ],
)
def test_one_may_have_them_all_where_a_client_stays_with_its_pod(
    annotations: dict[str, str], spec: dict[str, str]
) -> None:
    web = {"kind": "Service", "metadata": {"name": "web", "annotations": annotations}, "spec": spec}
    assert told(ROLLING + ALL.format("connect-refused"), manifests=(web,)) == ("termination-race", "dropping")


def test_one_may_have_them_all_where_it_was_the_only_one_listed_shortly_before() -> None:
    """Two of three go at once; the proxy's period keeps the third the only one that it knows, as that goes too."""
    text = """
        period 10
        update 8.0 complete 13.2 settled 14
        pod old-1 deleted 8.0 ended 8.1 gone 8.3
        pod old-2 deleted 8.0 ended 8.1 gone 8.3
        pod old-3 deleted 13.1 ended 13.5 gone 13.7
        pod new-1 revision r2 created 8.1 ready 13.0
        pod new-2 revision r2 created 8.1 ready 13.0
        ok new 0..8 every 0.01 by old-1
        ok new 8..13.12 every 0.01 by old-3
        connect-refused new 13.12..13.5 every 0.01
        ok new 18..40 every 0.01 by new-1
    """
    assert told(text) == ("termination-race", "dropping")
