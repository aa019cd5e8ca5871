"""run.json and the timeline's marks -> the control window and one window a rollout."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from harness.model.observation import MarkType, Observation
from harness.model.run import RolloutMarks, RunInfo

CONTROL, OUTSIDE = -1, -2
"""The positions of the control window, and of what lies in no window; a rollout's is its place among the rollouts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One rollout: requests scheduled in [update, end) belong to it. `undone`: it was taken back half-way; `by`: the
    field manager of whoever made it, where others did."""

    rollout: int
    update: float
    complete: float | None
    settled: float | None
    end: float
    undone: bool = False
    by: str = ""

    @property
    def number(self) -> int:
        """The rollout's number for people, who count from 1; files count from 0."""
        return self.rollout + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """When nothing was done to the application (`control`), and when it was rolled. Seconds on the run's clock."""

    control: tuple[float, float] | None
    rollouts: tuple[Span, ...]
    end: float

    @property
    def updates(self) -> tuple[float, ...]:
        """When each rollout was triggered, ascending."""
        return tuple(span.update for span in self.rollouts)

    def at(self, t: float) -> Span | None:
        """The rollout in whose window `t` lies."""
        at = bisect_right(self.rollouts, t, key=attrgetter("update"))
        return self.rollouts[at - 1] if at else None

    def positions(self, moments: NDArray[np.float64]) -> NDArray[np.int64]:
        """The window in which each moment lies: a rollout's position, `CONTROL`, or `OUTSIDE` of both."""
        at = np.searchsorted(np.asarray(self.updates, dtype=np.float64), moments, side="right") - 1
        if self.control is None:
            return np.where(at < 0, OUTSIDE, at)
        start, end = self.control
        return np.where((at < 0) & ((moments < start) | (moments >= end)), OUTSIDE, at)


def windows(info: RunInfo, timeline: Iterable[Observation], first: float, last: float) -> Windows:
    """The windows of a run whose requests were scheduled from `first` to `last`.

    Where run.json lags behind the timeline (it is replaced at every change, a kill comes in between), the marks win.
    Without a control window on record, it is the time from the first request to the first update.
    """
    marks = [seen for seen in timeline if seen.kind == "Mark"]
    rollouts = _rollouts(info, marks)
    undone = {_position(rollouts, mark.t) for mark in marks if mark.type == MarkType.UNDO}
    known = (moment for r in rollouts for moment in (r.update, r.complete, r.settled) if moment is not None)
    ends = [*(marks_.update for marks_ in rollouts[1:]), float("inf")]
    spans = tuple(
        Span(
            rollout=r.rollout,
            update=r.update,
            complete=r.complete,
            settled=r.settled,
            end=ends[at],
            undone=at in undone,
            by=r.by or "",
        )
        for at, r in enumerate(rollouts)
    )
    return Windows(control=_control(info, marks, first, spans), rollouts=spans, end=max([last, *known]))


def _rollouts(info: RunInfo, marks: list[Observation]) -> list[RolloutMarks]:
    """The rollouts by when they were triggered, with what the marks say of each."""
    known = {rollout.rollout: rollout for rollout in info.rollouts}
    updates = (mark for mark in marks if mark.type == MarkType.UPDATE)
    for place, mark in enumerate(updates):
        said = mark.object.get("rollout")
        number = said if isinstance(said, int) else place
        before = known.get(number, RolloutMarks(rollout=number, update=mark.t))
        by = mark.object.get("by")
        known[number] = replace(before, update=mark.t, by=by if isinstance(by, str) else before.by)
    ordered = sorted(known.values(), key=lambda rollout: (rollout.update, rollout.rollout))
    for mark in marks:
        at = _position(ordered, mark.t)
        if at is not None:
            ordered[at] = _marked(ordered[at], mark)
    return ordered


def _marked(rollout: RolloutMarks, mark: Observation) -> RolloutMarks:
    """The rollout with what one more mark says of it."""
    if mark.type == MarkType.COMPLETE:
        return replace(rollout, complete=mark.t)
    if mark.type == MarkType.SETTLED:
        return replace(rollout, settled=mark.t)
    return rollout


def _position(rollouts: Sequence[RolloutMarks], t: float) -> int | None:
    """The rollout that was the last to be triggered by `t`."""
    return bisect_right(rollouts, t, key=attrgetter("update")) - 1 if rollouts and rollouts[0].update <= t else None


def _control(
    info: RunInfo, marks: list[Observation], first: float, spans: tuple[Span, ...]
) -> tuple[float, float] | None:
    on_record = info.control or (first, None)
    start = _first(marks, MarkType.CONTROL_START, on_record[0])
    end = _first(marks, MarkType.CONTROL_END, on_record[1])
    if spans:
        end = spans[0].update if end is None else min(end, spans[0].update)
    if start is None or end is None or end <= start:
        return None
    return start, end


def _first(marks: list[Observation], kind: MarkType, otherwise: float | None) -> float | None:
    """When the first mark of that kind came."""
    return next((mark.t for mark in marks if mark.type == kind), otherwise)
