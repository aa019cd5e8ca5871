"""Lifecycles -> where a Deployment's rollout broke maxSurge, maxUnavailable, Recreate or pause."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.spec.rolling import RolloutSpec, Strategy, wanted_replicas
from harness.traces.durations import EARLY_S
from harness.traces.lifecycles import Lifecycle, Lifecycles, active, ready
from harness.traces.trace import Change


def available(change: Change | None, life: Lifecycle, at: Change, min_ready_s: float) -> bool:
    """Whether the pod had been Ready for long enough when `at` was seen, as far as whole seconds tell."""
    if change is None or not active(change) or not ready(change):
        return False
    if not life.born and all(ready(c) for c in life.changes if c.place <= change.place):
        return True
    since = at.t
    for earlier in reversed(life.changes):
        if earlier.place <= change.place:
            if not ready(earlier):
                break
            since = earlier.t
    return at.t - since >= min_ready_s - EARLY_S


def _pods(lifecycles: Lifecycles, at: Change, spec: RolloutSpec) -> tuple[list[Lifecycle], list[Lifecycle]]:
    """(pods that are active, those of them that are available) at that place."""
    now = [(pod, pod.at(at.place)) for pod in lifecycles.of("Pod")]
    alive = [pod for pod, state in now if active(state)]
    return alive, [pod for pod, state in now if available(state, pod, at, spec.min_ready_s)]


def _enough_available(lifecycles: Lifecycles) -> Iterator[str]:
    """A scaling down takes an available pod away only where enough others are."""
    for life, change, spec in _rolling(lifecycles, "Pod"):
        if not change.deleting or change is not life.deleting:
            continue
        before = next((c for c in reversed(life.changes) if c.place < change.place), None)
        if not available(before, life, change, spec.min_ready_s):
            continue
        left = len(_pods(lifecycles, change, spec)[1])
        if left < spec.replicas - spec.max_unavailable:
            yield (
                f"{change.t:.2f} s: {life.name} is deleted, {left} of {spec.replicas} stay available, "
                f"{spec.max_unavailable} may lack"
            )


def _not_too_many(lifecycles: Lifecycles) -> Iterator[str]:
    for life, change, spec in _rolling(lifecycles, "Pod"):
        if change is not life.first or not life.born:
            continue
        alive = len(_pods(lifecycles, change, spec)[0])
        if alive > spec.replicas + spec.max_surge:
            yield f"{change.t:.2f} s: {life.name} is number {alive} of {spec.replicas}+{spec.max_surge}"


def _rolling(lifecycles: Lifecycles, kind: str) -> Iterator[tuple[Lifecycle, Change, RolloutSpec]]:
    if lifecycles.workload is None or lifecycles.workload.kind != "Deployment":
        return
    for life, change in lifecycles.merged(kind):
        spec = lifecycles.spec_at(change.place)
        if spec is not None and spec.strategy == Strategy.ROLLING_UPDATE:
            yield life, change, spec


def _old_ended_first(lifecycles: Lifecycles) -> Iterator[str]:
    for life, change in lifecycles.merged("Pod"):
        spec = lifecycles.spec_at(change.place)
        if change is not life.first or not life.born or spec is None or spec.strategy != Strategy.RECREATE:
            continue
        states = ((pod, pod.at(change.place)) for pod in lifecycles.of("Pod") if pod.revision != life.revision)
        alive = [
            pod.name
            for pod, state in states
            if state is not None and state.status.get("phase") not in ("Succeeded", "Failed")
        ]
        if alive:
            yield f"{change.t:.2f} s: {life.name} is created while {alive[0]} has not ended"


def _complete_at_the_end(lifecycles: Lifecycles) -> Iterator[str]:
    if lifecycles.workload is None:
        return
    before = ""
    for change in lifecycles.workload.changes:
        reason = str(change.condition("Progressing").get("reason", ""))
        spec = lifecycles.spec_at(change.place)
        if before and reason == "NewReplicaSetAvailable" != before and spec:
            alive, there = _pods(lifecycles, change, spec)
            mixed = [pod for pod in alive if pod.revision != there[0].revision] if there else []
            if len(there) < spec.replicas or mixed:
                yield f"{change.t:.2f} s: complete with {len(there)} pods available, {len(mixed)} of another revision"
        before = reason


def _nothing_while_paused(lifecycles: Lifecycles) -> Iterator[str]:
    """From where the pause has been observed to where it is lifted."""
    paused, sizes = False, dict[str, int]()
    for life, change in lifecycles.merged("Deployment", "ReplicaSet"):
        if life.kind == "Deployment":
            observed = change.status.get("observedGeneration") == change.object["metadata"].get("generation")
            paused = bool(change.spec.get("paused")) and (observed or paused)
            continue
        size = wanted_replicas(change.spec)
        if paused and sizes.get(life.name, size) != size:
            yield f"{change.t:.2f} s: {life.name} is scaled to {size} while the Deployment is paused"
        sizes[life.name] = size


INVARIANTS: dict[str, Callable[[Lifecycles], Iterator[str]]] = {
    "an available pod goes only when enough others are available": _enough_available,
    "there are never more pods than maxSurge allows": _not_too_many,
    "Recreate starts the new pods when all old ones have ended": _old_ended_first,
    "a rollout is complete when all its pods are available and the old ones go": _complete_at_the_end,
    "nothing is scaled while a Deployment is paused": _nothing_while_paused,
}
