"""A Service, and how the load comes to it -> whether that is possible, and the hops between client and pods.

What each hop does, and what follows from it for a rollout, is said once here; docs/paths.md tells it at length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.model.paths import AT_ONCE, Hop, HopKind, Span, Targets
from harness.model.run import BalancerFacts, FactSource, ProxyFacts
from harness.spec.ingresses import class_of
from harness.spec.workload import Object, spec_of

_TYPES = {"nodeport": ("NodePort", "LoadBalancer"), "loadbalancer": ("LoadBalancer",)}
_INGRESS_TARGET_TYPE = "alb.ingress.kubernetes.io/target-type"
_INGRESS_TARGETS = {"ip": Targets.PODS, "instance": Targets.NODES}
_NEAR = ("service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints")
_DOES = {
    HopKind.PASSTHROUGH: "it passes packets on: a dead target is refused or silent as its host is",
    HopKind.REVERSE_PROXY: "it ends the client's connection and has its own to the targets: what fails there it "
    "answers with 502, 503 or 504",
    HopKind.NODE_PROXY: "it translates where packets go",
    HopKind.UNKNOWN: "what it does is not known",
}
_RETRIES = "; what has no body it sends once more, which hides a failure and shows as latency"
_TARGET_TYPE = "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type"


def why_not(path: str, service: Object, port: int) -> tuple[str, str] | None:
    """What is in the way of reaching a Service's port by a path, and what would do; None where nothing is."""
    wanted = _TYPES.get(path)
    if wanted is None:
        return None
    spec = spec_of(service)
    name, kind = service["metadata"]["name"], spec.get("type") or "ClusterIP"
    if kind not in wanted:
        seen = f"Service {name} is of type {kind}, and path {path} needs {' or '.join(wanted)}"
        return seen, f"Give it `type: {wanted[0]}`, or another path."
    if path == "nodeport" and spec.get("allocateLoadBalancerNodePorts") is False and not node_port(service, port):
        seen = f"Service {name} has `allocateLoadBalancerNodePorts: false`, so that its port {port} has no node port"
        return seen, "Leave that out, or take another path."
    return None


def node_port(service: Object, port: int) -> int | None:
    """The node port of a Service's port; None where it has none."""
    found = (entry.get("nodePort") for entry in spec_of(service).get("ports") or () if entry.get("port") == port)
    return next((int(number) for number in found if number), None)


def is_sticky(service: Object) -> bool:
    """Whether all connections of one client address go to the same pod while that is listed."""
    return spec_of(service).get("sessionAffinity") == "ClientIP"


def is_local(service: Object, path: str) -> bool:
    """Whether a node sends what comes by this path only to pods of its own."""
    key = "internalTrafficPolicy" if path == "clusterip" else "externalTrafficPolicy"
    return spec_of(service).get(key) == "Local"


def prefers_near(service: Object) -> bool:
    """Whether a node may send only to pods that are near to it (`trafficDistribution`, topology-aware routing)."""
    annotations = (service.get("metadata") or {}).get("annotations") or {}
    asked = (str(annotations.get(name) or "").lower() for name in _NEAR)
    return bool(spec_of(service).get("trafficDistribution")) or any(word not in ("", "disabled") for word in asked)


def hops_of(
    path: str,
    service: Object,
    proxy: ProxyFacts,
    *,
    nodes: Sequence[str] = (),
    balancer: BalancerFacts | None = None,
    ingress: Object | None = None,
) -> tuple[Hop, ...]:
    """What stands between client and pods, from the client on.

    `nodes`: those to which the load is sent, or may be. `balancer`: what is known of the one that the cluster has.
    `ingress`: the one by which the load comes.
    """
    on_node = node_proxy(service, path, proxy, nodes)
    if path in ("clusterip", "nodeport"):
        return (on_node,)
    if path == "loadbalancer":
        front = _balancer(service, balancer, path)
        return (front,) if front.targets == Targets.PODS else (front, on_node)
    if path == "ingress":
        front = _balancer(service, balancer, path) if balancer is not None else _unknown_ingress(ingress or {})
        return (front, on_node) if front.targets == Targets.NODES else (front,)
    return (
        Hop(
            name="what the URL leads to",
            kind=HopKind.UNKNOWN,
            targets=Targets.UNKNOWN,
            retries=None,
            implies="what stands there is not known to the harness: whether it keeps a list of pods, how late that is, "
            "and whether it sends a failed request again, which would hide the failure and show as latency",
        ),
    )


def way_to(service: Object) -> str:
    """The path by which a Service is meant to be reached from outside, by its type."""
    return {"NodePort": "nodeport", "LoadBalancer": "loadbalancer"}.get(str(spec_of(service).get("type")), "clusterip")


def through(controller: Object, front: Sequence[Hop], behind: Hop) -> tuple[Hop, ...]:
    """The hops of a path on which the load comes to the Service of a proxy in the cluster, and from that to the pods.

    `front`: those before the proxy's pods, of whose lists no rollout of the application changes anything.
    """
    name = controller["metadata"]["name"]
    told = f"it leads to the pods behind Service {name}: a rollout of what they serve changes nothing there"
    still = (
        replace(hop, targets=hop.targets, removal=AT_ONCE, addition=AT_ONCE, implies=f"{told}; {hop.implies}")
        for hop in front
    )
    return (*still, behind)


