"""A Service, and an HTTPRoute that leads to it -> where the load is sent to come by its Gateway, or why it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio

from harness.clusters.cluster import Cluster
from harness.errors import ClusterError, ManifestError
from harness.kube.client import Kube
from harness.manifests.application import Application
from harness.model.path_settings import GatewaySettings
from harness.runner import ingress_front
from harness.runner.ingress_front import WayTo
from harness.runner.outside_address import Destination, at
from harness.spec.ingresses import is_for
from harness.spec.routes import (
    API,
    gateway_of,
    hosts_of,
    listener_port,
    routes_to,
    shares,
    why_not_accepted,
)
from harness.spec.ways_in import unknown_gateway

Object = dict[str, Any]
_LOOK_S = 0.25
_TRIED = "planning the path gateway"


def check_gateway(path: GatewaySettings, application: Application, host: str | None) -> None:
    """Refuse, before anything is changed, what no HTTPRoute of the manifests leads to. `host`: that requests name.

    Raises:
        ManifestError: none does, several do, or only for hosts that no request names.
    """
    route = route_of(path, application)
    known = hosts_of(route)
    if known is not None and not any(is_for(host or "", rule) for rule in known):
        asked = f"requests are for {host}" if host else "requests name no host"
        seen = f"HTTPRoute {route['metadata']['name']} is for {', '.join(sorted(known))} alone, and {asked}"
        raise ManifestError(_TRIED, seen, f"Give `request: {{headers: {{Host: {sorted(known)[-1]}}}}}`.")
    if (why := _why_not_alone(route, application.service_name)) is not None:
        raise ManifestError(_TRIED, *why)


def _why_not_alone(route: Object, service: str) -> tuple[str, str] | None:
    """What is in the way of telling the Service's losses from others', and what would do; None where nothing is."""
    others = shares(route, service)
    if not others:
        return None
    seen = f"HTTPRoute {route['metadata']['name']} sends a part of the requests to {', '.join(sorted(others))}"
    return seen, f"Give Service {service} all the weight: what another fails is no loss of the target's."


def route_of(path: GatewaySettings, application: Application) -> Object:
    """The HTTPRoute of the manifests by which the load is to come."""
    return _the_one(application.manifests, application.service_name, path.route, ManifestError)


async def by_gateway(
    cluster: Cluster, path: GatewaySettings, service: Object, way_to: WayTo, *, secure: bool
) -> Destination:
    """Where the load goes to come by the Gateway of the HTTPRoute; its being accepted and its address are waited for.

    `secure`: the requests are HTTPS.

    Raises:
        ClusterError: there is no such route, it is not accepted, it sends a part of the requests elsewhere, or its
            Gateway has no address in time, or no listener for it.
    """
    kube, namespace = cluster.kube, service["metadata"]["namespace"]
    listed = await kube.list(API, "HTTPRoute", namespace)
    route = _the_one(listed, service["metadata"]["name"], path.route, ClusterError)
    name = route["metadata"]["name"]
    if (why := _why_not_alone(route, service["metadata"]["name"])) is not None:
        raise ClusterError("looking for the way in (gateway)", *why)
    said: str | None = ""
    with anyio.move_on_after(path.wait_s):
        while (said := why_not_accepted(route)) is not None:
            await anyio.sleep(_LOOK_S)
            route = await kube.get(API, "HTTPRoute", name, namespace)
    if said is not None:
        seen = said or "no controller has said anything of it: does one for that GatewayClass run in the cluster?"
        tried = f"waiting for HTTPRoute {name} to be accepted"
        raise ClusterError(
            tried, f"after {path.wait_s:g} s: {seen}", "Mend the route or its Gateway, or take another path."
        )
    if path.controller is not None:
        front = await ingress_front.named(kube, path.controller, namespace)
    else:
        gateway, address = await _address(kube, *gateway_of(route), path.wait_s)
        found = await ingress_front.having(kube, address)
        if found is None:
            return _at_listener(gateway, address, route, secure=secure)
        front = found
    return await ingress_front.by_controller(
        cluster, front, {}, way_to, otherwise=unknown_gateway(route), secure=secure
    )


async def _address(kube: Kube, namespace: str, name: str, wait_s: float) -> tuple[Object, str]:
    """A Gateway, and its address, which is waited for."""
    with anyio.move_on_after(wait_s):
        while True:
            found = await kube.find(API, "Gateway", name, namespace) or {}
            for each in (found.get("status") or {}).get("addresses") or ():
                if each.get("value"):
                    return found, str(each["value"])
            await anyio.sleep(_LOOK_S)
    seen = f"it was still without an address after {wait_s:g} s"
    do = "Name the Service of what serves it: `path: {gateway: {controller: NAME}}`, or take another path."
    raise ClusterError(f"waiting for Gateway {namespace}/{name}", seen, do)


def _at_listener(gateway: Object, address: str, route: Object, *, secure: bool) -> Destination:
    port = listener_port(gateway, route, secure=secure)
    if port is None:
        protocol = "HTTPS" if secure else "HTTP"
        seen = f"no listener of it that HTTPRoute {route['metadata']['name']} is for has protocol {protocol}"
        do = "Add one, or leave out `request.tls`." if secure else "Add one, or give `request.tls`."
        raise ClusterError(f"looking for the way in by Gateway {gateway['metadata']['name']}", seen, do)
    return Destination(addresses=(at(address, port),), hops=(unknown_gateway(route),))


def _the_one(
    manifests: Sequence[Object], service: str, name: str | None, error: type[ManifestError | ClusterError]
) -> Object:
    found = routes_to(manifests, service, name)
    if len(found) == 1:
        return dict(found[0])
    tried = "looking for the HTTPRoute"
    if not found:
        seen = f"HTTPRoute {name} is not there, or does not lead" if name else "no HTTPRoute leads"
        raise error(tried, f"{seen} to Service {service}", "Add one whose backendRef it is, or take another path.")
    names = ", ".join(each["metadata"]["name"] for each in found)
    do = f"Name one: `path: {{gateway: {{route: {found[0]['metadata']['name']}}}}}`."
    raise error(tried, f"several lead to Service {service}: {names}", do)
