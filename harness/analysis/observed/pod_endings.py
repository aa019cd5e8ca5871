"""Pods that ended and what controllers did -> who took each: rollout, scaling, eviction, crash or a stranger."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.analysis.observed.pods import WATCH_S, Life
from harness.model.observation import MarkType, Observation
from harness.model.result import Taker
from harness.spec.rolling import wanted_replicas
from harness.spec.template import same_template

OWN_CHANGE_S = 5.0
"""How long after our own update mark a change of the application's template is taken for ours."""

RS_S = 3.0
"""How long before a pod's deletion its controller was told to have fewer pods."""

DESIRED = "deployment.kubernetes.io/desired-replicas"
REVISION = "deployment.kubernetes.io/revision"


@dataclass(slots=True)
class _Controllers:
    """What the timeline says of the pods' controllers."""

    scalings: dict[str, list[float]] = field(default_factory=dict)  # ReplicaSet -> when it shrank because of a scaling
    shrinks: dict[str, list[float]] = field(default_factory=dict)
    revisions: dict[str, list[tuple[float, int]]] = field(default_factory=dict)  # since when it had which number
    update_revisions: list[tuple[float, str, int]] = field(default_factory=list)  # StatefulSet: t, revision, replicas
    deleted_by_controller: set[str] = field(default_factory=set)
    speaks: bool = False
    own: list[float] = field(default_factory=list)
    foreign: list[float] = field(default_factory=list)


def takers(timeline: Iterable[Observation], pods: Sequence[Life], updates: Iterable[float] = ()) -> dict[str, Taker]:
    """Who took each pod that was deleted or failed, by uid. `updates`: when we changed the application ourselves.

    A ReplicaSet shrinks by the rollout when it is not of the Deployment's present template: its revision is no longer
    the newest, or the template changed since it became that (with strategy Recreate, the new ReplicaSet comes only when
    all old pods have gone). It shrinks by scaling when its desired number of the whole Deployment changed in the same
    step. A pod that no controller deleted was taken by a stranger.
    """
    controllers = _controllers(timeline, updates)
    return {pod.uid: _taker(pod, controllers) for pod in pods if pod.deletion is not None or pod.gone is not None}


def _taker(pod: Life, controllers: _Controllers) -> Taker:
    t = pod.deletion if pod.deletion is not None else pod.gone or 0.0
    if pod.disrupted:
        return Taker.EVICTION
    if pod.crashes and pod.crashes[-1][1] == float("inf") and pod.deletion is None:
        return Taker.CRASH
    if _by_stranger(pod, t, controllers):
        return Taker.FOREIGN
    if _by_scaling(pod, t, controllers):
        return Taker.SCALING
    own = [mark for mark in controllers.own if mark <= t + 1.0]
    strange = [change for change in controllers.foreign if change <= t + 1.0]
    if not own or (strange and strange[-1] > own[-1]):
        return Taker.FOREIGN
    return Taker.ROLLOUT


def _by_stranger(pod: Life, t: float, controllers: _Controllers) -> bool:
    if not controllers.speaks or pod.name in controllers.deleted_by_controller:
        return False
    if any(t - RS_S <= shrink <= t + 1.0 for shrink in controllers.shrinks.get(pod.owner, ())):
        return False
    states = [state for state in controllers.update_revisions if state[0] <= t + 1.0]
    return not (states and states[-1][1] != pod.revision)


def _by_scaling(pod: Life, t: float, controllers: _Controllers) -> bool:
    shrinks = [shrink for shrink in controllers.shrinks.get(pod.owner, ()) if t - RS_S <= shrink <= t + 1.0]
    if shrinks and min(shrinks, key=lambda shrink: abs(t - shrink)) in controllers.scalings.get(pod.owner, ()):
        return True
    states = [state for state in controllers.update_revisions if state[0] <= t + 1.0]
    if states:
        ordinal = pod.name.rsplit("-", 1)[-1]
        beyond = ordinal.isdigit() and int(ordinal) >= states[-1][2]
        return beyond or pod.revision == states[-1][1]
    newest = {
        owner: numbers[-1]
        for owner, seen in controllers.revisions.items()
        if (numbers := [entry for entry in seen if entry[0] <= t + WATCH_S])
    }
    if len(newest) < 2 or pod.owner not in newest:
        return False
    since, number = newest[pod.owner]
    changed = max((change for change in (*controllers.own, *controllers.foreign) if change <= t), default=-math.inf)
    return number == max(number for _, number in newest.values()) and since >= changed


def _controllers(timeline: Iterable[Observation], updates: Iterable[float]) -> _Controllers:
    found = _Controllers(own=sorted(updates))
    replicas: dict[str, tuple[int, str | None]] = {}
    template: Any = None
    for seen in timeline:
        metadata = seen.object.get("metadata") or {}
        spec = seen.object.get("spec") or {}
        if seen.kind == "Mark" and seen.type == MarkType.UNDO:
            found.own = sorted([*found.own, seen.t])
        elif seen.kind == "ReplicaSet" and seen.type != "DELETED":
            _replica_set(found, replicas, seen.t, metadata, wanted_replicas(spec))
        elif seen.kind in ("Deployment", "StatefulSet"):
            now = spec.get("template")
            if template is not None and not same_template(now, template):
                ours = any(0.0 <= seen.t - mark <= OWN_CHANGE_S for mark in found.own)
                if not ours:
                    found.foreign.append(seen.t)
            template = now
            revision = (seen.object.get("status") or {}).get("updateRevision")
            if revision:
                found.update_revisions.append((seen.t, str(revision), wanted_replicas(spec)))
        elif seen.kind == "Event" and seen.object.get("reason") in ("SuccessfulCreate", "ScalingReplicaSet"):
            found.speaks = True
        elif seen.kind == "Event" and seen.object.get("reason") == "SuccessfulDelete":
            found.speaks = True
            words = str(seen.object.get("message") or seen.object.get("note") or "").replace(":", " ").split()
            found.deleted_by_controller.update(words)
    return found


def _replica_set(
    found: _Controllers, replicas: dict[str, tuple[int, str | None]], t: float, metadata: dict[str, Any], now: int
) -> None:
    name = str(metadata.get("name"))
    annotations = metadata.get("annotations") or {}
    desired = annotations.get(DESIRED)
    before = replicas.get(name)
    if before is not None and now < before[0]:
        found.shrinks.setdefault(name, []).append(t)
        if desired != before[1] and desired is not None and before[1] is not None:
            found.scalings.setdefault(name, []).append(t)
    replicas[name] = (now, desired)
    if str(annotations.get(REVISION, "")).isdigit():
        numbers = found.revisions.setdefault(name, [])
        if not numbers or numbers[-1][1] != int(annotations[REVISION]):
            numbers.append((t, int(annotations[REVISION])))
