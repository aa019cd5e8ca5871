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
HTTP, HTTPS = 80, 443
_PORT_NAMES = {HTTP: ("web", "http"), HTTPS: ("websecure", "https")}

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
    cluster: Cluster, controller: Object, ingress: Object, way_to: WayTo, otherwise: Hop, *, secure: bool
) -> Destination:
    """Where the load goes to come by the Service of what serves the Ingress, by `way_to`; `secure`: by HTTPS.

    Raises:
        ClusterError: that Service has no port for HTTPS.
    """
    if (port := front_port(controller, secure=secure)) is None:
        raise ClusterError(f"looking for the way in by Service {controller['metadata']['name']}", *no_https(controller))
    to = await way_to(controller, port)
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


def front_port(service: Object, *, secure: bool) -> int | None:
    """The port at which a controller's Service takes HTTP or HTTPS: by its name, else 80 or 443.

    For HTTP it is else its first, for HTTPS None.

    >>> both = {"spec": {"ports": [{"name": "web", "port": 8080}, {"name": "websecure", "port": 8443}]}}
    >>> front_port(both, secure=False), front_port(both, secure=True)
    (8080, 8443)
    >>> front_port({"spec": {"ports": [{"name": "web", "port": 80}]}}, secure=True) is None
    True
    """
    ports: Sequence[Object] = spec_of(service).get("ports") or ()
    number = HTTPS if secure else HTTP
    by_name = (each for each in ports if each.get("name") in _PORT_NAMES[number])
    by_number = (each for each in ports if each.get("port") == number)
    any_other = () if secure else (*ports, {"port": HTTP})
    found = next(iter((*by_name, *by_number, *any_other)), None)
    return None if found is None else int(found["port"])


def no_https(service: Object) -> tuple[str, str]:
    """What is in the way where a controller's Service takes no HTTPS, and what would do."""
    ports = ", ".join(f"{each.get('name') or 'one'} ({each['port']})" for each in spec_of(service).get("ports") or ())
    seen = f"`request.tls` asks for HTTPS, and Service {service['metadata']['name']} has no port for that: {ports}"
    return seen, "Give it one with the number 443, or the name https or websecure; or leave out `request.tls`."


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
