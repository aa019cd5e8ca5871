"""A history -> what is comparable about it: facts by section and name, without hashes, addresses, times and chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median

from harness.traces.durations import spans
from harness.traces.events import event_lines
from harness.traces.invariants import broken
from harness.traces.lifecycles import WORKLOADS, History, Life
from harness.traces.replica_counts import numbers_told, replica_steps, slice_lines, status_lines
from harness.traces.trace import MarkType, Object
from harness.traces.transitions import Lines, condition_states, endpoint_states, pod_states


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
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


Facts = dict[str, dict[str, Fact]]
"""Section -> name -> fact."""


@dataclass(slots=True)
class _Group:
    """Lives that bear the same name, told as often as they occur."""

    lives: Counter[Lines] = field(default_factory=Counter)

    def lines(self) -> Lines:
        """The lives, the most frequent first."""
        told = sorted(self.lives.items(), key=lambda item: (-item[1], item[0]))
        if len(told) == 1:
            return told[0][0] if told[0][1] == 1 else (f"{told[0][1]} times:", *told[0][0])
        return tuple(line for lines, times in told for line in (f"{times} times:", *lines))


def facts(history: History) -> Facts:
    """All facts of a history."""
    return {
        "What was done": dict(_marks(history)),
        "Objects": dict(_objects(history)),
        "Workload": dict(_workload(history)),
        "ReplicaSets": dict(_replica_sets(history)),
        "Pods": _grouped(history, pod_states(history.of("Pod"))),
        "Endpoints": _grouped(history, _endpoints(history)) | dict(_slices(history)),
        "Events": {name: Fact(lines=lines) for name, lines in event_lines(history).items()},
        "Orders": {sentence: _order(breaks) for sentence, breaks in broken(history).items()},
        "Durations (s, median)": dict(_durations(history)),
        "Fields": dict(_fields(history)),
    }


def _marks(history: History) -> Iterator[tuple[str, Fact]]:
    marks = history.trace.marks
    if marks:
        yield "marks", Fact(lines=(" > ".join(mark.type for mark in marks),), optional=True)
        yield "at", Fact(lines=(" ".join(f"{mark.t:.1f}" for mark in marks),), binding=False, optional=True)


def _objects(history: History) -> Iterator[tuple[str, Fact]]:
    counts = Counter((life.kind, life.name) for life in history.lives if life.kind != "Event")
    gone = Counter((life.kind, life.name) for life in history.lives if life.gone)
    for (kind, name), count in sorted(counts.items()):
        if kind != "ControllerRevision":
            yield f"{kind} {name}", Fact(lines=(f"{count}, {gone[kind, name]} of them gone in the end",))
    revisions = tuple(sorted(name for kind, name in counts if kind == "ControllerRevision"))
    if revisions:
        yield "ControllerRevisions", Fact(lines=revisions, optional=True)  # not all recorders watch them


def _checkpoints(history: History) -> Iterator[tuple[str, float]]:
    """Where everything had come to rest: before the first update, and before the end."""
    reached = history.trace.marked(MarkType.CREATED_COMPLETE)
    updates = [mark for mark in history.trace.marked(MarkType.UPDATE) if reached and mark.t > reached[0].t]
    if updates:
        yield "before the update", _place(history, updates[0].t)
    if history.trace.marked(MarkType.PODS_SETTLED):
        yield "at rest in the end", history.cut - 0.25


def _place(history: History, t: float) -> float:
    return max((change.place for change in history.trace.changes if change.t < t), default=0.0)


def _workload(history: History) -> Iterator[tuple[str, Fact]]:
    for life in history.of(*WORKLOADS):
        kinds = dict.fromkeys(c["type"] for change in life.changes for c in change.status.get("conditions") or ())
        for kind in sorted(kinds):
            yield f"{life.kind} {life.name} {kind}", Fact(lines=condition_states(life, kind, history.cut))
        yield f"{life.kind} {life.name} numbers", Fact(lines=numbers_told(life, history.cut))
    for when, place in _checkpoints(history):
        for life in history.of(*WORKLOADS):
            yield f"{life.kind} {life.name} {when}", Fact(lines=status_lines(life, place, history.names))


def _replica_sets(history: History) -> Iterator[tuple[str, Fact]]:
    sets = sorted(history.of("ReplicaSet"), key=lambda life: life.revision or 0)
    for life in sets:
        promise = history.promise(life.first.place)
        certain = promise is not None and promise.steps_are_certain
        yield f"{life.name} size", Fact(lines=replica_steps(life, history.cut, certain=certain))
        yield f"{life.name} numbers", Fact(lines=numbers_told(life, history.cut))
    for when, place in _checkpoints(history):
        for life in sets:
            yield f"{life.name} {when}", Fact(lines=status_lines(life, place, history.names))


def _endpoints(history: History) -> Iterator[tuple[Life, Lines]]:
    slices = history.of("EndpointSlice")
    for pod in history.of("Pod"):
        lines = endpoint_states(pod, slices, history.cut)
        if lines:
            yield pod, lines


def _slices(history: History) -> Iterator[tuple[str, Fact]]:
    for when, place in _checkpoints(history):
        yield f"EndpointSlices {when}", Fact(lines=slice_lines(history.of("EndpointSlice"), place))


def _grouped(history: History, lives: Iterable[tuple[Life, Lines]]) -> dict[str, Fact]:
    """By name; a StatefulSet's pods, of which there is one at a time, by revision too."""
    groups: dict[str, _Group] = {}
    for life, lines in lives:
        name = life.name if life.name.endswith("*") or life.revision is None else f"{life.name} (r{life.revision})"
        groups.setdefault(name, _Group()).lives[lines] += 1
    return {name: Fact(lines=group.lines()) for name, group in sorted(groups.items())}


def _order(breaks: Lines) -> Fact:
    if not breaks:
        return Fact(lines=("holds",))
    more = (f"and {len(breaks) - 3} more",) if len(breaks) > 3 else ()
    return Fact(lines=("broken", *breaks[:3], *more), value="broken")


def _durations(history: History) -> Iterator[tuple[str, Fact]]:
    for what, values in spans(history).items():
        line = f"{median(values):.2f}  ({min(values):.2f} to {max(values):.2f}, {len(values)} seen)"
        yield what, Fact(lines=(line,), seconds=median(values), optional=True)


def _fields(history: History) -> Iterator[tuple[str, Fact]]:
    """Every field that any object of a kind ever had: where they differ, a client may miss one."""
    for kind in sorted({life.kind for life in history.lives}):
        paths = {path for life in history.of(kind) for change in life.changes for path in _paths(change.object)}
        yield kind, Fact(lines=tuple(sorted(paths)), binding=False, optional=True)


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
