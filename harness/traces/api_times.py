"""The times that the API keeps in its objects, in whole seconds -> the latest moment on the trace's own clock that they
allow.

A watch tells of a change some time after it; the object itself says when it was, but only to the second. Both together
say it better than each alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.traces.trace import Change, Trace

_RESOLUTION_S = 1.0


def latest_offset_s(trace: Trace) -> float:
    """What is added to a time of the API at most to have it on the trace's clock; infinity where no object has a time.

    Nothing is seen before it happened, so the smallest distance of all is an upper bound, and a close one where many
    were seen: some of them happened just after a full second and were told of at once.
    """
    return min((change.t - told for change in trace.changes for told in _times(change)), default=inf)


def began_at_latest(change: Change, condition: str, offset_s: float) -> float:
    """When the condition became what it is in that change, at the latest: as seen, or as the API tells."""
    told = _seconds(change.condition(condition).get("lastTransitionTime"))
    return change.t if told is None else min(change.t, told + _RESOLUTION_S + offset_s)


def _times(change: Change) -> Iterator[float]:
    told = [change.object["metadata"].get("creationTimestamp")]
    told += [condition.get("lastTransitionTime") for condition in change.status.get("conditions") or ()]
    yield from (at for at in map(_seconds, told) if at is not None)


def _seconds(told: str | None) -> float | None:
    """What the API says when it was; nothing where it does not, or where that is no time."""
    try:
        return datetime.fromisoformat(told).timestamp() if told else None
    except (ValueError, OverflowError):
        return None
