"""By which way a Service can be reached, and what stands on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.model.paths import AT_ONCE, Hop, HopKind, Span, Targets, hops
from harness.model.run import BalancerFacts, FactSource, ProxyFacts
from harness.spec.ways_in import hops_of, is_local, node_port, why_not

PROXY = ProxyFacts(mode="nftables", min_sync_period_s=10.0, source=FactSource.CONFIGURED)
BY_POD = BalancerFacts(
    profile="slow",
    targets=Targets.PODS,
    removal=Span(least_s=2.0, most_s=4.0),
    addition=Span(least_s=9.0, most_s=9.0),
)
BY_NODE = BalancerFacts(profile="nodes", targets=Targets.NODES, removal=BY_POD.removal, addition=BY_POD.addition)


def service(**spec: Any) -> dict[str, Any]:
    ports = [{"port": 80, "nodePort": 30080}, {"port": 81}]
    return {"metadata": {"name": "web"}, "spec": {"ports": ports, **spec}}


@pytest.mark.parametrize(
    ("path", "spec", "seen"),
    [
        ("clusterip", {}, None),
        ("url", {"type": "ExternalName"}, None),
        ("nodeport", {"type": "LoadBalancer"}, None),
        ("nodeport", {}, "Service web is of type ClusterIP, and path nodeport needs NodePort or LoadBalancer"),
        (
            "loadbalancer",
            {"type": "NodePort"},
            "Service web is of type NodePort, and path loadbalancer needs LoadBalancer",
        ),
    ],
)
def test_a_service_of_another_type_is_named_with_what_the_path_needs(
    path: str, spec: dict[str, Any], seen: str | None
) -> None:
    found = why_not(path, service(**spec), 80)
    assert (found and found[0]) == seen


def test_a_balancer_without_node_ports_leaves_no_node_port_to_call() -> None:
    without = service(type="LoadBalancer", allocateLoadBalancerNodePorts=False)
    assert why_not("nodeport", without, 80) is None
    assert "port 81 has no node port" in (why_not("nodeport", without, 81) or ("",))[0]
    assert (node_port(without, 80), node_port(without, 81)) == (30080, None)


def test_each_way_has_its_own_policy() -> None:
    assert is_local(service(internalTrafficPolicy="Local"), "clusterip")
    assert not is_local(service(internalTrafficPolicy="Local"), "nodeport")
    assert is_local(service(externalTrafficPolicy="Local"), "loadbalancer")


def way(path: str, *, balancer: BalancerFacts | None = None, proxy: ProxyFacts = PROXY, **spec: Any) -> tuple[Hop, ...]:
    return hops_of(path, service(**spec), proxy, nodes=("node1", "node2"), balancer=balancer)


def test_a_node_port_is_as_late_as_the_proxy_of_each_node() -> None:
    (hop,) = way("nodeport")
    assert (hop.kind, hop.removal, hop.instances) == (HopKind.NODE_PROXY, Span(least_s=0.0, most_s=10.0), 2)
    came_to = hops("nodeport", (hop,))
    assert (came_to.node_first, came_to.external, came_to.one_list) == (True, False, False)


def test_a_period_that_is_not_known_is_not_made_up() -> None:
    (hop,) = way("nodeport", proxy=ProxyFacts(min_sync_period_s=1.0, source=FactSource.ASSUMED))
    assert (hop.removal, hop.decides) == (None, True)


def test_a_balancer_of_pods_decides_alone() -> None:
    (hop,) = way("loadbalancer", balancer=BY_POD)
    assert (hop.targets, hop.removal, hop.addition) == (Targets.PODS, BY_POD.removal, BY_POD.addition)
    assert not hops("loadbalancer", (hop,)).node_first


def test_a_balancer_of_nodes_never_learns_of_pods_and_the_nodes_proxy_decides() -> None:
    front, proxy = way("loadbalancer", balancer=BY_NODE)
    assert (front.removal, front.addition, front.decides) == (AT_ONCE, AT_ONCE, False)
    assert proxy.decides
    came_to = hops("loadbalancer", (front, proxy))
    assert (came_to.node_first, came_to.external) == (True, True)


def test_with_the_policy_local_both_decide() -> None:
    front, proxy = way("loadbalancer", balancer=BY_NODE, externalTrafficPolicy="Local")
    assert front.removal == BY_NODE.removal
    assert proxy.decides
    assert not hops("loadbalancer", (front, proxy)).node_first


def test_of_a_balancer_that_is_not_known_only_what_the_service_says_is() -> None:
    (front, _) = way("loadbalancer")
    assert (front.targets, front.removal) == (Targets.UNKNOWN, None)
    annotated = service()
    annotated["metadata"]["annotations"] = {"service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": "ip"}
    (front,) = hops_of("loadbalancer", annotated, PROXY)
    assert (front.targets, front.removal) == (Targets.PODS, None)


def test_what_serves_an_ingress_ends_connections_and_is_said_to_answer_for_pods() -> None:
    facts = replace(BY_POD, kind=HopKind.REVERSE_PROXY, retries=True, answers_as="via 1.1 google")
    (hop,) = way("ingress", balancer=facts)
    assert (hop.kind, hop.retries, hop.answers_as) == (HopKind.REVERSE_PROXY, True, "via 1.1 google")
    assert "hides a failure and shows as latency" in hop.implies
    front, proxy = way("ingress", balancer=replace(facts, targets=Targets.NODES))
    assert (front.decides, proxy.decides) == (False, True)
    assert hops("ingress", (front, proxy)).ends_tcp


def test_of_what_serves_an_ingress_elsewhere_only_what_the_ingress_says_is_known() -> None:
    metadata = {"name": "shop", "annotations": {"alb.ingress.kubernetes.io/target-type": "ip"}}
    ingress = {"metadata": metadata, "spec": {"ingressClassName": "alb"}}
    (hop,) = hops_of("ingress", service(), PROXY, ingress=ingress)
    assert (hop.name, hop.targets, hop.retries) == ("what serves Ingress shop (alb)", Targets.PODS, None)
    assert (hop.removal, hop.answers_as) == (None, "")


def test_what_a_url_leads_to_may_end_connections_and_retry() -> None:
    (hop,) = way("url")
    assert (hop.retries, hop.removal) == (None, None)
    assert hops("url", (hop,)).ends_tcp
