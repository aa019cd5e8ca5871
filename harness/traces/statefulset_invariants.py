"""Lifecycles -> where a StatefulSet broke the order of its ordinals."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.spec.rolling import RolloutSpec
from harness.traces.durations import EARLY_S
from harness.traces.lifecycles import Lifecycle, Lifecycles, active, ready
from harness.traces.trace import Change


def _ordinal(life: Lifecycle) -> int:
    return int(life.name.rpartition("-")[2])


def _steps(lifecycles: Lifecycles) -> Iterator[tuple[Lifecycle, Change, RolloutSpec]]:
    """The changes of an ordered StatefulSet's pods."""
    if lifecycles.workload is None or lifecycles.workload.kind != "StatefulSet":
        return
    for life, change in lifecycles.merged("Pod"):
        spec = lifecycles.spec_at(change.place)
        if spec is not None and life.name.rpartition("-")[2].isdecimal():
            yield life, change, spec


def _now(lifecycles: Lifecycles, change: Change) -> dict[int, tuple[Lifecycle, Change]]:
    """The pod of each ordinal that is there at that place."""
    states = ((pod, pod.at(change.place)) for pod in lifecycles.of("Pod"))
    return {_ordinal(pod): (pod, state) for pod, state in states if state is not None}


def _created_in_order(lifecycles: Lifecycles) -> Iterator[str]:
    for life, change, spec in _steps(lifecycles):
        if change is not life.first or not life.born or not spec.ordered:
            continue
        pods = _now(lifecycles, change)
        for lower in range(spec.first, _ordinal(life)):
            if lower not in pods or not ready(pods[lower][1]) or not active(pods[lower][1]):
                yield f"{change.t:.2f} s: {life.name} is created while ordinal {lower} is not Ready"


def _one_at_a_time(lifecycles: Lifecycles) -> Iterator[str]:
    for life, change, spec in _steps(lifecycles):
        if change is not life.deleting:
            continue
        for ordinal, (pod, state) in _now(lifecycles, change).items():
            if ordinal <= _ordinal(life) or ordinal >= spec.first + spec.replicas:
                continue
            since = pod.since(ready)
            waited = since is not None and change.t - since.t >= spec.min_ready_s - EARLY_S
            if not ready(state) or not active(state) or not waited or (pod.revision or 0) <= (life.revision or 0):
                yield f"{change.t:.2f} s: {life.name} is deleted while {pod.name} is not updated and available"


def _partition_kept(lifecycles: Lifecycles) -> Iterator[str]:
    for life, change, spec in _steps(lifecycles):
        if change is life.deleting and _ordinal(life) < spec.first + spec.partition:
            yield f"{change.t:.2f} s: {life.name} is deleted, below partition {spec.partition}"


def _name_free_first(lifecycles: Lifecycles) -> Iterator[str]:
    last: dict[str, Lifecycle] = {}
    for life, change, _ in _steps(lifecycles):
        earlier = last.get(life.name)
        if change is life.first and earlier is not None and (earlier.gone is None or earlier.gone.place > change.place):
            yield f"{change.t:.2f} s: {life.name} is created while the one before is there"
        last[life.name] = life


INVARIANTS: dict[str, Callable[[Lifecycles], Iterator[str]]] = {
    "a StatefulSet creates its pods in order, each when those below are Ready": _created_in_order,
    "a StatefulSet replaces one pod at a time, from the highest ordinal": _one_at_a_time,
    "a StatefulSet leaves ordinals below its partition alone": _partition_kept,
    "a StatefulSet's pod comes back only when the one before is gone": _name_free_first,
}
