"""Nodes that send only to their own pods (externalTrafficPolicy: Local): what meets one without is no pod's share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.analysis import judge
from harness.model.paths import Hop, HopKind, Span, Targets
from harness.model.result import ScenarioResult as Result

from ..literal import history

LOCAL = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"type": "NodePort", "externalTrafficPolicy": "Local"},
}
MOVES = """
    period 1
    update 8.0 complete 9.0 settled 13.0
    pod old-1 node node1 deleted 8.5 ended 8.9 gone 9.1
    pod new-1 node node2 revision r2 created 8.1 ready 8.4
"""
NODES = (
    Hop(
        name="nftables on node1, node2",
        kind=HopKind.NODE_PROXY,
        targets=Targets.PODS,
        instances=2,
        removal=Span(least_s=0.0, most_s=1.0),
        addition=Span(least_s=0.0, most_s=1.0),
    ),
)
REJECTED = "connect-refused new 8.91 8.94 8.97\n"


def told(text: str) -> Result:
    more: dict[str, Any] = {"path": "nodeport", "hops": NODES, "manifests": (LOCAL,)}
    return judge(history(text, **more))


def test_a_node_that_never_had_a_pod_is_no_rollouts() -> None:
    """The pod moves: as many connections are dropped before it does as after."""
    before = "ok new 0..8 every 0.04 by old-1\nconnect-timeout new 0.02..8 every 0.04\n"
    after = "ok new 8.5..20 every 0.04 by new-1\nconnect-timeout new 10.5..20 every 0.04\n"
    result = told(MOVES + before + after)
    assert {str(one.cause) for one in result.failures} == {"application"}
    assert str(result.verdict) != "dropping"


def test_a_node_that_a_rollout_leaves_without_a_pod_is_its_doing() -> None:
    """Two nodes had one each; afterwards both are on one."""
    beside = "pod old-2 node node2\n"
    before = "ok new 0..8.9 every 0.02 by old-2\nok new 0.01..8.5 every 0.04 by old-1\n"
    after = "ok new 8.9..20 every 0.04 by old-2\nconnect-timeout new 10.5..20 every 0.04\n"
    result = told(MOVES + beside + before + after)
    assert {str(one.cause) for one in result.failures} == {"no-endpoints"}
    assert str(result.verdict) == "dropping"


def test_one_that_a_balancer_had_left_out_is_as_ever_only_until_a_rollout_moves_it() -> None:
    """Three nodes are called and two have pods: nothing is dropped before the rollout, so it is the rollout's."""
    beside = "pod old-2 node node3\n"
    three = (replace(NODES[0], name="nftables on node1, node2, node3", instances=3),)
    before = "ok new 0..8.9 every 0.02 by old-2\nok new 0.01..8.5 every 0.04 by old-1\n"
    after = "ok new 8.9..20 every 0.04 by old-2\nconnect-timeout new 10.5..12 every 0.04\n"
    run = history(MOVES + beside + before + after, path="nodeport", hops=three, manifests=(LOCAL,))
    result = judge(run)
    assert {str(one.cause) for one in result.failures} == {"no-endpoints"}
    assert str(result.verdict) == "dropping"
