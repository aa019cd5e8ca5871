"""Which HTTPRoutes lead to a Service, for whom, and whether they are accepted."""

from __future__ import annotations

from typing import Any

import pytest

from harness.spec.routes import gateway_of, hosts_of, routes_to, shares, why_not_accepted


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
    assert (shares(both, "web"), shares(drained, "old")) == (True, False)


def test_a_route_is_for_its_hosts_and_attaches_to_its_gateway() -> None:
    parents = [{"kind": "Service", "name": "mesh"}, {"name": "edge"}]
    named = route({"name": "web"}, hostnames=["a.example"], parentRefs=parents)
    assert (hosts_of(named), gateway_of(named)) == ({"a.example"}, "edge")
    assert (hosts_of(route({"name": "web"})), gateway_of(route({"name": "web"}))) == (None, None)


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
