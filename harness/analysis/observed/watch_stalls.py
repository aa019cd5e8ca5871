"""Watch events, the times that they carry themselves and the harness's beats -> when the watch stood still.

What the API server, controllers and kubelets write carries whole seconds, rounded down. So an event arrives up to one
second, and the watch's own delay, after the newest time that is new in it. Events of different moments that arrive in
one burst, later than that, were held up. The clocks need not agree: the earliest event of the run shows how they stand.
Where it was the harness itself that stood still, its `stall` mark says so, to the tenth of a second.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, pairwise
from operator import attrgetter
from typing import Any

from harness.analysis.observed.lateness import RELIST_S
from harness.analysis.observed.node_clocks import PRESENT_S, moment_of, node_of, states_times
from harness.model.observation import MarkType, Observation

RESOLUTION_S = 1.0
"""That of the times which the API shows."""

STILL_S = 0.5
"""What is late by more than this beyond the resolution was held up (measured: 0.03 s; 0.3 s where CPU is short)."""

BURST_S = 0.3
"""What was held up arrives within this time of each other."""

BACKLOG_S = 0.5
"""What waited while the harness stood still is taken in within this time after."""

API_SERVER = ""
"""Whose clock it is where it is no node's."""

BY_OTHERS = ("PodScheduled", "DisruptionTarget")
"""Conditions of a pod that its kubelet does not write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """One time in which the watch of a kind showed nothing: what arrived by `end` happened at any time since `start`.

    `late_s`: how late the most belated event was, at least. `by_harness`: it was the harness that stood still, so that
    this holds of every kind.
    """

    kind: str
    start: float
    end: float
    late_s: float
    by_harness: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchStalls:
    """All times in which a watch stood still."""

    stalls: tuple[Stall, ...] = ()

    def earliest(self, kind: str, t: float) -> float:
        """When what the watch of a kind showed at `t` can have happened at the earliest."""
        return min((one.start for one in self.stalls if one.kind == kind and one.start <= t <= one.end), default=t)

    def slack(self, kind: str, t: float) -> float:
        """How much earlier than it was shown, or later than it can have happened, something may be."""
        return max(
            (one.end - one.start for one in self.stalls if one.kind == kind and one.start <= t <= one.end), default=0.0
        )

    @property
    def of_harness(self) -> tuple[Stall, ...]:
        """When the harness stood still, each time once."""
        return tuple({one.end: one for one in self.stalls if one.by_harness}.values())

    def unsure(self, *moments: float | None) -> bool:
        """Whether one of these moments is only when the harness, which had stood still, took in what was shown."""
        known = [t for t in moments if t is not None]
        return any(one.start <= t <= one.end for one in self.stalls if one.by_harness for t in known)


ALWAYS_ON = WatchStalls()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrival:
    """An event by its arrival `t`, and the newest time that is new in it, on the run's clock as if clocks agreed."""

    t: float
    own: float | None

    @property
    def late_s(self) -> float | None:
        """How late it is if clocks agree; None where nothing tells."""
        return self.t - self.own if self.own is not None else None


def watch_stalls(t0_wall: float, timeline: Iterable[Observation]) -> WatchStalls:
    """When the watch of each kind stood still. Events of kind Event are left out: their senders hold them up."""
    events = tuple(timeline)
    own = standstills(events)
    held = _held_up(t0_wall, events) if t0_wall > 0 else ()
    return WatchStalls(stalls=(*own.stalls, *(one for one in held if not _is_told(one, own.stalls))))


def standstills(timeline: Iterable[Observation]) -> WatchStalls:
    """When the harness stood still, by its own marks."""
    events = tuple(timeline)
    kinds = sorted({seen.kind for seen in events} - {"Mark"})
    marks = (seen.object for seen in events if seen.kind == "Mark" and seen.type == MarkType.STALL)
    spans = [span for mark in marks if (span := _span(mark)) is not None]
    return WatchStalls(
        stalls=tuple(
            Stall(kind=kind, start=start, end=end + BACKLOG_S, late_s=late_s, by_harness=True)
            for start, end, late_s in spans
            for kind in kinds
        )
    )


def _span(mark: dict[str, Any]) -> tuple[float, float, float] | None:
    """Start, end and how late things were taken in; None where a mark does not say."""
    start, end, asleep_s = (mark.get(name, 0.0) for name in ("start", "end", "asleep_s"))
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in (start, end, asleep_s)):
        return None
    return (start, end, end - start + asleep_s) if start <= end else None


def _is_told(held: Stall, marked: Sequence[Stall]) -> bool:
    """Whether what arrived in a burst did so because the harness stood still."""
    spare_s = RESOLUTION_S + STILL_S
    return any(
        one.kind == held.kind and one.start - spare_s <= held.start and one.start <= held.end <= one.end + BURST_S
        for one in marked
    )


def _held_up(t0_wall: float, timeline: Iterable[Observation]) -> tuple[Stall, ...]:
    """When the watch of each kind stood still, by the times that its events carry."""
    kinds = _arrivals(_told(t0_wall, timeline))
    late = [late_s for arrivals in kinds.values() for one in arrivals if (late_s := one.late_s) is not None]
    if not late:
        return ()
    offset_s = min(late)
    found = [stall for kind, arrivals in kinds.items() for stall in _of_kind(kind, arrivals, offset_s)]
    return (*found, *_others(found, kinds))


