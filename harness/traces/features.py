"""Lifecycles -> what is comparable about a trace: by section and name, without hashes, addresses, times and chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median

from harness.spec.workload import WORKLOAD_KINDS
from harness.traces.durations import durations
from harness.traces.events import event_lines
from harness.traces.invariants import broken
from harness.traces.lifecycles import Lifecycle, Lifecycles
from harness.traces.replica_counts import counts_told, scaling_steps, slice_lines, status_lines
from harness.traces.trace import MarkType, Object
from harness.traces.transitions import Lines, condition_transitions, endpoint_transitions, pod_transitions


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One thing that a trace shows.

    `lines`: as people read it. `binding`: whether it must be the same in every run. `optional`: whether a run that does
    not show it at all tells nothing. `value`: what is compared where that is not the lines. `seconds`: a median, which
    is compared within the tolerance.
    """

    lines: Lines
    binding: bool = True
    optional: bool = False
    value: str | None = None
    seconds: float | None = None


Features = dict[str, dict[str, Feature]]
"""Section -> name -> feature."""


@dataclass(slots=True)
class _Group:
    """What the objects of one name went through, told as often as it occurs."""

    seen: Counter[Lines] = field(default_factory=Counter)

    def lines(self) -> Lines:
        """What they went through, the most frequent first."""
        told = sorted(self.seen.items(), key=lambda item: (-item[1], item[0]))
        if len(told) == 1:
            return told[0][0] if told[0][1] == 1 else (f"{told[0][1]} times:", *told[0][0])
        return tuple(line for lines, times in told for line in (f"{times} times:", *lines))


def features(lifecycles: Lifecycles) -> Features:
    """All features of a trace."""
    return {
        "What was done": dict(_marks(lifecycles)),
        "Objects": dict(_objects(lifecycles)),
        "Workload": dict(_workload(lifecycles)),
        "ReplicaSets": dict(_replica_sets(lifecycles)),
        "Pods": _grouped(lifecycles, pod_transitions(lifecycles.of("Pod"))),
        "Endpoints": _grouped(lifecycles, _endpoints(lifecycles)) | dict(_slices(lifecycles)),
        "Events": {name: Feature(lines=lines) for name, lines in event_lines(lifecycles).items()},
        "Orders": {sentence: _order(breaks) for sentence, breaks in broken(lifecycles).items()},
        "Durations (s, median)": dict(_durations(lifecycles)),
        "Fields": dict(_fields(lifecycles)),
    }


def _marks(lifecycles: Lifecycles) -> Iterator[tuple[str, Feature]]:
    marks = lifecycles.trace.marks
    if marks:
        yield "marks", Feature(lines=(" > ".join(mark.type for mark in marks),), optional=True)
        yield "at", Feature(lines=(" ".join(f"{mark.t:.1f}" for mark in marks),), binding=False, optional=True)


def _objects(lifecycles: Lifecycles) -> Iterator[tuple[str, Feature]]:
    counts = Counter((life.kind, life.name) for life in lifecycles.all if life.kind != "Event")
    gone = Counter((life.kind, life.name) for life in lifecycles.all if life.gone)
    for (kind, name), count in sorted(counts.items()):
        if kind != "ControllerRevision":
            yield f"{kind} {name}", Feature(lines=(f"{count}, {gone[kind, name]} of them gone in the end",))
    revisions = tuple(sorted(name for kind, name in counts if kind == "ControllerRevision"))
    if revisions:
        yield "ControllerRevisions", Feature(lines=revisions, optional=True)  # not all recorders watch them


def _checkpoints(lifecycles: Lifecycles) -> Iterator[tuple[str, float]]:
    """Where everything had come to rest: before the first update, and before the end."""
    reached = lifecycles.trace.marked(MarkType.CREATED_COMPLETE)
    updates = [mark for mark in lifecycles.trace.marked(MarkType.UPDATE) if reached and mark.t > reached[0].t]
    if updates:
        yield "before the update", _place(lifecycles, updates[0].t)
    if lifecycles.trace.marked(MarkType.PODS_SETTLED):
        yield "at rest in the end", lifecycles.cut - 0.25


