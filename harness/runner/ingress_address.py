"""A Service, and an Ingress that leads to it -> where the load is sent to come by that, or why it cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.clusters.cluster import Cluster
from harness.errors import ClusterError, ManifestError
from harness.kube.client import Kube
from harness.manifests.application import Application
from harness.model.path_settings import IngressSettings
from harness.model.request_settings import RequestSettings
from harness.runner import ingress_front
from harness.runner.ingress_front import HTTP, HTTPS, WayTo
from harness.runner.outside_address import Destination, at, said_of, status_entry
from harness.spec.ingresses import class_of, hosts, is_for, leading_to
from harness.spec.ways_in import hops_of, unknown_proxy

_API = "networking.k8s.io/v1"


def check_ingress(path: IngressSettings, application: Application, host: str | None) -> None:
    """Refuse, before anything is changed, what no Ingress of the manifests leads to. `host`: that requests name.

    Raises:
        ManifestError: none does, several do, or only for hosts that no request names.
    """
    name = application.service_name
    ingress = _the_one(application.manifests, name, path.name, ManifestError)
    known, called = hosts(ingress, name), ingress["metadata"]["name"]
    if known is not None and not any(is_for(host or "", rule) for rule in known):
        seen = f"Ingress {called} leads to Service {name} for {', '.join(sorted(known))} alone"
        asked = f"requests are for {host}" if host else "requests name no host"
        exact = next((rule for rule in sorted(known) if not rule.startswith("*")), "shop.example.com")
        raise ManifestError(
            "planning the path ingress", f"{seen}, and {asked}", f"Give `request: {{headers: {{Host: {exact}}}}}`."
        )


def host_in(request: RequestSettings) -> str | None:
    """The Host that requests name, where it is written out."""
    named = (value for name, value in request.headers.items() if name.lower() == "host")
    return request.host or next((value for value in named if isinstance(value, str)), None)


def ingress_of(path: IngressSettings, application: Application) -> dict[str, Any]:
    """The Ingress of the manifests by which the load is to come."""
    return _the_one(application.manifests, application.service_name, path.name, ManifestError)


async def by_ingress(
    cluster: Cluster,
    path: IngressSettings,
    service: dict[str, Any],
    nodes: Sequence[str],
    way_to: WayTo,
    *,
    secure: bool,
) -> Destination:
    """Where the load goes to come by the Ingress; its address is waited for.

    Where a Service of the cluster has that address, what serves the Ingress runs there, and the way to that Service is
    a part of the path. `way_to`: gives the way to a Service's port; `secure`: the requests are HTTPS.

    Raises:
        ClusterError: no Ingress leads to the Service, it has no address in time, or no port for HTTPS.
    """
    kube, metadata = cluster.kube, service["metadata"]
    listed = await kube.list(_API, "Ingress", metadata["namespace"])
    ingress = {"apiVersion": _API, "kind": "Ingress", **_the_one(listed, metadata["name"], path.name, ClusterError)}
    if path.controller is not None:
        front = await ingress_front.named(kube, path.controller, metadata["namespace"])
        return await ingress_front.by_controller(cluster, front, ingress, way_to, unknown_proxy(ingress), secure=secure)
    entry = await status_entry(kube, ingress, path.wait_s)
    if entry is None:
        raise await _without_address(kube, ingress, path.wait_s)
    facts, address = cluster.facts, str(entry.get("ip") or entry.get("hostname"))
    if (found := await ingress_front.having(kube, address)) is not None:
        return await ingress_front.by_controller(cluster, found, ingress, way_to, unknown_proxy(ingress), secure=secure)
    hops = hops_of("ingress", service, facts.proxy, nodes=nodes, balancer=facts.balancer, ingress=ingress)
    return Destination(addresses=(at(address, _port(entry, secure=secure)),), hops=hops)


def _port(entry: Mapping[str, Any], *, secure: bool) -> int:
    """At which an entry of its status takes HTTP or HTTPS: 80 and 443, unless it tells others.

    networking.k8s.io/v1: IngressLoadBalancerIngress.ports; IngressTLS ("a single TLS port, 443").
    """
    number = HTTPS if secure else HTTP
    told = [int(each["port"]) for each in entry.get("ports") or ()]
    return number if number in told or not told else told[-1 if secure else 0]


def _the_one(
    ingresses: Sequence[dict[str, Any]], service: str, name: str | None, error: type[ManifestError | ClusterError]
) -> dict[str, Any]:
    found = leading_to((each for each in ingresses if each.get("kind", "Ingress") == "Ingress"), service, name)
    if len(found) == 1:
        return dict(found[0])
    if not found:
        seen = f"Ingress {name} is not there, or does not lead" if name else "no Ingress leads"
        tried, advice = "looking for the Ingress", "Add one whose backend it is, or take another path."
        raise error(tried, f"{seen} to Service {service}", advice)
    names = ", ".join(each["metadata"]["name"] for each in found)
    raise error(
        "looking for the Ingress",
        f"several lead to Service {service}: {names}",
        f"Name one: `path: {{ingress: {{name: {found[0]['metadata']['name']}}}}}`.",
    )


async def _without_address(kube: Kube, ingress: dict[str, Any], wait_s: float) -> ClusterError:
    name, named = ingress["metadata"]["name"], class_of(ingress)
    try:
        known = sorted(each["metadata"]["name"] for each in await kube.list(_API, "IngressClass"))
    except ClusterError:
        known = []
    others = f"; the cluster has the classes {', '.join(known)}" if known else ""
    nobody = f"no IngressClass is called {named}{others}" if known and named and named not in known else ""
    return ClusterError(
        f"waiting for Ingress {name} ({f'class {named}' if named else 'no class'})",
        f"it was still without an address after {wait_s:g} s{await said_of(kube, ingress)}{nobody and f'; {nobody}'}",
        "Does a controller for that class run in the cluster? Take another class or path where none does.",
    )
