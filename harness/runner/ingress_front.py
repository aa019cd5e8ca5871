"""The Service of an Ingress controller that runs in the cluster -> the way to it, and what its pods are known to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from harness.clusters.cluster import Cluster
from harness.errors import ClusterError
from harness.kube.client import Kube
from harness.model.paths import Hop
from harness.runner.outside_address import Destination
from harness.spec.traefik import is_traefik, middlewares_of, traefik_hop
from harness.spec.ways_in import through
from harness.spec.workload import spec_of

_MIDDLEWARE = "traefik.io/v1alpha1"
_HTTP_PORTS = ("web", "http")
HTTP = 80

Object = dict[str, Any]
WayTo = Callable[[Object, int], Awaitable[Destination]]


async def named(kube: Kube, controller: str, namespace: str) -> Object:
    """The controller's Service, `controller` as the experiment has it.

    Raises:
        ClusterError: there is none of that name.
    """
    space, _, name = controller.rpartition("/")
    found = await kube.find("v1", "Service", name, space or namespace)
    if found is None:
        raise ClusterError(
            "looking for the Service of the Ingress' controller",
            f"there is no Service {name} in namespace {space or namespace}",
            "Give `path: {ingress: {controller: NAMESPACE/NAME}}` as `kubectl get services -A` has it.",
        )
    return found


async def having(kube: Kube, address: str) -> Object | None:
    """The Service that has an address; None where none has, or it cannot be known."""
    try:
        services = await kube.list("v1", "Service")
    except ClusterError:  # who may not list them goes without what they tell
        return None
    return next((service for service in services if address in _addresses(service)), None)


async def by_controller(
    cluster: Cluster, controller: Object, ingress: Object, way_to: WayTo, otherwise: Hop
) -> Destination:
    """Where the load goes to come by the Service of what serves the Ingress, by `way_to`."""
    to = await way_to(controller, http_port(controller))
    behind = await hop_of(cluster.kube, controller, ingress) or otherwise
    return Destination(addresses=to.addresses, origin=to.origin, hops=through(controller, to.hops, behind))


async def hop_of(kube: Kube, controller: Object, ingress: Object) -> Hop | None:
    """What is known of the pods behind the controller's Service, as a hop; None where nothing is."""
    namespace = controller["metadata"]["namespace"]
    selector = spec_of(controller).get("selector") or {}
    pods = await _listed(kube, "v1", "Pod", namespace, selector) if selector else []
    traefik = [pod for pod in pods if is_traefik(spec_of(pod))]
    if not traefik:
        return None
    objects = [
        *({"kind": "ConfigMap", **each} for each in await _listed(kube, "v1", "ConfigMap", namespace)),
        *(
            {"kind": "Middleware", **each}
            for each in await _listed(
                kube, _MIDDLEWARE, "Middleware", (ingress.get("metadata") or {}).get("namespace") or namespace
            )
        ),
    ]
    return traefik_hop(spec_of(traefik[0]), ingress, middlewares_of(objects), instances=len(traefik))


def http_port(service: Object) -> int:
    """The port at which a controller's Service takes HTTP: by its name, else 80, else its first."""
    ports: Sequence[Object] = spec_of(service).get("ports") or ()
    by_name = (each for each in ports if each.get("name") in _HTTP_PORTS)
    by_number = (each for each in ports if each.get("port") == HTTP)
    return int(next(iter((*by_name, *by_number, *ports)), {"port": HTTP})["port"])


async def _listed(
    kube: Kube, version: str, kind: str, namespace: str, selector: dict[str, str] | None = None
) -> list[Object]:
    try:
        return await kube.list(version, kind, namespace, selector=selector)
    except ClusterError:  # the cluster has no such kind, or it may not be read
        return []


def _addresses(service: Object) -> tuple[str, ...]:
    spec = spec_of(service)
    status = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    balanced = (str(each.get("ip") or each.get("hostname")) for each in status)
    return (*balanced, *map(str, spec.get("externalIPs") or ()), *map(str, spec.get("clusterIPs") or ()))