def _place(lifecycles: Lifecycles, t: float) -> float:
    return max((change.place for change in lifecycles.trace.changes if change.t < t), default=0.0)


def _workload(lifecycles: Lifecycles) -> Iterator[tuple[str, Feature]]:
    for life in lifecycles.of(*WORKLOAD_KINDS):
        kinds = dict.fromkeys(c["type"] for change in life.changes for c in change.status.get("conditions") or ())
        for kind in sorted(kinds):
            yield f"{life.kind} {life.name} {kind}", Feature(lines=condition_transitions(life, kind, lifecycles.cut))
        yield f"{life.kind} {life.name} numbers", Feature(lines=counts_told(life, lifecycles.cut))
    for when, place in _checkpoints(lifecycles):
        for life in lifecycles.of(*WORKLOAD_KINDS):
            yield f"{life.kind} {life.name} {when}", Feature(lines=status_lines(life, place, lifecycles.names))


def _replica_sets(lifecycles: Lifecycles) -> Iterator[tuple[str, Feature]]:
    sets = sorted(lifecycles.of("ReplicaSet"), key=lambda life: life.revision or 0)
    for life in sets:
        spec = lifecycles.spec_at(life.first.place)
        certain = spec is not None and spec.steps_are_certain
        yield f"{life.name} size", Feature(lines=scaling_steps(life, lifecycles.cut, certain=certain))
        yield f"{life.name} numbers", Feature(lines=counts_told(life, lifecycles.cut))
    for when, place in _checkpoints(lifecycles):
        for life in sets:
            yield f"{life.name} {when}", Feature(lines=status_lines(life, place, lifecycles.names))


def _endpoints(lifecycles: Lifecycles) -> Iterator[tuple[Lifecycle, Lines]]:
    slices = lifecycles.of("EndpointSlice")
    for pod in lifecycles.of("Pod"):
        lines = endpoint_transitions(pod, slices, lifecycles.cut)
        if lines:
            yield pod, lines


def _slices(lifecycles: Lifecycles) -> Iterator[tuple[str, Feature]]:
    for when, place in _checkpoints(lifecycles):
        yield f"EndpointSlices {when}", Feature(lines=slice_lines(lifecycles.of("EndpointSlice"), place))


def _grouped(lifecycles: Lifecycles, objects: Iterable[tuple[Lifecycle, Lines]]) -> dict[str, Feature]:
    """By name; a StatefulSet's pods, of which there is one at a time, by revision too."""
    groups: dict[str, _Group] = {}
    for life, lines in objects:
        name = life.name if life.name.endswith("*") or life.revision is None else f"{life.name} (r{life.revision})"
        groups.setdefault(name, _Group()).seen[lines] += 1
    return {name: Feature(lines=group.lines()) for name, group in sorted(groups.items())}


def _order(breaks: Lines) -> Feature:
    if not breaks:
        return Feature(lines=("holds",))
    more = (f"and {len(breaks) - 3} more",) if len(breaks) > 3 else ()
    return Feature(lines=("broken", *breaks[:3], *more), value="broken")


def _durations(lifecycles: Lifecycles) -> Iterator[tuple[str, Feature]]:
    for what, values in durations(lifecycles).items():
        line = f"{median(values):.2f}  ({min(values):.2f} to {max(values):.2f}, {len(values)} seen)"
        yield what, Feature(lines=(line,), seconds=median(values), optional=True)


def _fields(lifecycles: Lifecycles) -> Iterator[tuple[str, Feature]]:
    """Every field that any object of a kind ever had: where they differ, a client may miss one."""
    for kind in sorted({life.kind for life in lifecycles.all}):
        paths = {path for life in lifecycles.of(kind) for change in life.changes for path in _paths(change.object)}
        yield kind, Feature(lines=tuple(sorted(paths)), binding=False, optional=True)


def _paths(value: object, at: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        fields: Object = value
        for key, inner in fields.items():
            yield from _paths(inner, f"{at}.{key}" if at else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner, f"{at}[]")
    else:
        yield at
