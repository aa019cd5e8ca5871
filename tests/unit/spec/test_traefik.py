"""What a pod of Traefik's, and the Ingress that it serves, say of the hop."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model.paths import AT_ONCE, UNSIGNED, HopKind, Span, Targets, hops
from harness.model.run import FactSource, ProxyFacts
from harness.spec.traefik import is_traefik, middlewares_of, traefik_hop
from harness.spec.ways_in import hops_of, through, unknown_proxy, way_to

FRONT = {"metadata": {"name": "traefik"}, "spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]}}
FILE = {"kind": "ConfigMap", "data": {"a.yaml": "http: {middlewares: {again: {retry: {attempts: 3}}, strip: {x: {}}}}"}}
OBJECTS = (
    FILE,
    {"kind": "Middleware", "metadata": {"namespace": "shop", "name": "again"}, "spec": {"retry": {"attempts": 2}}},
    {"kind": "ConfigMap", "data": {"broken": "middlewares: [", "other": "a: 1"}},
)


def pod(*args: str, image: str = "traefik:v3") -> dict[str, Any]:
    return {"containers": [{"name": "side", "image": "busybox"}, {"name": "t", "image": image, "args": list(args)}]}


def ingress(middlewares: str = "") -> dict[str, Any]:
    annotations = {"traefik.ingress.kubernetes.io/router.middlewares": middlewares}
    return {"metadata": {"name": "web", "annotations": annotations}, "spec": {"ingressClassName": "traefik"}}


@pytest.mark.parametrize(
    ("image", "is_it"),
    [
        ("traefik", True),
        ("docker.io/library/traefik:3.7", True),
        ("rancher/mirrored-library-traefik:3", True),
        ("registry.example.com/traefik@sha256:0", True),
        ("traefik/whoami:1", False),
        ("nginx:1", False),
    ],
)
def test_traefik_is_known_by_its_image(image: str, *, is_it: bool) -> None:
    assert is_traefik(pod(image=image)) is is_it


@pytest.mark.parametrize(
    ("args", "most_s"),
    [
        ((), 2.0),
        (("--providers.providersThrottleDuration=500ms",), 0.5),
        (("--PROVIDERS.PROVIDERSTHROTTLEDURATION", "10"), 10.0),
        (("--providers.providersThrottleDuration=soon",), None),
    ],
)
def test_it_is_as_late_as_it_holds_changes_back(args: tuple[str, ...], most_s: float | None) -> None:
    hop = traefik_hop(pod(*args), ingress())
    wanted = None if most_s is None else Span(least_s=0.0, most_s=most_s)
    assert (hop.removal, hop.addition) == (wanted, wanted)
    assert (hop.kind, hop.targets, hop.answers_as) == (HopKind.REVERSE_PROXY, Targets.PODS, UNSIGNED)


@pytest.mark.parametrize(
    ("args", "named", "retries"),
    [
        ((), "", False),
        ((), "again@file", True),
        ((), "strip@file, shop-again@kubernetescrd", True),
        (("--entryPoints.web.http.middlewares=again@file",), "", True),
        ((), "strip@file", False),
        ((), "elsewhere@consul", None),
    ],
)
def test_a_retry_is_known_where_its_middleware_can_be_read(
    args: tuple[str, ...], named: str, *, retries: bool | None
) -> None:
    hop = traefik_hop(pod(*args), ingress(named), middlewares_of(OBJECTS))
    assert hop.retries is retries
    assert ("hides failures and shows as latency" in hop.implies) is (retries is True)
    assert ("(elsewhere@consul) is a retry" in hop.implies) is (retries is None)


def test_what_stands_before_the_proxy_does_not_decide_and_the_proxy_does() -> None:
    proxy = ProxyFacts(mode="nftables", min_sync_period_s=10.0, source=FactSource.CONFIGURED)
    front = hops_of(way_to(FRONT), FRONT, proxy, nodes=("node1",))
    before, behind = through(FRONT, front, traefik_hop(pod(), ingress()))
    assert (before.removal, before.decides, behind.decides) == (AT_ONCE, False, True)
    assert before.implies.startswith("it leads to the pods behind Service traefik")
    assert hops("ingress", (before, behind)).ends_tcp
    (_, unknown) = through(FRONT, front, unknown_proxy(ingress()))
    assert (unknown.name, unknown.removal) == ("what serves Ingress web (traefik)", None)
