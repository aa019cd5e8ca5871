"""An application that is up, and the path to it -> where the load is sent, and the hops on the way."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from harness.clusters.cluster import Cluster
from harness.errors import ClusterError, ManifestError, UsageError
from harness.kube.client import Kube
from harness.manifests.application import Application
from harness.model.path_settings import ALL_NODES, PathSettings
from harness.runner.gateway_address import by_gateway, check_gateway
from harness.runner.ingress_address import by_ingress, check_ingress
from harness.runner.outside_address import Destination, at, balancer_address
from harness.spec.hazards import HazardId, row
from harness.spec.ways_in import hops_of, node_port, way_to, why_not


def check_path(path: PathSettings, application: Application, host: str | None = None) -> None:
    """Refuse, before anything is changed, a path by which the Service cannot be reached. `host`: that requests name.

    Raises:
        ManifestError: it is of another type, has no node port, or no Ingress leads to it.
    """
    if path.ingress is not None:
        check_ingress(path.ingress, application, host)
    if path.gateway is not None:
        check_gateway(path.gateway, application, host)
    if (found := why_not(path.name, application.service, application.port)) is not None:
        raise ManifestError(f"planning the path {path.name}", *found)


async def destination(
    cluster: Cluster, path: PathSettings, namespace: str, application: Application, *, secure: bool = False
) -> Destination:
    """Where the application is reached by this path; a load balancer's address is waited for.

    `secure`: the requests are HTTPS, for which what ends connections on the way has a port of its own.

    Raises:
        ClusterError: the cluster does not offer the path, or not in time.
        UsageError: it has no such node.
    """
    kube, proxy, port = cluster.kube, cluster.facts.proxy, application.port
    if path.url is not None:
        return Destination(origin=path.url, hops=hops_of("url", application.service, proxy))
    service = await kube.get("v1", "Service", application.service_name, namespace)
    if (found := why_not(path.name, service, port)) is not None:
        raise ClusterError(f"looking for the way in ({path.name})", *found)
    if path.nodeport is not None:
        return await _by_node_port(cluster, service, port, path.nodeport.node)
    if path.ingress is not None:
        by_type = partial(_by_type, cluster, path.wait_s)
        return await by_ingress(cluster, path.ingress, service, await _node_names(kube), by_type, secure=secure)
    if path.gateway is not None:
        by_type = partial(_by_type, cluster, path.wait_s)
        return await by_gateway(cluster, path.gateway, service, by_type, secure=secure)
    if path.loadbalancer is not None:
        return await _by_balancer(cluster, service, port, path.wait_s)
    return _by_cluster_ip(cluster, service, port)


async def _by_type(cluster: Cluster, wait_s: float, service: dict[str, Any], port: int) -> Destination:
    """The way to a Service that its type is for."""
    way = way_to(service)
    if way == "loadbalancer":
        return await _by_balancer(cluster, service, port, wait_s)
    if way == "nodeport":
        return await _by_node_port(cluster, service, port, ALL_NODES)
    return _by_cluster_ip(cluster, service, port)


def _by_cluster_ip(cluster: Cluster, service: dict[str, Any], port: int) -> Destination:
    hops = hops_of("clusterip", service, cluster.facts.proxy)
    return Destination(addresses=(at(_cluster_ip(service), port),), hops=hops)


async def _by_balancer(cluster: Cluster, service: dict[str, Any], port: int, wait_s: float) -> Destination:
    kube, facts = cluster.kube, cluster.facts
    address = await balancer_address(kube, service, wait_s)
    nodes = await _node_names(kube)
    hops = hops_of("loadbalancer", service, facts.proxy, nodes=nodes, balancer=facts.balancer)
    return Destination(addresses=(at(address, port),), hops=hops)


def _cluster_ip(service: dict[str, Any]) -> str:
    address = service["spec"].get("clusterIP")
    if not address or address == "None":
        raise ClusterError(
            f"looking for the ClusterIP of Service {service['metadata']['name']}",
            "it has none (headless?)",
            f"Needed: {row(HazardId.HEADLESS).mend}.",
        )
    return str(address)


async def _by_node_port(cluster: Cluster, service: dict[str, Any], port: int, wanted: str) -> Destination:
    tried = f"looking for the node port of Service {service['metadata']['name']}"
    number = node_port(service, port)
    if number is None:
        raise ClusterError(tried, f"its port {port} has none", "Does the cluster give out node ports?")
    try:
        nodes = await cluster.kube.list("v1", "Node")
    except ClusterError as error:
        seen = f"the nodes' addresses cannot be read ({error.seen})"
        raise ClusterError(
            tried, seen, "It takes the right to list nodes; or take path: {url: http://NODE:PORT}."
        ) from error
    known = {node["metadata"]["name"]: _node_address(node) for node in nodes}
    if wanted != ALL_NODES and wanted not in known:
        raise UsageError(
            tried, f"there is no node {wanted}; there are {', '.join(sorted(known))}", "Name one of these."
        )
    chosen = {name: address for name, address in sorted(known.items()) if wanted in (ALL_NODES, name) and address}
    if not chosen:
        raise ClusterError(tried, "no node tells an address", "Is the cluster up? kubectl get nodes -o wide")
    return Destination(
        addresses=tuple(at(address, number) for address in chosen.values()),
        hops=hops_of("nodeport", service, cluster.facts.proxy, nodes=tuple(chosen)),
    )


def _node_address(node: dict[str, Any]) -> str:
    addresses: Sequence[dict[str, str]] = (node.get("status") or {}).get("addresses") or ()
    by_type = {each.get("type"): each.get("address", "") for each in addresses}
    return by_type.get("InternalIP") or by_type.get("ExternalIP") or ""


async def _node_names(kube: Kube) -> tuple[str, ...]:
    try:
        return tuple(sorted(node["metadata"]["name"] for node in await kube.list("v1", "Node")))
    except ClusterError:  # who may not list them does not need them here
        return ()
