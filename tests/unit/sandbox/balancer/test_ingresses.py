"""What a balancer of layer 7 makes of an Ingress: its rules, its health check, and what keeps it from serving one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.sandbox.balancer.haproxy import Proxy, configuration, error_files
from harness.sandbox.balancer.ingresses import backends, check, is_served, obstacle, rules
from harness.sandbox.balancer.profiles import PROFILES
from tests.unit.sandbox.balancer.test_balancer import NODES, SLICE, service

ALB, BY_INSTANCE, NEG = PROFILES["aws-alb-ip"], PROFILES["aws-alb-instance"], PROFILES["gke-neg"]
SERVICES = {"web": service(type="ClusterIP", ports=[{"port": 80, "name": ""}])}


def path(at: str, name: str = "web", kind: str = "Prefix", port: int = 80) -> dict[str, Any]:
    return {"path": at, "pathType": kind, "backend": {"service": {"name": name, "port": {"number": port}}}}


def ingress(*paths: dict[str, Any], host: str = "", annotations: Any = None, **spec: Any) -> dict[str, Any]:
    rule = {"http": {"paths": list(paths)}, **({"host": host} if host else {})}
    fields = {"ingressClassName": "alb", "rules": [rule] if paths else [], **spec}
    return {"metadata": {"name": "web", "namespace": "shop", "annotations": annotations}, "spec": fields}


@pytest.mark.parametrize(
    ("spec", "annotations", "alb", "gke"),
    [
        ({"ingressClassName": "alb"}, {}, True, False),
        ({"ingressClassName": "nginx"}, {}, False, False),
        ({"ingressClassName": None}, {"kubernetes.io/ingress.class": "alb"}, True, False),
        ({"ingressClassName": None}, {"kubernetes.io/ingress.class": "gce"}, False, True),
        ({"ingressClassName": None}, {}, False, True),
    ],
)
def test_it_serves_its_own_class(spec: dict[str, Any], annotations: dict[str, str], alb: bool, gke: bool) -> None:
    made = ingress(path("/"), annotations=annotations, **spec)
    assert (is_served(made, ALB), is_served(made, NEG)) == (alb, gke)


def test_the_more_particular_rule_comes_first() -> None:
    made = ingress(path("/"), path("/api"), path("/api", "exact", "Exact"), host="*.example")
    made["spec"]["rules"].append({"host": "shop.example", "http": {"paths": [path("/", "shop")]}})
    made["spec"]["defaultBackend"] = {"service": {"name": "other", "port": {"name": "http"}}}
    assert [(rule.host, rule.path, rule.backend[0]) for rule in rules(made)] == [
        ("shop.example", "/", "shop"),
        ("*.example", "/api", "exact"),
        ("*.example", "/api", "web"),
        ("*.example", "/", "web"),
        ("", "/", "other"),
    ]


@pytest.mark.parametrize(
    ("made", "settings", "says"),
    [
        (ingress(path("/")), ALB, ""),
        (ingress(path("/", "away")), ALB, "there is no Service away"),
        (ingress(path("/", port=81)), ALB, "Service web has no port 81"),
        (ingress(), ALB, "it leads to no Service"),
        (ingress(path("/")), BY_INSTANCE, "of type ClusterIP: it must be NodePort or LoadBalancer"),
        (ingress(path("/"), annotations={"alb.ingress.kubernetes.io/target-type": "instance"}), ALB, "targets by ip"),
    ],
)
def test_what_keeps_it_from_serving_one_is_said(made: dict[str, Any], settings: Any, says: str) -> None:
    assert says in obstacle(made, SERVICES, settings)
    assert bool(obstacle(made, SERVICES, settings)) == bool(says)


def test_each_backend_has_the_pods_of_its_service() -> None:
    made = backends(ingress(path("/")), SERVICES, [SLICE], NODES, ALB)
    assert made["web", 80].targets == (("10.244.16.2", 8080),)


def test_annotations_of_aws_go_before_the_profiles_health_check() -> None:
    said = {
        "alb.ingress.kubernetes.io/healthcheck-path": "/healthz",
        "alb.ingress.kubernetes.io/healthcheck-interval-seconds": "5",
        "alb.ingress.kubernetes.io/unhealthy-threshold-count": "three",
    }
    found = check(ingress(path("/"), annotations=said), ALB)
    assert found is not None
    assert (found.path, found.interval_s, found.unhealthy) == ("/healthz", 5.0, 2)
    assert check(ingress(path("/"), annotations=said), NEG) == NEG.check


def test_its_answers_are_the_clouds_and_what_could_not_be_connected_to_is_a_bad_gateway() -> None:
    assert ALB.http is not None
    assert NEG.http is not None
    files = error_files(ALB.http)
    assert files["503.http"].startswith("HTTP/1.1 502 Bad Gateway\r\nServer: awselb/2.0\r\n")
    assert (ALB.http.answers_as, NEG.http.answers_as) == ("awselb/2.0", "via 1.1 google")
    proxy = Proxy(address="10.202.0.1", rules=rules(ingress(path("/shop"))), directory=Path("/run"))
    text = configuration(proxy, ALB.http, {"web_80": [("10.244.16.2", 8080)]})
    assert "server 10.244.16.2:8080 10.244.16.2:8080 pool-max-conn" in text
    assert "use_backend web_80 if { path -m beg '/shop/' }" in text
    assert "retry-on" not in text
    assert "retry-on" in configuration(proxy, NEG.http, {})
