"""The way in by an Ingress: which one, for which host, at which address, and what is said where there is none."""

from __future__ import annotations

import shutil
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.clusters.cluster import Cluster
from harness.errors import ClusterError, ManifestError, UsageError
from harness.manifests.application import Application
from harness.model.balancer_settings import BalancerSettings
from harness.model.cluster_settings import SandboxSettings
from harness.model.path_settings import PathSettings
from harness.model.request_settings import RequestSettings
from harness.model.run import ClusterFacts
from harness.runner.destination import check_path, destination
from harness.runner.ingress_address import host_in
from harness.runner.sandbox_limits import check_balancer
from harness.runner.scenario import Scenario
from harness.sandbox import preflight
from tests.unit.paper_api import paper_kube
from tests.unit.runner.test_destination import EVENTS, NODES, SERVICES, TWO_NODES, service

INGRESSES, CLASSES = "/apis/networking.k8s.io/v1/namespaces/shop/ingresses", "/apis/networking.k8s.io/v1/ingressclasses"


def ingress(
    name: str = "web", *, host: str = "", named: str = "alb", to: str = "web", **metadata: Any
) -> dict[str, Any]:
    backend = {"service": {"name": to, "port": {"number": 80}}}
    rule = {
        "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
        **({"host": host} if host else {}),
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": "shop", **metadata},
        "spec": {"ingressClassName": named, "rules": [rule]},
    }


def application(*manifests: dict[str, Any], kind: str = "ClusterIP") -> Application:
    made = service(kind)
    return Application(target={}, service=made, port=80, manifests=(made, *manifests))


def path(**settings: Any) -> PathSettings:
    return PathSettings.model_validate({"ingress": settings})


@pytest.mark.parametrize(
    ("manifests", "settings", "host", "says"),
    [
        ([ingress()], {}, None, ""),
        ([ingress(host="shop.example")], {}, "Shop.example:80", ""),
        ([ingress("a"), ingress("b")], {"name": "b"}, None, ""),
        ([], {}, None, "no Ingress leads to Service web"),
        ([ingress(to="other")], {}, None, "no Ingress leads to Service web"),
        ([ingress()], {"name": "shop"}, None, "Ingress shop is not there, or does not lead to Service web"),
        ([ingress("a"), ingress("b")], {}, None, "several lead to Service web: a, b"),
        ([ingress(host="shop.example")], {}, None, "for shop.example alone, and requests name no host"),
        ([ingress(host="*.example")], {}, "a.b.example", r"for \*.example alone, and requests are for a.b.example"),
    ],
)
def test_what_no_ingress_leads_to_is_refused_before_anything_is_changed(
    manifests: list[dict[str, Any]], settings: dict[str, Any], host: str | None, says: str
) -> None:
    if not says:
        return check_path(path(**settings), application(*manifests), host)
    with pytest.raises(ManifestError, match=says):
        check_path(path(**settings), application(*manifests), host)
    return None


async def led(made: dict[str, Any], *, secure: bool = False, **answers: Any) -> tuple[str, ...]:
    places = {SERVICES: service("ClusterIP"), INGRESSES: {"items": [made]}, NODES: TWO_NODES, **answers}
    async with paper_kube({f"GET {place}": [answer] for place, answer in places.items()}) as (kube, _):
        cluster = cast("Cluster", SimpleNamespace(kube=kube, facts=ClusterFacts(kind="context")))
        to = await destination(cluster, path(wait="300ms"), "shop", application(), secure=secure)
    assert [hop.name for hop in to.hops] == ["what serves Ingress web (alb)"]
    return to.addresses


@pytest.mark.anyio
async def test_the_load_goes_to_the_address_in_its_status() -> None:
    made = ingress()
    made["status"] = {"loadBalancer": {"ingress": [{"hostname": "k8s-shop.elb.amazonaws.com"}]}}
    assert await led(made) == ("k8s-shop.elb.amazonaws.com:80",)


@pytest.mark.anyio
async def test_https_goes_to_its_port_for_that() -> None:
    made, entry = ingress(), {"ip": "192.0.2.9"}
    for ports, http, https in (
        ([], 80, 443),
        ([{"port": 443}, {"port": 80}], 80, 443),
        ([{"port": 8080}, {"port": 8443}], 8080, 8443),
    ):
        made["status"] = {"loadBalancer": {"ingress": [{**entry, "ports": ports}]}}
        assert await led(made) == (f"192.0.2.9:{http}",)
        assert await led(made, secure=True) == (f"192.0.2.9:{https}",)


