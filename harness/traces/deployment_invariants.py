"""A history of a Deployment -> where its rollout broke what maxSurge, maxUnavailable, Recreate or pause promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.traces.durations import EARLY_S
from harness.traces.lifecycles import History, Life, active, ready
from harness.traces.promises import WorkloadPromise
from harness.traces.trace import Change, Object


def is_rolled_out(workload: Object) -> bool:
    """Whether the API calls the workload's rollout complete, as `kubectl rollout status` does.

    https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#complete-deployment; a StatefulSet with a
    partition is complete when the ordinals from it on are updated.
    """
    spec, status = workload["spec"], workload.get("status") or {}
    wanted, updated = int(spec.get("replicas", 1)), int(status.get("updatedReplicas", 0))
    available = int(status.get("availableReplicas", 0))
    if status.get("observedGeneration", 0) < workload["metadata"]["generation"]:
        return False
    if workload["kind"] == "StatefulSet":
        rolling = (spec.get("updateStrategy") or {}).get("rollingUpdate") or {}
        partition = int(rolling.get("partition", 0))
        whole = partition > 0 or status.get("currentRevision") == status.get("updateRevision")
        return available >= wanted and updated >= wanted - partition and whole
    return updated >= wanted and int(status.get("replicas", 0)) == wanted and available == wanted


def available(change: Change | None, life: Life, at: Change, min_ready_s: float) -> bool:
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


def _pods(history: History, at: Change, promise: WorkloadPromise) -> tuple[list[Life], list[Life]]:
    """(pods that are active, those of them that are available) at that place."""
    now = [(pod, pod.at(at.place)) for pod in history.of("Pod")]
    alive = [pod for pod, state in now if active(state)]
    return alive, [pod for pod, state in now if available(state, pod, at, promise.min_ready_s)]


def _enough_available(history: History) -> Iterator[str]:
    """A scaling down takes an available pod away only where enough others are."""
    for life, change, promise in _rolling(history, "Pod"):
        if not change.deleting or change is not life.deleting:
            continue
        before = next((c for c in reversed(life.changes) if c.place < change.place), None)
        if not available(before, life, change, promise.min_ready_s):
            continue
        left = len(_pods(history, change, promise)[1])
        if left < promise.replicas - promise.max_unavailable:
            yield (
                f"{change.t:.2f} s: {life.name} is deleted, {left} of {promise.replicas} stay available, "
                f"{promise.max_unavailable} may lack"
            )


def _not_too_many(history: History) -> Iterator[str]:
    for life, change, promise in _rolling(history, "Pod"):
        if change is not life.first or not life.born:
            continue
        alive = len(_pods(history, change, promise)[0])
        if alive > promise.replicas + promise.max_surge:
            yield f"{change.t:.2f} s: {life.name} is number {alive} of {promise.replicas}+{promise.max_surge}"


def _rolling(history: History, kind: str) -> Iterator[tuple[Life, Change, WorkloadPromise]]:
    if history.workload is None or history.workload.kind != "Deployment":
        return
    for life, change in history.merged(kind):
        promise = history.promise(change.place)
        if promise is not None and promise.strategy == "RollingUpdate":
            yield life, change, promise


def _old_ended_first(history: History) -> Iterator[str]:
    for life, change in history.merged("Pod"):
        promise = history.promise(change.place)
        if change is not life.first or not life.born or promise is None or promise.strategy != "Recreate":
            continue
        states = ((pod, pod.at(change.place)) for pod in history.of("Pod") if pod.revision != life.revision)
        alive = [
            pod.name
            for pod, state in states
            if state is not None and state.status.get("phase") not in ("Succeeded", "Failed")
        ]
        if alive:
            yield f"{change.t:.2f} s: {life.name} is created while {alive[0]} has not ended"


def _complete_at_the_end(history: History) -> Iterator[str]:
    if history.workload is None:
        return
    before = ""
    for change in history.workload.changes:
        reason = str(change.condition("Progressing").get("reason", ""))
        promise = history.promise(change.place)
        if before and reason == "NewReplicaSetAvailable" != before and promise:
            alive, there = _pods(history, change, promise)
            mixed = [pod for pod in alive if pod.revision != there[0].revision] if there else []
            if len(there) < promise.replicas or mixed:
                yield f"{change.t:.2f} s: complete with {len(there)} pods available, {len(mixed)} of another revision"
        before = reason


def _nothing_while_paused(history: History) -> Iterator[str]:
    """From where the pause has been observed to where it is lifted."""
    paused, sizes = False, dict[str, int]()
    for life, change in history.merged("Deployment", "ReplicaSet"):
        if life.kind == "Deployment":
            observed = change.status.get("observedGeneration") == change.object["metadata"].get("generation")
            paused = bool(change.spec.get("paused")) and (observed or paused)
            continue
        size = int(change.spec.get("replicas", 1))
        if paused and sizes.get(life.name, size) != size:
            yield f"{change.t:.2f} s: {life.name} is scaled to {size} while the Deployment is paused"
        sizes[life.name] = size


RULES: dict[str, Callable[[History], Iterator[str]]] = {
    "an available pod goes only when enough others are available": _enough_available,
    "there are never more pods than maxSurge allows": _not_too_many,
    "Recreate starts the new pods when all old ones have ended": _old_ended_first,
    "a rollout is complete when all its pods are available and the old ones go": _complete_at_the_end,
    "nothing is scaled while a Deployment is paused": _nothing_while_paused,
}
