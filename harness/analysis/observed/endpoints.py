"""EndpointSlices as the watch showed them -> when each pod was listed for traffic, and when none was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from harness.analysis.observed.pods import Life
from harness.model.observation import Observation
from harness.model.paths import HopKind
from harness.model.run import RunInfo
from harness.spec.endpoints import EndpointConditions, conditions, usable
from harness.spec.ways_in import is_local
from harness.spec.workload import Object, services, spec_of

Intervals = tuple[tuple[float, float], ...]

AHEAD_S = 1.0
"""How much earlier than the pod's own events a slice may name it: two watches are not in step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """What the data plane was told.

    `listed`: per pod (uid) the intervals in which it was to get traffic. `terminating`: when its endpoint was first
    shown as terminating. `empty`: the intervals in which no pod was. `known`: whether the timeline holds slices.
    `nodes`: where a node sends only to pods of its own, from when on so many of them had one to send to.
    """

    known: bool
    listed: dict[str, Intervals] = field(default_factory=dict)
    terminating: dict[str, float] = field(default_factory=dict)
    empty: Intervals = ()
    changes: tuple[float, ...] = ()
    most: int = 0
    nodes: tuple[tuple[float, int], ...] = ()


def endpoints(info: RunInfo, timeline: Iterable[Observation], pods: Sequence[Life]) -> Endpoints:
    """The history of the Service's endpoints.

    As kube-proxy does (KEP-1669): the ready ones get traffic, and where there are none, those that still serve while
    they terminate; where a node sends only to pods of its own, each node for itself. Slices of other Services are left
    out; IPv4 and IPv6 slices of one Service name the same pods. Where the watch showed no slice at all, the pods'
    readiness has to do.
    """
    names = {str((service.get("metadata") or {}).get("name")) for service in services(info.manifests, info.service)}
    slices = _Slices(_PodNames(pods), by_node=_by_node(info), ports=_port_names(info))
    for seen in timeline:
        if seen.kind == "EndpointSlice" and (not names or _service(seen) in names):
            slices.add(seen)
    if not slices.steps:
        return _endpoints(_by_readiness(pods), {})
    return replace(_endpoints(slices.steps, slices.terminating), nodes=tuple(slices.nodes))


def _by_node(info: RunInfo) -> bool:
    """Whether a node's proxy sends only to pods of its own node (externalTrafficPolicy, internalTrafficPolicy: Local).

    A load balancer that has pods as targets knows no such policy.
    """
    if info.way.ends_tcp or not any(hop.kind == HopKind.NODE_PROXY for hop in info.hops):
        return False
    return any(is_local(service, info.path) for service in services(info.manifests, info.service))


def _port_names(info: RunInfo) -> frozenset[str]:
    """The name of the Service's port that is measured: a slice without it lists nobody for it. Empty where that is not
    known; https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports."""
    ports = [port for each in services(info.manifests, info.service) for port in spec_of(each).get("ports") or ()]
    measured = info.service.port if info.service is not None else None
    named = (str(port.get("name") or "") for port in ports if measured in (None, port.get("port")))
    return frozenset(named)


def _service(seen: Observation) -> str:
    labels = (seen.object.get("metadata") or {}).get("labels") or {}
    return str(labels.get("kubernetes.io/service-name"))


class _PodNames:
    """Which pod an endpoint is of: by its uid, else by the name or address that it had then."""

    def __init__(self, pods: Sequence[Life]) -> None:
        self._uids = {pod.uid for pod in pods}
        self._to_come = sorted(pods, key=lambda pod: pod.first_seen, reverse=True)
        self._by_name: dict[str, str] = {}
        self._by_address: dict[str, str] = {}

    def learn(self, t: float) -> None:
        """Know the pods that were seen by `t`; one that comes later may have the name and address of one before."""
        while self._to_come and self._to_come[-1].first_seen <= t + AHEAD_S:
            pod = self._to_come.pop()
            self._by_name[pod.name] = pod.uid
            self._by_address.update(dict.fromkeys(pod.addresses, pod.uid))

    def uid(self, endpoint: Object) -> str:
        """The pod's uid; of a pod that was not seen whatever names it."""
        target = endpoint.get("targetRef") or {}
        uid = target.get("uid")
        if uid in self._uids:
            return str(uid)
        addresses = endpoint.get("addresses") or ()
        known = (self._by_address[address] for address in addresses if address in self._by_address)
        return str(self._by_name.get(str(target.get("name"))) or next(known, uid or target.get("name")))