def unknown_proxy(ingress: Object) -> Hop:
    """What serves an Ingress, where no more is known of it than that."""
    return _unknown_ingress(ingress)


def unknown_gateway(route: Object) -> Hop:
    """What serves the Gateway of an HTTPRoute, where no more is known of it than that."""
    return replace(_unknown_ingress({}), name=f"what serves HTTPRoute {route['metadata']['name']}")


def node_proxy(service: Object, path: str, proxy: ProxyFacts, nodes: Sequence[str]) -> Hop:
    """kube-proxy, or what does its work, on the nodes that the load reaches first."""
    known = proxy.min_sync_period_s if proxy.source != FactSource.ASSUMED else None
    lag = None if known is None else Span(least_s=0.0, most_s=known)
    local = is_local(service, path)
    where = f" on {', '.join(nodes)}" if nodes else ""
    policy = (
        "it sends only to pods of its own node, at last to those that terminate and still serve (KEP-1669), and drops "
        "what comes when there is none: silence, no refusal"
        if local
        else "it sends to the pods of all nodes, and rejects what comes when there is none: a refusal"
    )
    affinity = is_sticky(service)
    settings = {
        ("internalTrafficPolicy" if path == "clusterip" else "externalTrafficPolicy"): "Local" if local else "Cluster"
    }
    if affinity:
        settings["sessionAffinity"] = "ClientIP"
    return Hop(
        name=f"{proxy.mode or 'kube-proxy'}{where}",
        kind=HopKind.NODE_PROXY,
        targets=Targets.PODS,
        removal=lag,
        addition=lag,
        instances=max(1, len(nodes)),
        implies=f"{policy}; an open connection stays with its pod"
        + ("; a client address stays with its pod while that is listed" if affinity else ""),
        settings=settings,
    )


def _balancer(service: Object, facts: BalancerFacts | None, path: str) -> Hop:
    if facts is None:
        return _unknown_balancer(service)
    if facts.targets == Targets.PODS and _annotated(service) == "instance" and facts.profile.startswith("aws-nlb"):
        facts = replace(facts, targets=Targets.NODES, removal=None, addition=None, settings={"targets": "nodes"})
    if facts.targets == Targets.PODS:
        implies = (
            "targets are pods: it has a list of its own, which lags behind the EndpointSlices; kube-proxy has no "
            "part in it"
        )
        return _named(facts, removal=facts.removal, addition=facts.addition, implies=implies)
    if not is_local(service, path):
        implies = "targets are nodes: it never learns of pods, and each node's proxy decides which pod gets what"
        return _named(facts, removal=AT_ONCE, addition=AT_ONCE, implies=implies)
    implies = (
        "targets are nodes, each for as long as its health check finds a ready pod there: a node whose last pod goes "
        "is sent to until the check has failed often enough, and drops what comes"
    )
    return _named(facts, removal=facts.removal, addition=facts.addition, implies=implies)


def _annotated(service: Object) -> str:
    """What a Service says that its targets are to be."""
    return str((service["metadata"].get("annotations") or {}).get(_TARGET_TYPE, ""))


def _named(facts: BalancerFacts, *, removal: Span | None, addition: Span | None, implies: str) -> Hop:
    return Hop(
        name=f"the load balancer ({facts.profile})",
        kind=facts.kind,
        targets=facts.targets,
        retries=facts.retries,
        removal=removal,
        addition=addition,
        implies=f"{implies}; {_DOES[facts.kind]}" + (_RETRIES if facts.retries else ""),
        answers_as=facts.answers_as,
        draining_s=facts.draining_s,
        settings=dict(facts.settings),
    )


def _unknown_ingress(ingress: Object) -> Hop:
    annotations = (ingress.get("metadata") or {}).get("annotations") or {}
    targets = _INGRESS_TARGETS.get(str(annotations.get(_INGRESS_TARGET_TYPE)), Targets.UNKNOWN)
    told = f"; targets are {targets} (by its annotation)" if targets != Targets.UNKNOWN else ""
    return Hop(
        name=f"what serves Ingress {(ingress.get('metadata') or {}).get('name')} ({class_of(ingress) or 'no class'})",
        kind=HopKind.REVERSE_PROXY,
        targets=targets,
        retries=None,
        implies=f"its delays are not known, nor whether it sends a failed request again{told}; "
        + _DOES[HopKind.REVERSE_PROXY],
    )


def _unknown_balancer(service: Object) -> Hop:
    by_ip = _annotated(service) == "ip"
    return Hop(
        name=f"the load balancer of Service {service['metadata']['name']}",
        kind=HopKind.PASSTHROUGH,
        targets=Targets.PODS if by_ip else Targets.UNKNOWN,
        removal=None,
        addition=None,
        implies="its delays are not known"
        + (
            "; targets are pods (by its annotation)"
            if by_ip
            else "; whether it has nodes or pods as targets is not known"
        ),
    )
