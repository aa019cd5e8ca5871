"""Which HTTPRoutes lead to a Service, for whom, and whether they are accepted."""

from __future__ import annotations

from typing import Any

import pytest

from harness.spec.routes import gateway_of, hosts_of, listener_port, routes_to, shares, why_not_accepted


def route(*backends: dict[str, Any], name: str = "web", **spec: Any) -> dict[str, Any]:
    rules = [{"backendRefs": list(backends)}]
    return {"kind": "HTTPRoute", "metadata": {"name": name}, "spec": {"rules": rules, **spec}}


def condition(kind: str, status: str, reason: str) -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "message": "it is so"}


def test_a_route_leads_where_its_weights_send() -> None:
    both = route({"name": "web", "weight": 1}, {"name": "old", "weight": 9})
    drained = route({"name": "web", "weight": 0}, {"name": "old"}, name="drained")
    other_kind = route({"name": "web", "kind": "TraefikService"}, name="other")
    assert routes_to((both, drained, other_kind, {"kind": "Service", "metadata": {"name": "web"}}), "web") == (both,)
    assert routes_to((both,), "web", "elsewhere") == ()
    assert (shares(both, "web"), shares(drained, "old")) == ({"old"}, frozenset())


def test_a_service_of_another_namespace_is_another() -> None:
    abroad = route({"name": "web", "namespace": "till"})
    assert routes_to((abroad,), "web") == ()
    both = route({"name": "web", "namespace": "shop"}, {"name": "web", "namespace": "till"})
    both["metadata"]["namespace"] = "shop"
    assert routes_to((both,), "web") == (both,)
    assert shares(both, "web") == {"till/web"}
    kinds = route({"name": "web"}, {"name": "web", "kind": "TraefikService"})
    assert shares(kinds, "web") == {"TraefikService web"}


def test_a_route_is_for_its_hosts_and_attaches_to_its_gateway() -> None:
    parents = [{"kind": "Service", "name": "mesh"}, {"name": "edge"}]
    named = route({"name": "web"}, hostnames=["a.example"], parentRefs=parents)
    assert (hosts_of(named), gateway_of(named)) == ({"a.example"}, ("default", "edge"))
    assert hosts_of(route({"name": "web"})) is None
    shared = route({"name": "web"}, parentRefs=[{"name": "edge", "namespace": "infra"}])
    assert gateway_of(shared) == ("infra", "edge")


def test_a_gateway_takes_it_at_the_port_of_a_listener_with_its_protocol() -> None:
    listeners = [("web", "HTTP", 80), ("tls", "HTTPS", 443), ("other", "HTTPS", 8443)]
    spec = {"listeners": [{"name": name, "protocol": protocol, "port": port} for name, protocol, port in listeners]}
    any_of_them = route({"name": "web"}, parentRefs=[{"name": "edge"}])
    assert [listener_port({"spec": spec}, any_of_them, secure=secure) for secure in (False, True)] == [80, 443]
    one = route({"name": "web"}, parentRefs=[{"name": "edge", "sectionName": "other"}])
    assert [listener_port({"spec": spec}, one, secure=secure) for secure in (False, True)] == [None, 8443]


@pytest.mark.parametrize(
    ("conditions", "why"),
    [
        ((), ""),
        ((condition("Accepted", "True", "Accepted"), condition("ResolvedRefs", "True", "ResolvedRefs")), None),
        (
            (condition("Accepted", "True", "Accepted"), condition("ResolvedRefs", "False", "RefNotPermitted")),
            "ResolvedRefs is False (RefNotPermitted: it is so)",
        ),
        ((condition("Accepted", "False", "NoMatchingParent"),), "Accepted is False (NoMatchingParent: it is so)"),
    ],
)
def test_what_keeps_a_route_from_being_used_is_told_in_its_controllers_words(
    conditions: tuple[dict[str, str], ...], why: str | None
) -> None:
    parents = [{"conditions": list(conditions)}] if conditions else []
    assert why_not_accepted({**route({"name": "web"}), "status": {"parents": parents}}) == why