def _others(found: Sequence[Stall], kinds: Mapping[str, Sequence[_Arrival]]) -> Iterator[Stall]:
    """The other kinds that showed nothing meanwhile either: endpoints carry no times of their own."""
    told = {stall.kind for stall in found}
    for kind in kinds.keys() - told:
        moments = [one.t for one in kinds[kind]]
        for stall in found:
            before = [t for t in moments if t <= stall.end - BURST_S]
            if before and before[-1] < stall.end - stall.late_s:
                yield replace(stall, kind=kind, start=max(stall.start, before[-1]))


_Told = tuple[float, tuple[tuple[str, float], ...]]
"""When an event arrived, and each time that is new in it: by whose clock, and on the run's if that one agreed."""


def _arrivals(told: Mapping[str, Sequence[_Told]]) -> dict[str, list[_Arrival]]:
    """By kind its events in the order of their arrival. A node whose clock is not in step with the API server's has its
    times put right by its least belated event."""
    late: dict[str, float] = {}
    for arrived, fresh in chain.from_iterable(told.values()):
        for clock, moment in fresh:
            late[clock] = min(arrived - moment, late.get(clock, math.inf))
    apart = {clock: late_s - late.get(API_SERVER, late_s) for clock, late_s in late.items()}
    shift = {clock: apart_s if abs(apart_s) > RESOLUTION_S else 0.0 for clock, apart_s in apart.items()}
    return {
        kind: [
            _Arrival(t=arrived, own=max((moment + shift[clock] for clock, moment in fresh), default=None))
            for arrived, fresh in events
        ]
        for kind, events in told.items()
    }


def _told(t0_wall: float, timeline: Iterable[Observation]) -> dict[str, list[_Told]]:
    """By kind what its events told; what was there before, and what a new list shows, has no time of its own."""
    found: dict[str, list[_Told]] = {}
    known: dict[tuple[str, str], set[tuple[str, str]]] = {}
    relisted = float("-inf")
    for seen in sorted(timeline, key=attrgetter("t")):
        if seen.kind == "Mark":
            relisted = seen.t + RELIST_S if seen.type == MarkType.GAP else relisted
            continue
        if seen.kind == "Event":
            continue
        events = found.setdefault(seen.kind, [])
        metadata = seen.object.get("metadata") or {}
        before = known.setdefault((seen.kind, str(metadata.get("uid") or metadata.get("name"))), set())
        times = set(_times(seen.object))
        first = events[0][0] if events else seen.t
        listed = seen.t <= first + PRESENT_S or seen.t <= relisted or (seen.type == "ADDED" and not _is_new(seen))
        known_at = ((clock, moment_of(text)) for clock, text in (set() if listed else times - before))
        events.append((seen.t, tuple((clock, at - t0_wall) for clock, at in known_at if at is not None)))
        before |= times
    return found


def _is_new(seen: Observation) -> bool:
    """Whether what was added was just made; an object that begins to match a selector is added too."""
    return seen.kind != "Pod" or (seen.object.get("status") or {}).get("phase") in (None, "Pending")


def _times(object_: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """By whose clock, and the times at which something was done to an object; one at which something is to be is none
    of them. A pod's conditions and states are its kubelet's, all else has the clock of the API server and its like."""
    metadata, status, node = object_.get("metadata") or {}, object_.get("status") or {}, node_of(object_)
    yield API_SERVER, metadata.get("creationTimestamp") or ""
    if asked := moment_of(metadata.get("deletionTimestamp") or ""):
        grace = timedelta(seconds=float(metadata.get("deletionGracePeriodSeconds") or 0))
        yield API_SERVER, (datetime.fromtimestamp(asked).astimezone() - grace).isoformat()
    for condition in status.get("conditions") or ():
        by = API_SERVER if condition.get("type") in BY_OTHERS else node
        yield by, condition.get("lastTransitionTime") or ""
    for text in states_times(object_):
        yield node, text


def _of_kind(kind: str, arrivals: Sequence[_Arrival], offset_s: float) -> Iterator[Stall]:
    """The bursts of one kind. A watch keeps the order: what is older than the event before was late at its sender."""
    before = float("-inf")
    for burst in _bursts(arrivals):
        earliest = before - offset_s - RESOLUTION_S
        held = [(one.t, one.own) for one in burst if one.own is not None and one.own >= earliest]
        own = [moment for _, moment in held]
        if held and max(own) - min(own) >= RESOLUTION_S:
            late_s = max(t - moment for t, moment in held) - offset_s - RESOLUTION_S
            if late_s > STILL_S:
                start = max(before, min(own) + offset_s - RESOLUTION_S)
                yield Stall(kind=kind, start=start, end=burst[-1].t, late_s=late_s)
        before = burst[-1].t


def _bursts(arrivals: Sequence[_Arrival]) -> Iterator[list[_Arrival]]:
    """The events that arrived together."""
    burst = list(arrivals[:1])
    for before, one in pairwise(arrivals):
        if one.t - before.t > BURST_S:
            yield burst
            burst = []
        burst.append(one)
    if burst:
        yield burst
