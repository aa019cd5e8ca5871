"""A trace -> the lifecycles of its objects under names that are the same in every run, and their milestones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from harness.spec.rolling import RolloutSpec, rollout_spec
from harness.spec.workload import WORKLOAD_KINDS
from harness.traces.stable_names import StableNames, stable_names
from harness.traces.trace import Change, MarkType, Object, Trace

_TERMINAL = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """One object from its first change to its last. `revision`: of its pod template, None where it has none."""

    kind: str
    name: str
    revision: int | None
    changes: tuple[Change, ...]

    @property
    def first(self) -> Change:
        """How it was when it was seen first."""
        return self.changes[0]

    @property
    def born(self) -> bool:
        """Whether it was seen from its beginning, and not listed because it was there already."""
        return not self.first.spec.get("nodeName") and "observedGeneration" not in self.first.status

    @property
    def spec(self) -> Object:
        """Its spec when it was seen first."""
        return self.first.spec

    def at(self, place: float) -> Change | None:
        """How it was at that place of the trace; None before it was there and after it was gone."""
        latest = None
        for change in self.changes:
            if change.place > place:
                break
            latest = change
        return None if latest is None or latest.gone else latest

    def since(self, holds: Callable[[Change], bool]) -> Change | None:
        """The first change in which that holds."""
        return next((change for change in self.changes if holds(change)), None)

    @property
    def deleting(self) -> Change | None:
        """When its deletion had been asked for."""
        return self.since(lambda change: change.deleting)

    @property
    def gone(self) -> Change | None:
        """When it was gone."""
        return self.since(lambda change: change.gone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycles:
    """What a trace tells. `cut`: what comes at or after this place belongs to the deletion of everything at the end."""

    trace: Trace
    names: StableNames
    all: tuple[Lifecycle, ...]
    cut: float

    def of(self, *kinds: str) -> tuple[Lifecycle, ...]:
        """Those of these kinds, in order of appearance."""
        return tuple(life for life in self.all if life.kind in kinds)

    @property
    def workload(self) -> Lifecycle | None:
        """The Deployment or StatefulSet that is rolled."""
        return next(iter(self.of(*WORKLOAD_KINDS)), None)

    def spec_at(self, place: float) -> RolloutSpec | None:
        """What the workload's spec said about its rollouts at that place; None where there was none."""
        now = self.workload.at(place) if self.workload else None
        return rollout_spec(now.kind, now.spec) if now else None

    def merged(self, *kinds: str) -> Iterator[tuple[Lifecycle, Change]]:
        """All changes of these kinds before the cut, in order."""
        pairs = ((life, change) for life in self.of(*kinds) for change in life.changes if change.place < self.cut)
        return iter(sorted(pairs, key=lambda pair: pair[1].place))


def lifecycles(trace: Trace) -> Lifecycles:
    """The lifecycles of a trace's objects."""
    known = stable_names(trace.changes)
    by_uid: dict[str, list[Change]] = {}
    for change in trace.changes:
        by_uid.setdefault(change.uid, []).append(change)
    every = tuple(_lifecycle(tuple(changes), known) for changes in by_uid.values())
    return Lifecycles(trace=trace, names=known, all=every, cut=_cut(trace))


def _lifecycle(changes: tuple[Change, ...], known: StableNames) -> Lifecycle:
    first = changes[0]
    revision = known.revision(first.object)
    return Lifecycle(kind=first.kind, name=known.of(first.object), revision=revision, changes=changes)


def _cut(trace: Trace) -> float:
    """Where the end begins: a recorder may write its mark before it deletes, or after."""
    marked = min((mark.t for mark in trace.marked(MarkType.DELETE)), default=float("inf"))
    after = (change.place for change in trace.changes if change.t >= marked)
    deleted = (c.place for c in trace.changes if c.kind in WORKLOAD_KINDS and (c.gone or c.deleting))
    return min((*after, *deleted), default=float("inf"))


def running(change: Change) -> bool:
    """Whether a container of the pod runs."""
    return any("running" in (container.get("state") or {}) for container in containers(change))


def ended(change: Change) -> bool:
    """Whether all containers of the pod have ended for good."""
    if change.status.get("phase") in _TERMINAL:
        return True
    found = containers(change)
    return change.deleting and bool(found) and all("terminated" in (c.get("state") or {}) for c in found)


def ready(change: Change) -> bool:
    """Whether the pod is Ready."""
    return change.holds("Ready")


def active(change: Change | None) -> bool:
    """Whether the pod counts for its controller: there, not in deletion, and not at its end."""
    return change is not None and not (change.gone or change.deleting or change.status.get("phase") in _TERMINAL)


def containers(change: Change) -> Iterable[Object]:
    """The statuses of the pod's containers."""
    return change.status.get("containerStatuses") or ()


def endpoints(change: Change) -> dict[str, Object]:
    """The conditions of a slice's endpoints by the uid of their pod."""
    if change.gone:
        return {}
    found = change.object.get("endpoints") or ()
    return {str(e["targetRef"]["uid"]): e for e in found if (e.get("targetRef") or {}).get("uid")}
