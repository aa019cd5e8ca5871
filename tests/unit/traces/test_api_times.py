"""What the API's whole seconds add to what a watch saw."""

from __future__ import annotations

from datetime import UTC, datetime
from math import inf
from typing import Any

from harness.traces.api_times import began_at_latest, latest_offset_s
from harness.traces.trace import Change, ChangeType, Trace

ZERO = datetime(2026, 3, 1, 12, 0, 0, 300_000, tzinfo=UTC).timestamp()  # of the trace's clock


def whole(t: float) -> str:
    """That moment of the trace as the API keeps it."""
    return datetime.fromtimestamp(int(ZERO + t), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def pod(seen: float, created: float, became_ready: float | None = None) -> Change:
    conditions = [] if became_ready is None else [{"type": "Ready", "lastTransitionTime": whole(became_ready)}]
    obj: dict[str, Any] = {
        "metadata": {"creationTimestamp": whole(created)},
        "status": {"conditions": conditions},
    }
    return Change(t=seen, kind="Pod", type=ChangeType.MODIFIED, object=obj, place=seen)


def of(*changes: Change) -> Trace:
    return Trace(name="literal", changes=changes, marks=())


def test_what_is_told_late_began_when_the_api_says() -> None:
    late = pod(14.5, 3.0, became_ready=11.2)
    offset_s = latest_offset_s(of(pod(0.75, 0.72), pod(3.0, 3.0), late))
    assert -ZERO <= offset_s <= -ZERO + 0.1
    assert 11.2 <= began_at_latest(late, "Ready", offset_s) <= 12.2


def test_what_is_told_at_once_began_when_it_was_seen() -> None:
    prompt = pod(11.25, 3.0, became_ready=11.2)
    assert began_at_latest(prompt, "Ready", latest_offset_s(of(pod(0.75, 0.72), prompt))) == 11.25


def test_objects_without_times_leave_what_was_seen() -> None:
    bare = Change(t=4.0, kind="Pod", type=ChangeType.ADDED, object={"metadata": {}}, place=1)
    assert latest_offset_s(of(bare)) == inf
    assert began_at_latest(bare, "Ready", inf) == 4.0
