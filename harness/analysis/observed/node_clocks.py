"""Times that kubelets wrote, and when the watch showed them -> the nodes whose clocks cannot be trusted.

A kubelet writes by its node's clock when a container was started and when it ended. It cannot be shown before it was
written; and of all that a node wrote in a run the least belated was shown soon: within the second to which such times
are rounded down, the kubelet's next look at its containers, and the watch's own delay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import attrgetter
from typing import Any

from harness.model.observation import Observation

AHEAD_S = 0.5
"""So long before its own time nothing is shown where the clocks agree: those of one cluster are kept in step."""

BEHIND_S = 2.0
"""... and nothing of a node only so long after it: a second of rounding, and one of the kubelet (its PLEG's period)."""

PRESENT_S = 0.5
"""What the watch shows within this time of its first event was there before."""


def untrusted_nodes(t0_wall: float, timeline: Iterable[Observation]) -> frozenset[str]:
    """The nodes whose times the arrivals contradict."""
    found: dict[str, float] = {}
    for node, late_s in _lateness(t0_wall, timeline):
        found[node] = min(late_s, found.get(node, late_s))
    return frozenset(node for node, late_s in found.items() if not -AHEAD_S <= late_s <= BEHIND_S)


def _lateness(t0_wall: float, timeline: Iterable[Observation]) -> Iterator[tuple[str, float]]:
    """Of each time that is new in an event of a pod: its node, and how long after it the event arrived."""
    known: set[tuple[str, str]] = set()
    start: float | None = None
    for seen in sorted((seen for seen in timeline if seen.kind == "Pod"), key=attrgetter("t")):
        start = seen.t if start is None else start
        uid = str((seen.object.get("metadata") or {}).get("uid"))
        for text in states_times(seen.object):
            if (uid, text) in known:
                continue
            known.add((uid, text))
            moment = moment_of(text)
            if moment is not None and seen.t > start + PRESENT_S:
                yield node_of(seen.object), seen.t - (moment - t0_wall)


def node_of(pod: dict[str, Any]) -> str:
    """The node on which a pod runs; empty where it has none yet."""
    return str((pod.get("spec") or {}).get("nodeName") or "")


def states_times(object_: dict[str, Any]) -> Iterator[str]:
    """When containers were started and ended, now and the time before: by the clock of their node."""
    for container in (object_.get("status") or {}).get("containerStatuses") or ():
        for states in (container.get("state"), container.get("lastState")):
            for name in ("running", "terminated") if states else ():
                state = states.get(name) or {}
                yield from filter(None, (state.get("startedAt"), state.get("finishedAt")))


def moment_of(text: str) -> float | None:
    """Seconds since the epoch of a time as the API writes it; None where it is none."""
    try:
        return datetime.fromisoformat(text).timestamp() if text else None
    except ValueError:
        return None