@pytest.mark.anyio
async def test_a_controller_without_a_port_for_https_is_told_with_those_that_it_has() -> None:
    made, front = ingress(), service("LoadBalancer", {"ip": "192.0.2.9"})
    made["status"] = front["status"]
    front["spec"]["ports"] = [{"name": "web", "port": 80}]
    with pytest.raises(
        ClusterError, match=r"`request.tls` asks for HTTPS, and Service web has no port for that: web \(80\)"
    ):
        await led(made, secure=True, **{"/api/v1/services": {"items": [front]}})


def test_the_host_may_be_given_by_either_key() -> None:
    for request in ({"host": "shop.example"}, {"headers": {"host": "shop.example"}}):
        assert host_in(RequestSettings.model_validate(request)) == "shop.example"
    assert host_in(RequestSettings.model_validate({"headers": {"Host": {"env": "SHOP"}}})) is None


@pytest.mark.anyio
async def test_a_class_that_nobody_serves_is_told_with_those_that_there_are() -> None:
    made, events = ingress(), {"items": []}
    each = {f"{INGRESSES}/web": made, EVENTS: events, CLASSES: {"items": [{"metadata": {"name": "nginx"}}]}}
    with pytest.raises(ClusterError, match="class alb") as refused:
        await led(made, **each)
    assert "after 0.3 s, and no event says why; no IngressClass is called alb" in str(refused.value)
    assert "the cluster has the classes nginx" in str(refused.value)


@pytest.mark.parametrize(
    ("manifests", "kind", "balancer", "way", "says"),
    [
        ([ingress()], "ClusterIP", "aws-alb-ip", {"ingress": {}}, ""),
        ([ingress()], "ClusterIP", None, {"ingress": {}}, "no load balancer, so that Ingress web would stay pending"),
        ([ingress()], "ClusterIP", "aws-nlb-ip", {"ingress": {}}, "aws-nlb-ip is not one of layer 7"),
        ([ingress()], "LoadBalancer", "aws-alb-ip", {"loadbalancer": {}}, "aws-alb-ip is not one of layer 4"),
        (
            [ingress(named="nginx")],
            "ClusterIP",
            "aws-alb-ip",
            {"ingress": {}},
            "is of class nginx, and aws-alb-ip serves",
        ),
        ([ingress()], "ClusterIP", "aws-alb-instance", {"ingress": {}}, "it must be NodePort or LoadBalancer"),
        (
            [ingress(annotations={"alb.ingress.kubernetes.io/target-type": "instance"})],
            "NodePort",
            "aws-alb-ip",
            {"ingress": {}},
            "target-type is instance",
        ),
    ],
)
def test_what_the_sandboxs_balancer_would_leave_pending_is_refused(
    manifests: list[dict[str, Any]], kind: str, balancer: Any, way: dict[str, Any], says: str
) -> None:
    experiment = SimpleNamespace(way_in=PathSettings.model_validate(way), request=RequestSettings())
    scenario = cast("Scenario", SimpleNamespace(application=application(*manifests, kind=kind), experiment=experiment))
    settings = SandboxSettings(balancer=None if balancer is None else BalancerSettings(profile=balancer))
    if not says:
        return check_balancer([scenario], settings)
    with pytest.raises(UsageError, match=says):
        check_balancer([scenario], settings)
    return None


FRONT = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "traefik"},
    "spec": {"type": "LoadBalancer", "ports": [{"name": "web", "port": 80}]},
}
CLASS = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "traefik"}}


@pytest.mark.parametrize(
    ("manifests", "balancer", "says"),
    [
        ([ingress()], "aws-alb-ip", "its load balancer aws-alb-ip listens for HTTP alone"),
        ([ingress(named="traefik"), CLASS, FRONT], "none", r"Service traefik has no port for that: web \(80\)"),
    ],
)
def test_https_where_nothing_takes_it_is_refused_before_anything_is_changed(
    manifests: list[dict[str, Any]], balancer: Any, says: str
) -> None:
    request = RequestSettings.model_validate({"tls": {}})
    experiment = SimpleNamespace(way_in=PathSettings.model_validate({"ingress": {}}), request=request)
    scenario = cast("Scenario", SimpleNamespace(application=application(*manifests), experiment=experiment))
    with pytest.raises(UsageError, match=says):
        check_balancer([scenario], SandboxSettings(balancer=BalancerSettings(profile=balancer)))


def test_a_missing_haproxy_is_one_line_with_the_command_and_only_where_it_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda program, path=None: None if program == "haproxy" else "/usr/bin/it")
    monkeypatch.setattr(preflight, "_missing_rights", list)
    assert preflight.missing() == ()
    assert preflight.missing(http_balancer=True) == ("Not installed: haproxy. As root: apt-get install haproxy",)
