"""run.json and the timeline's marks -> the control window and one window a rollout."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.model.observation import MarkType, Observation
from harness.model.run import RolloutMarks, RunInfo

CONTROL, OUTSIDE = -1, -2
"""The positions of the control window, and of what lies in no window; a rollout's is its place among the rollouts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One rollout: requests scheduled in [update, end) belong to it. `undone`: it was taken back half-way."""

    rollout: int
    update: float
    complete: float | None
    settled: float | None
    end: float
    undone: bool = False


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
        return next((span for span in reversed(self.rollouts) if t >= span.update), None)

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
    rollouts, undone = _rollouts(info, marks)
    ends = [marks_.update for marks_ in rollouts[1:]]
    end = max([last, *(moment for r in rollouts for moment in (r.update, r.complete, r.settled) if moment is not None)])
    spans = tuple(
        Span(
            rollout=r.rollout,
            update=r.update,
            complete=r.complete,
            settled=r.settled,
            end=until,
            undone=r.rollout in undone,
        )
        for r, until in zip(rollouts, [*ends, float("inf")], strict=False)
    )
    return Windows(control=_control(info, marks, first, spans), rollouts=spans, end=end)


def _rollouts(info: RunInfo, marks: list[Observation]) -> tuple[list[RolloutMarks], set[int]]:
    known: dict[int, dict[str, float | None]] = {
        r.rollout: {"update": r.update, "complete": r.complete, "settled": r.settled} for r in info.rollouts
    }
    updates = [mark for mark in marks if mark.type == MarkType.UPDATE]
    for place, mark in enumerate(updates):
        number = mark.object.get("rollout")
        number = number if isinstance(number, int) else place
        known.setdefault(number, {"complete": None, "settled": None})["update"] = mark.t
    ordered = sorted((update, number) for number, moments in known.items() if (update := moments["update"]) is not None)
    undone: set[int] = set()
    for mark in marks:
        number = next((number for update, number in reversed(ordered) if update <= mark.t), None)
        if number is not None and mark.type in (MarkType.COMPLETE, MarkType.SETTLED):
            known[number][str(mark.type)] = mark.t
        elif number is not None and mark.type == MarkType.UNDO:
            undone.add(number)
    return [
        RolloutMarks(
            rollout=number, update=update, complete=known[number]["complete"], settled=known[number]["settled"]
        )
        for update, number in ordered
    ], undone


def _control(
    info: RunInfo, marks: list[Observation], first: float, spans: tuple[Span, ...]
) -> tuple[float, float] | None:
    start = next((mark.t for mark in marks if mark.type == MarkType.CONTROL_START), None)
    end = next((mark.t for mark in marks if mark.type == MarkType.CONTROL_END), None)
    if start is None and info.control:
        start = info.control[0]
    if end is None and info.control:
        end = info.control[1]
    if start is None:
        start = first
    if end is None or (spans and end > spans[0].update):
        end = spans[0].update if spans else None
    if end is None or end <= start:
        return None
    return start, end
