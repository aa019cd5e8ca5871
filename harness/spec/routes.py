"""HTTPRoutes of the Gateway API, and a Service -> which lead to it, for which hosts, and whether they are accepted.

https://gateway-api.sigs.k8s.io/reference/api-spec/main/spec (HTTPRoute: backendRefs, hostnames, status.parents)
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.spec.workload import Object, spec_of

API = "gateway.networking.k8s.io/v1"
_NEEDED = ("Accepted", "ResolvedRefs")


def routes_to(manifests: Iterable[Object], service: str, name: str | None = None) -> tuple[Object, ...]:
    """The HTTPRoutes that send to the Service, with a weight above 0; of `name` alone, where that is given."""
    found = (each for each in manifests if each.get("kind", "HTTPRoute") == "HTTPRoute")
    return tuple(each for each in found if name in (None, each["metadata"]["name"]) and service in _backends(each))


def hosts_of(route: Object) -> frozenset[str] | None:
    """The hosts that it is for; None where it is for any that its listener takes."""
    return frozenset(map(str, spec_of(route).get("hostnames") or ())) or None


def shares(route: Object, service: str) -> bool:
    """Whether other Services get a part of its requests, in some rule that sends to this one."""
    rules = (_weighted(rule) for rule in spec_of(route).get("rules") or ())
    return any(service in names and len(names) > 1 for names in rules)


def gateway_of(route: Object) -> str | None:
    """The name of the first Gateway to which it attaches; None where it names none."""
    parents = spec_of(route).get("parentRefs") or ()
    return next((str(each["name"]) for each in parents if each.get("kind", "Gateway") == "Gateway"), None)


def why_not_accepted(route: Object) -> str | None:
    """What keeps requests from going by it, as its status says; empty while no controller has said anything; None where
    nothing does.
    """
    parents = (route.get("status") or {}).get("parents") or ()
    if not parents:
        return ""
    told = [
        f"{each['type']} is {each['status']} ({each.get('reason')}: {each.get('message')})"
        for parent in parents
        for each in parent.get("conditions") or ()
        if each["type"] in _NEEDED and each["status"] != "True"
    ]
    return "; ".join(told) or None


def _backends(route: Object) -> frozenset[str]:
    return frozenset(name for rule in spec_of(route).get("rules") or () for name in _weighted(rule))


def _weighted(rule: Object) -> frozenset[str]:
    """The Services that get requests by a rule; without a weight it is 1."""
    backends = rule.get("backendRefs") or ()
    return frozenset(str(b["name"]) for b in backends if b.get("kind", "Service") == "Service" and b.get("weight", 1))
