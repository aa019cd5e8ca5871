"""EndpointSlices as the watch showed them -> when each pod was listed for traffic, and when none was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from harness.analysis.observed.pods import Life
from harness.model.observation import Observation
from harness.model.run import RunInfo
from harness.spec.endpoints import EndpointConditions, conditions, usable
from harness.spec.workload import services

Intervals = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """What the data plane was told.

    `listed`: per pod (uid) the intervals in which it was to get traffic. `terminating`: when its endpoint was first
    shown as terminating. `empty`: the intervals in which no pod was. `known`: whether the timeline holds slices.
    """

    known: bool
    listed: dict[str, Intervals] = field(default_factory=dict)
    terminating: dict[str, float] = field(default_factory=dict)
    empty: Intervals = ()
    changes: tuple[float, ...] = ()
    most: int = 0


def endpoints(info: RunInfo, timeline: Iterable[Observation], pods: Sequence[Life]) -> Endpoints:
    """The history of the Service's endpoints.

    As kube-proxy does (KEP-1669): the ready ones get traffic, and where there are none, those that still serve while
    they terminate. Slices of other Services are left out; IPv4 and IPv6 slices of one Service name the same pods. Where
    the watch showed no slice at all, the pods' readiness has to do.
    """
    names = {str((service.get("metadata") or {}).get("name")) for service in services(info.manifests)}
    by_name: dict[str, str] = {}
    by_address: dict[str, str] = {}
    known_uids = {pod.uid for pod in pods}
    slices: dict[str, list[tuple[str, EndpointConditions]]] = {}
    steps: list[tuple[float, frozenset[str]]] = []
    terminating: dict[str, float] = {}
    ordered = sorted(pods, key=lambda pod: pod.first_seen)
    pending = 0
    for seen in timeline:
        if seen.kind != "EndpointSlice":
            continue
        metadata = seen.object.get("metadata") or {}
        service = str((metadata.get("labels") or {}).get("kubernetes.io/service-name"))
        if names and service not in names:
            continue
        while pending < len(ordered) and ordered[pending].first_seen <= seen.t + 1.0:
            pod = ordered[pending]
            by_name[pod.name] = pod.uid
            by_address.update(dict.fromkeys(pod.addresses, pod.uid))
            pending += 1
        name = str(metadata.get("name"))
        if seen.type == "DELETED":
            slices.pop(name, None)
        else:
            slices[name] = [
                entry
                for endpoint in seen.object.get("endpoints") or ()
                if (entry := _entry(endpoint, known_uids, by_name, by_address)) is not None
            ]
            for entry in slices[name]:
                if entry[1].terminating:
                    terminating.setdefault(entry[0], seen.t)
        steps.append((seen.t, usable(chain.from_iterable(slices.values()))))
    return _history(steps, terminating) if steps else _history(_by_readiness(pods), {})


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


def _entry(
    endpoint: dict[str, Any], uids: set[str], by_name: dict[str, str], by_address: dict[str, str]
) -> tuple[str, EndpointConditions] | None:
    target = endpoint.get("targetRef") or {}
    uid = target.get("uid")
    if uid not in uids:
        addresses = endpoint.get("addresses") or ()
        uid = by_name.get(str(target.get("name"))) or next(
            (by_address[address] for address in addresses if address in by_address), uid or str(target.get("name"))
        )
    return str(uid), conditions(endpoint)


def _history(steps: list[tuple[float, frozenset[str]]], terminating: dict[str, float]) -> Endpoints:
    listed: dict[str, list[tuple[float, float]]] = {}
    since: dict[str, float] = {}
    empty: list[tuple[float, float]] = []
    changes: list[float] = []
    empty_since: float | None = None
    before: frozenset[str] = frozenset()
    had_any = False
    for t, now in steps:
        if now != before:
            changes.append(t)
        for uid in now - before:
            since[uid] = t
        for uid in before - now:
            listed.setdefault(uid, []).append((since.pop(uid), t))
        if not now and had_any and empty_since is None:
            empty_since = t
        elif now and empty_since is not None:
            empty.append((empty_since, t))
            empty_since = None
        had_any = had_any or bool(now)
        before = now
    for uid, start in since.items():
        listed.setdefault(uid, []).append((start, float("inf")))
    if empty_since is not None:
        empty.append((empty_since, float("inf")))
    return Endpoints(
        known=bool(steps),
        listed={uid: tuple(spans) for uid, spans in listed.items()},
        terminating=terminating,
        empty=tuple(empty),
        changes=tuple(changes),
        most=max((len(now) for _, now in steps), default=0),
    )
