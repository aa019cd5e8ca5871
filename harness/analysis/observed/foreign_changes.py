"""The timeline -> what somebody else changed of the application, its Service and its endpoints, and until when.

Pods that others took are not told here (`pod_endings`), but what they were told to be, and where their traffic went.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from harness.analysis.observed.controllers import Controllers, by_whom
from harness.analysis.observed.ownership import Ownership
from harness.analysis.observed.windows import Span
from harness.model.observation import Observation
from harness.model.run import RunInfo
from harness.spec.agreement import missing, missing_of_pod
from harness.spec.serving import Port, target_port, tcp_ports
from harness.spec.workload import Object, judged_workload, pod_spec, services, spec_of, workload_name

CONTROLLERS = ("endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io")
"""Who makes EndpointSlices of a Service (Kubernetes' well-known label endpointslice.kubernetes.io/managed-by)."""

BY_OTHERS = frozenset({"command", "watch"})
"""Disruptions that write another version of the workload, about which the harness knows nothing before it stands."""

_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
_SERVICE = "kubernetes.io/service-name"
_LEADING = ("clusterIP", "externalName", "internalTrafficPolicy", "selector")
_ROUTING = ("clusterIP", "externalName", "internalTrafficPolicy", "ports", "selector", "sessionAffinity", "type")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignChange:
    """Something that somebody else changed, in words; from `start` to `end` (infinite where it was not taken back).

    `reroutes`: requests may have gone elsewhere meanwhile, or nowhere. `by_deploy`: it came while a deploy command ran,
    which is taken to have made it.
    """

    start: float
    end: float
    words: str
    reroutes: bool = False
    by_deploy: bool = False


def foreign_changes(
    info: RunInfo, timeline: Sequence[Observation], owned: Ownership, told: Controllers, rollouts: Sequence[Span]
) -> tuple[ForeignChange, ...]:
    """What others changed, in the order in which it came. `told`: what is known of controllers; `rollouts`: our own."""
    names = {str((service.get("metadata") or {}).get("name")) for service in services(info.manifests, info.service)}
    found = [
        *_templates(told, info),
        *chain.from_iterable(_of_service(_events_of(timeline, "Service", name), told) for name in sorted(names)),
        *_of_slices(seen for seen in timeline if seen.kind == "EndpointSlice" and _labels(seen).get(_SERVICE) in names),
        *_otherwise(info, timeline, owned, rollouts),
    ]
    return tuple(sorted(found, key=lambda change: change.start))


def _templates(told: Controllers, info: RunInfo) -> Iterable[ForeignChange]:
    workload = judged_workload(info.manifests, info.target)
    name = workload_name(workload) if workload else "the workload"
    for at, who in told.foreign_by:
        yield ForeignChange(start=at, end=at, words=f"the pod template of {name} was changed{who}")


def _of_service(events: Iterable[Observation], told: Controllers) -> Iterable[ForeignChange]:
    """A Service that was deleted, or that routes otherwise than at first, or than the last deploy command left it; back
    again, it is as it was only with its old address."""
    first: Object | None = None
    open_: ForeignChange | None = None
    for seen in events:
        routing, by_command = _routing(seen), told.ran_at(seen.t)
        if by_command and _leads_elsewhere(first, routing):
            yield _rewritten(seen, first, routing)
        first = _meant(first, routing, by_command=by_command)
        if routing == first and open_ is not None:
            yield replace(open_, end=seen.t)
            open_ = None
        elif routing != first:
            open_ = open_ or _rewritten(seen, first, routing)
    if open_ is not None:
        yield open_


def _meant(first: Object | None, routing: Object | None, *, by_command: bool) -> Object | None:
    """How the Service is meant to route: as at first, or as a deploy command made it."""
    return routing if first is None or (by_command and routing is not None) else first


def _routing(seen: Observation) -> Object | None:
    """What a Service says of where requests go; None of one that was deleted."""
    return None if seen.type == "DELETED" else {key: spec_of(seen.object).get(key) for key in _ROUTING}


def _rewritten(seen: Observation, before: Object | None, after: Object | None) -> ForeignChange:
    what = "deleted" if after is None else "changed"
    words = f"Service {_name(seen.object)} was {what}{by_whom(seen.object)}{_otherwise_routed(before, after)}"
    return ForeignChange(start=seen.t, end=math.inf, words=words, reroutes=True)


def _leads_elsewhere(before: Object | None, after: Object | None) -> bool:
    """Whether a Service that is still there leads to other pods, or to other ports of them."""
    if before is None or after is None:
        return False
    return _targets(before) != _targets(after) or any(before.get(key) != after.get(key) for key in _LEADING)


def _otherwise_routed(before: Object | None, after: Object | None) -> str:
    """In brackets, what of a Service's routing is not as it was; empty where it is gone."""
    if before is None or after is None:
        return ""
    old, new = _targets(before), _targets(after)
    ports = [
        f"port {port} leads to {new[port]}, not {old[port]}" for port in old if port in new and old[port] != new[port]
    ]
    fields = [key for key in _ROUTING if before.get(key) != after.get(key) and not (key == "ports" and ports)]
    return f" ({', '.join((*ports, *fields))})"


def _targets(routing: Object) -> dict[int, Port]:
    return {entry["port"]: target_port(entry) for entry in tcp_ports({"spec": routing}) if entry.get("port")}


def _events_of(timeline: Iterable[Observation], kind: str, name: str) -> Iterable[Observation]:
    return (seen for seen in timeline if seen.kind == kind and _name(seen.object) == name)


def _of_slices(events: Iterable[Observation]) -> Iterable[ForeignChange]:
    """EndpointSlices of the Service that no controller of Kubernetes' own made."""
    present: dict[str, ForeignChange] = {}
    for seen in events:
        manager, name = _labels(seen).get(_MANAGED_BY), _name(seen.object)
        if seen.type == "DELETED" and name in present:
            begun = present.pop(name)
            yield ForeignChange(start=begun.start, end=seen.t, words=begun.words, reroutes=True)
        elif manager is not None and manager not in CONTROLLERS and name not in present and seen.type != "DELETED":
            words = f"EndpointSlice {name} was added to the Service by {manager}"
            present[name] = ForeignChange(start=seen.t, end=math.inf, words=words, reroutes=True)
    yield from present.values()


def _otherwise(
    info: RunInfo, timeline: Sequence[Observation], owned: Ownership, rollouts: Sequence[Span]
) -> Iterable[ForeignChange]:
    """Where what stands at the end of a rollout, or what its new pods carry, is not what was written."""
    written = judged_workload(info.manifests, info.target)
    if written is None or info.disruption in BY_OTHERS:
        return
    for span in rollouts:
        if span.complete is not None and not span.undone:
            yield from _lacking(written, timeline, owned, span.update, span.settled or span.complete)


def _lacking(
    written: Object, timeline: Sequence[Observation], owned: Ownership, start: float, end: float
) -> Iterable[ForeignChange]:
    """The change by which, at the end of a rollout, the workload or a new pod lacks what was written."""
    before = [seen for seen in timeline if seen.t <= end]
    live = _last(seen for seen in before if _is(owned, seen))
    pods = _new_pods(before, owned, start)
    lacking = (missing(written, live) if live else ()) or _missing_of_any(written, pods)
    if lacking:
        who = by_whom(live or {})
        words = f"{workload_name(written)} does not stand as it was written: {', '.join(lacking)}{who}"
        yield ForeignChange(start=start, end=end, words=words)


def _missing_of_any(written: Object, pods: Iterable[Object]) -> tuple[str, ...]:
    """What the first pod lacks that does not carry all that was written."""
    return next((lacking for pod in pods if (lacking := missing_of_pod(pod_spec(written), spec_of(pod)))), ())


def _new_pods(events: Iterable[Observation], owned: Ownership, start: float) -> Iterable[Object]:
    """The workload's pods as they were first shown since `start`."""
    for seen in events:
        if seen.t >= start and seen.kind == "Pod" and seen.type == "ADDED" and owned.has_pod(seen.object):
            yield seen.object


def _is(owned: Ownership, seen: Observation) -> bool:
    return seen.kind == owned.kind and seen.type != "DELETED" and owned.is_workload(seen.object, seen.kind)


def _last(events: Iterable[Observation]) -> Object | None:
    latest = None
    for seen in events:
        latest = seen.object
    return latest


def _name(shown: Object) -> str:
    return str((shown.get("metadata") or {}).get("name") or "")


def _labels(seen: Observation) -> Object:
    return (seen.object.get("metadata") or {}).get("labels") or {}
