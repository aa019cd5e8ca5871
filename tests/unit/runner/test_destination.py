"""Where the load goes, by each path, and what a cluster that does not offer it is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.clusters.cluster import Cluster
from harness.errors import ClusterError, ManifestError, UsageError
from harness.manifests.application import Application
from harness.model.path_settings import PathSettings
from harness.model.run import ClusterFacts
from harness.runner.destination import check_path, destination
from tests.unit.paper_api import paper_kube

SERVICES, NODES, EVENTS = "/api/v1/namespaces/shop/services/web", "/api/v1/nodes", "/api/v1/namespaces/shop/events"


def service(kind: str = "LoadBalancer", *ingress: dict[str, str], **spec: Any) -> dict[str, Any]:
    ports = [{"port": 80, "nodePort": 30080}]
    fields = {"type": kind, "clusterIP": "10.96.0.7", "ports": ports, **spec}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": fields,
        "status": {"loadBalancer": {"ingress": list(ingress)}},
    }


def node(name: str, address: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"addresses": [{"type": "InternalIP", "address": address}]}}


TWO_NODES = {"items": [node("node2", "10.0.0.2"), node("node1", "10.0.0.1")]}


async def found(path: dict[str, Any], made: dict[str, Any], **answers: Any) -> tuple[str, ...]:
    application = Application(target={}, service=made, port=80, manifests=())
    given = {f"GET {SERVICES}": [made], **{f"GET {place}": [answer] for place, answer in answers.items()}}
    async with paper_kube(given) as (kube, _):
        cluster = cast("Cluster", SimpleNamespace(kube=kube, facts=ClusterFacts(kind="context")))
        to = await destination(cluster, PathSettings.model_validate(path), "shop", application)
    assert to.hops
    return to.addresses or (str(to.origin),)


@pytest.mark.anyio
async def test_each_path_leads_to_its_own_address() -> None:
    nodes = {NODES: TWO_NODES}
    assert await found({"clusterip": {}}, service("ClusterIP")) == ("10.96.0.7:80",)
    assert await found({"nodeport": {}}, service("NodePort"), **nodes) == ("10.0.0.1:30080", "10.0.0.2:30080")
    assert await found({"nodeport": {"node": "node2"}}, service("NodePort"), **nodes) == ("10.0.0.2:30080",)
    assert await found({"loadbalancer": {}}, service("LoadBalancer", {"ip": "fd00::9"})) == ("[fd00::9]:80",)
    named = service("LoadBalancer", {"hostname": "lb.example"})
    assert await found({"loadbalancer": {}}, named, **nodes) == ("lb.example:80",)
    assert await found({"url": "https://shop.example/"}, service()) == ("https://shop.example",)


@pytest.mark.anyio
async def test_a_node_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="there is no node node3; there are node1, node2"):
        await found({"nodeport": {"node": "node3"}}, service("NodePort"), **{NODES: TWO_NODES})


@pytest.mark.anyio
async def test_a_balancer_that_stays_pending_is_told_with_the_time_and_what_events_say() -> None:
    about = {"kind": "Service", "name": "web"}
    events = {"items": [{"involvedObject": about, "reason": "SyncLoadBalancerFailed", "message": "no subnet"}]}
    path = {"loadbalancer": {"wait": "300ms"}}
    with pytest.raises(ClusterError, match=r"without an address after 0\.3 s \(SyncLoadBalancerFailed: no subnet\)"):
        await found(path, service(), **{EVENTS: events})
    with pytest.raises(ClusterError, match=r"of class acme/nlb .* after 0\.3 s, and no event says why"):
        await found(path, service(loadBalancerClass="acme/nlb"), **{EVENTS: {"items": []}})


@pytest.mark.anyio
async def test_a_service_that_is_of_another_type_in_the_cluster_is_refused_too() -> None:
    with pytest.raises(ClusterError, match="is of type ClusterIP, and path nodeport needs NodePort or LoadBalancer"):
        await found({"nodeport": {}}, service("ClusterIP"))


def test_it_is_refused_before_anything_is_changed() -> None:
    application = Application(target={}, service=service("ClusterIP"), port=80, manifests=())
    with pytest.raises(ManifestError, match="Give it `type: LoadBalancer`"):
        check_path(PathSettings.model_validate({"loadbalancer": {}}), application)
