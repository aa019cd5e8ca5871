"""Services, Nodes and EndpointSlices of the API -> what a balancer is to have: its fronts, and the targets of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.sandbox.balancer.profiles import LBC_LOCAL_CHECK, NLB_CLASSES
from harness.sandbox.balancer.settings import NONE, BalancerSettings, Targets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.sandbox.balancer.targets import Key

Object = dict[str, Any]
_EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers"
_TARGET_TYPE = "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type"
_NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """One port of a Service of type LoadBalancer, and where it is to send. `health_check_port`: 0 where it has none."""

    uid: str
    protocol: str
    port: int
    local: bool
    health_check_port: int
    targets: tuple[Key, ...]


def is_served(service: Object, settings: BalancerSettings) -> bool:
    """Whether this balancer is for that Service."""
    spec, metadata = service["spec"], service["metadata"]
    wanted = spec.get("loadBalancerClass")
    ours = wanted is None or wanted in settings.classes
    return ours and bool(spec.get("type") == "LoadBalancer" and not metadata.get("deletionTimestamp"))


def served_as(service: Object, settings: BalancerSettings) -> BalancerSettings:
    """The balancer that this Service gets: of AWS with nodes as targets where its annotation says `instance`.

    https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/#nlb-target-type
    """
    said = (service["metadata"].get("annotations") or {}).get(_TARGET_TYPE)
    if settings.classes == NLB_CLASSES and settings.targets is Targets.PODS and said == "instance":
        return replace(settings, targets=Targets.NODES, registration=NONE, local_check=LBC_LOCAL_CHECK)
    return settings


def obstacle(service: Object, settings: BalancerSettings) -> str:
    """Why the Service can have no balancer, in words; empty where it can."""
    if settings.targets is Targets.NODES and not all(port.get("nodePort") for port in service["spec"]["ports"]):
        return "targets are nodes, and the Service has no node ports (allocateLoadBalancerNodePorts: false)"
    return ""


def fronts(
    service: Object,
    slices: Iterable[Object],
    nodes: Iterable[Object],
    settings: BalancerSettings,
    admitted: frozenset[str] = _NOBODY,
) -> tuple[Front, ...]:
    """A front a port. Of pods those that are ready or `admitted`, of nodes those that are, and may take load from
    outside."""
    spec, metadata = service["spec"], service["metadata"]
    local = spec.get("externalTrafficPolicy") == "Local"
    mine = slices_of(service, slices)
    addresses = _addresses(nodes)
    if settings.announced:
        addresses = _announcing(addresses, mine if local else None)
    found = []
    for port in spec.get("ports") or ():
        by_node = tuple((address, port.get("nodePort", 0)) for address in sorted(addresses.values()))
        by_pod = tuple(sorted({key for each in mine for key in _ready(each, port.get("name") or "", admitted)}))
        found.append(
            Front(
                uid=metadata["uid"],
                protocol=port.get("protocol", "TCP").lower(),
                port=port["port"],
                local=local,
                health_check_port=spec.get("healthCheckNodePort", 0) if local else 0,
                targets=by_pod if settings.targets is Targets.PODS else by_node,
            )
        )
    return tuple(found)


def _announcing(addresses: dict[str, str], slices: Iterable[Object] | None) -> dict[str, str]:
    """The one node that announces: the first; where `slices` are given, of those that have a ready pod."""
    names = sorted(addresses)
    if slices is not None:
        endpoints = (endpoint for each in slices for endpoint in each.get("endpoints") or ())
        having = {endpoint.get("nodeName") for endpoint in endpoints if _is_ready(endpoint)}
        names = [name for name in names if name in having]
    return {name: addresses[name] for name in names[:1]}


def slices_of(service: Object, slices: Iterable[Object]) -> list[Object]:
    """Those of them that are the Service's."""
    return [each for each in slices if _of(each, service["metadata"])]


def _of(endpoint_slice: Object, service: Object) -> bool:
    metadata = endpoint_slice["metadata"]
    name = (metadata.get("labels") or {}).get("kubernetes.io/service-name")
    ours = metadata["namespace"] == service["namespace"] and name == service["name"]
    return bool(ours and endpoint_slice.get("addressType", "IPv4") == "IPv4")


def _is_ready(endpoint: Object) -> bool:
    return (endpoint.get("conditions") or {}).get("ready") is not False


def _ready(endpoint_slice: Object, port_name: str, admitted: frozenset[str]) -> Iterable[Key]:
    ports = endpoint_slice.get("ports") or ()
    numbers = [port["port"] for port in ports if port.get("port") and (port.get("name") or "") == port_name]
    for endpoint in endpoint_slice.get("endpoints") or ():
        if _is_ready(endpoint) or (endpoint.get("targetRef") or {}).get("name") in admitted:
            yield from ((endpoint["addresses"][0], number) for number in numbers)


def _addresses(nodes: Iterable[Object]) -> dict[str, str]:
    """By name, the address of every node that is ready and not left out by its label."""
    found = {}
    for node in nodes:
        status = node.get("status") or {}
        ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions") or ())
        address = next((a["address"] for a in status.get("addresses") or () if a.get("type") == "InternalIP"), None)
        if ready and address and _EXCLUDED not in (node["metadata"].get("labels") or {}):
            found[node["metadata"]["name"]] = address
    return found
