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


def shares(route: Object, service: str) -> frozenset[str]:
    """What else gets a part of its requests, in some rule that sends to this Service."""
    rules = (_weighted(rule, _namespace(route)) for rule in spec_of(route).get("rules") or ())
    return frozenset(name for names in rules if service in names for name in names - {service})


def gateway_of(route: Object) -> tuple[str, str]:
    """Namespace (the route's, unless it says another) and name of the first Gateway to which it attaches."""
    parents = spec_of(route).get("parentRefs") or ()
    first: Object = next((each for each in parents if each.get("kind", "Gateway") == "Gateway"), {})
    return str(first.get("namespace") or _namespace(route)), str(first.get("name", ""))


def listener_port(gateway: Object, route: Object, *, secure: bool) -> int | None:
    """The port at which a Gateway takes HTTP, or HTTPS, for a route; None where it does not.

    It is that of the listener that the route names, else of the first with that protocol.
    """
    protocol, (_, name) = "HTTPS" if secure else "HTTP", gateway_of(route)
    parents = [each for each in spec_of(route).get("parentRefs") or () if each.get("name") == name]
    sections = {each.get("sectionName") for each in parents}
    listeners = spec_of(gateway).get("listeners") or ()
    fitting = [each for each in listeners if None in sections or each.get("name") in sections]
    return next((int(each["port"]) for each in fitting if each.get("protocol") == protocol), None)


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


def _namespace(route: Object) -> str:
    return str(route["metadata"].get("namespace") or "default")


def _backends(route: Object) -> frozenset[str]:
    rules = spec_of(route).get("rules") or ()
    return frozenset(name for rule in rules for name in _weighted(rule, _namespace(route)))


def _weighted(rule: Object, namespace: str) -> frozenset[str]:
    """What gets requests by a rule: the names of Services of this namespace, others with theirs, or with their kinds.

    Without a weight it is 1.
    """
    return frozenset(_backend(each, namespace) for each in rule.get("backendRefs") or () if each.get("weight", 1))


def _backend(reference: Object, namespace: str) -> str:
    name, kind, home = reference["name"], reference.get("kind") or "Service", reference.get("namespace") or namespace
    if kind != "Service":
        return f"{kind} {name}"
    return str(name) if home == namespace else f"{home}/{name}"
