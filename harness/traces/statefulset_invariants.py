"""A history of a StatefulSet -> where it broke the order of its ordinals."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.traces.durations import EARLY_S
from harness.traces.lifecycles import History, Life, active, ready
from harness.traces.promises import WorkloadPromise
from harness.traces.trace import Change


def _ordinal(life: Life) -> int:
    return int(life.name.rpartition("-")[2])


def _steps(history: History) -> Iterator[tuple[Life, Change, WorkloadPromise]]:
    """The changes of an ordered StatefulSet's pods."""
    if history.workload is None or history.workload.kind != "StatefulSet":
        return
    for life, change in history.merged("Pod"):
        promise = history.promise(change.place)
        if promise is not None and life.name.rpartition("-")[2].isdecimal():
            yield life, change, promise


def _now(history: History, change: Change) -> dict[int, tuple[Life, Change]]:
    """The pod of each ordinal that is there at that place."""
    states = ((pod, pod.at(change.place)) for pod in history.of("Pod"))
    return {_ordinal(pod): (pod, state) for pod, state in states if state is not None}


def _created_in_order(history: History) -> Iterator[str]:
    for life, change, promise in _steps(history):
        if change is not life.first or not life.born or not promise.ordered:
            continue
        pods = _now(history, change)
        for lower in range(_ordinal(life)):
            if lower not in pods or not ready(pods[lower][1]) or not active(pods[lower][1]):
                yield f"{change.t:.2f} s: {life.name} is created while ordinal {lower} is not Ready"


def _one_at_a_time(history: History) -> Iterator[str]:
    for life, change, promise in _steps(history):
        if change is not life.deleting:
            continue
        for ordinal, (pod, state) in _now(history, change).items():
            if ordinal <= _ordinal(life) or ordinal >= promise.replicas:
                continue
            since = pod.since(ready)
            waited = since is not None and change.t - since.t >= promise.min_ready_s - EARLY_S
            if not ready(state) or not active(state) or not waited or (pod.revision or 0) <= (life.revision or 0):
                yield f"{change.t:.2f} s: {life.name} is deleted while {pod.name} is not updated and available"


def _partition_kept(history: History) -> Iterator[str]:
    for life, change, promise in _steps(history):
        if change is life.deleting and _ordinal(life) < promise.partition:
            yield f"{change.t:.2f} s: {life.name} is deleted, below partition {promise.partition}"


def _name_free_first(history: History) -> Iterator[str]:
    last: dict[str, Life] = {}
    for life, change, _ in _steps(history):
        earlier = last.get(life.name)
        if change is life.first and earlier is not None and (earlier.gone is None or earlier.gone.place > change.place):
            yield f"{change.t:.2f} s: {life.name} is created while the one before is there"
        last[life.name] = life


RULES: dict[str, Callable[[History], Iterator[str]]] = {
    "a StatefulSet creates its pods in order, each when those below are Ready": _created_in_order,
    "a StatefulSet replaces one pod at a time, from the highest ordinal": _one_at_a_time,
    "a StatefulSet leaves ordinals below its partition alone": _partition_kept,
    "a StatefulSet's pod comes back only when the one before is gone": _name_free_first,
}