class _Slices:
    """The slices of a Service, one event after another. `steps`: who was to get traffic from then on; `nodes`: on how
    many nodes, where that matters."""

    def __init__(self, names: _PodNames, *, by_node: bool, ports: frozenset[str]) -> None:
        self._by_node, self._ports = by_node, ports
        self.steps: list[tuple[float, frozenset[str]]] = []
        self.nodes: list[tuple[float, int]] = []
        self.terminating: dict[str, float] = {}
        self._names = names
        self._slices: dict[str, list[tuple[str, EndpointConditions]]] = {}
        self._nodes: dict[str, str] = {}

    def add(self, seen: Observation) -> None:
        self._names.learn(seen.t)
        name = str((seen.object.get("metadata") or {}).get("name"))
        self._slices.pop(name, None)
        if seen.type != "DELETED":
            entries = (seen.object.get("endpoints") or ()) if self._has_port(seen.object) else ()
            self._slices[name] = [(self._names.uid(entry), conditions(entry)) for entry in entries]
            self._nodes |= {self._names.uid(entry): str(entry.get("nodeName")) for entry in entries}
            for uid, is_ in self._slices[name]:
                if is_.terminating:
                    self.terminating.setdefault(uid, seen.t)
        self.steps.append((seen.t, self._usable()))
        if self._by_node:
            self.nodes.append((seen.t, len({self._nodes[uid] for uid in self.steps[-1][1]})))

    def _has_port(self, shown: Object) -> bool:
        if not self._ports or "ports" not in shown:
            return True
        return any(str(port.get("name") or "") in self._ports for port in shown["ports"] or ())

    def _usable(self) -> frozenset[str]:
        known = tuple(chain.from_iterable(self._slices.values()))
        if not self._by_node:
            return usable(known)
        nodes = {self._nodes[uid] for uid, _ in known}
        each = (usable(entry for entry in known if self._nodes[entry[0]] == node) for node in nodes)
        return frozenset(chain.from_iterable(each))


def _by_readiness(pods: Sequence[Life]) -> list[tuple[float, frozenset[str]]]:
    """What the list must have been where no slice was seen: pods that are Ready, and those that serve to their end."""
    never = float("inf")
    moments = {0.0}
    for pod in pods:
        moments |= {moment for moment in (pod.ready, pod.deletion, pod.ended, pod.gone) if moment is not None}
        moments |= {moment for span in pod.unready for moment in span if moment != never}

    def going(pod: Life) -> float:
        return pod.deletion if pod.deletion is not None else never

    def entries(t: float) -> list[tuple[str, EndpointConditions]]:
        return [
            (pod.uid, EndpointConditions(ready=t < going(pod), serving=True, terminating=t >= going(pod)))
            for pod in pods
            if pod.ready is not None
            and pod.ready <= t < (pod.ended if pod.ended is not None else never)
            and not any(since <= t < until and t < going(pod) for since, until in pod.unready)
        ]

    return [(t, usable(entries(t))) for t in sorted(moments)] if pods else []


def _endpoints(steps: Sequence[tuple[float, frozenset[str]]], terminating: dict[str, float]) -> Endpoints:
    before = [frozenset[str](), *(now for _, now in steps)]
    return Endpoints(
        known=bool(steps),
        listed=_listed(steps),
        terminating=terminating,
        empty=_empty(steps),
        changes=tuple(t for (t, now), last in zip(steps, before, strict=False) if now != last),
        most=max((len(now) for _, now in steps), default=0),
    )


def _listed(steps: Sequence[tuple[float, frozenset[str]]]) -> dict[str, Intervals]:
    """By uid, when it was in the list; the last time may have no end."""
    since: dict[str, float] = {}
    found: dict[str, list[tuple[float, float]]] = {}
    for t, now in steps:
        for uid in since.keys() - now:
            found.setdefault(uid, []).append((since.pop(uid), t))
        since |= dict.fromkeys(now - since.keys(), t)
    for uid, start in since.items():
        found.setdefault(uid, []).append((start, float("inf")))
    return {uid: tuple(spans) for uid, spans in found.items()}


def _empty(steps: Sequence[tuple[float, frozenset[str]]]) -> Intervals:
    """When nobody was in the list, once somebody had been."""
    found: list[tuple[float, float]] = []
    since: float | None = None
    had_any = False
    for t, now in steps:
        had_any = had_any or bool(now)
        if had_any and not now and since is None:
            since = t
        elif now and since is not None:
            found.append((since, t))
            since = None
    return (*found, *(((since, float("inf")),) if since is not None else ()))
