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
from harness.spec.routes import API, gateway_of, hosts_of, routes_to, shares, why_not_accepted
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
    if shares(route, application.service_name):
        seen = f"HTTPRoute {route['metadata']['name']} sends a part of the requests to another Service"
        do = f"Give Service {application.service_name} all the weight: what another fails is no loss of the target's."
        raise ManifestError(_TRIED, seen, do)


def route_of(path: GatewaySettings, application: Application) -> Object:
    """The HTTPRoute of the manifests by which the load is to come."""
    return _the_one(application.manifests, application.service_name, path.route, ManifestError)


async def by_gateway(cluster: Cluster, path: GatewaySettings, service: Object, way_to: WayTo) -> Destination:
    """Where the load goes to come by the Gateway of the HTTPRoute; its being accepted and its address are waited for.

    Raises:
        ClusterError: there is no such route, it is not accepted, or its Gateway has no address in time.
    """
    kube, namespace = cluster.kube, service["metadata"]["namespace"]
    listed = await kube.list(API, "HTTPRoute", namespace)
    route = _the_one(listed, service["metadata"]["name"], path.route, ClusterError)
    name = route["metadata"]["name"]
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
        address = await _address(kube, gateway_of(route) or "", namespace, path.wait_s)
        found = await ingress_front.having(kube, address)
        if found is None:
            return Destination(addresses=(at(address, ingress_front.HTTP),), hops=(unknown_gateway(route),))
        front = found
    return await ingress_front.by_controller(cluster, front, {}, way_to, otherwise=unknown_gateway(route))


async def _address(kube: Kube, gateway: str, namespace: str, wait_s: float) -> str:
    with anyio.move_on_after(wait_s):
        while True:
            found = await kube.find(API, "Gateway", gateway, namespace)
            for each in ((found or {}).get("status") or {}).get("addresses") or ():
                if each.get("value"):
                    return str(each["value"])
            await anyio.sleep(_LOOK_S)
    seen = f"it was still without an address after {wait_s:g} s"
    do = "Name the Service of what serves it: `path: {gateway: {controller: NAME}}`, or take another path."
    raise ClusterError(f"waiting for Gateway {gateway}", seen, do)


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
