"""Failed requests, what was possible when they failed, and the table of rules -> one cause each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.analysis.causes.failures import Failures
from harness.analysis.causes.intervals import NOBODY, Cover, cover, cover_of_own_pod, frozen
from harness.analysis.causes.row import Flag, Moment, Named, Row, Way
from harness.analysis.causes.table.timeouts import Timeout

_NO_ROW = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Causes:
    """Per failure: the row of `table` that named its cause, and the pod's position where it is only one (else
    `NOBODY`)."""

    table: tuple[Row, ...]
    row: NDArray[np.int64]
    pod: NDArray[np.int64]

    def __post_init__(self) -> None:
        frozen(self.row, self.pod)

    @property
    def cause(self) -> NDArray[np.object_]:
        """The cause of each failure."""
        return self._of_rows([row.cause for row in self.table])

    @property
    def label(self) -> NDArray[np.object_]:
        """The cause of each failure in words; where two came with the rollout and cannot be told apart, both."""
        return self._of_rows([row.label for row in self.table])

    def by(self, wanted: Callable[[Row], bool]) -> NDArray[np.bool_]:
        """Which failures a row has named that is as wanted."""
        return np.isin(self.row, [at for at, row in enumerate(self.table) if wanted(row)])

    def _of_rows(self, values: list[object]) -> NDArray[np.object_]:
        found = np.empty(len(values), dtype=object)
        found[:] = values
        return found[self.row]


def causes(failures: Failures, table: Sequence[Row]) -> Causes:
    """One cause for each failure: the first row of the table that holds.

    Raises:
        ValueError: a failure has an outcome that the last rows of the table do not catch.
    """
    asked = Asked(failures)
    row = np.full(len(failures.outcome), _NO_ROW, dtype=np.int64)
    pod = np.full(len(failures.outcome), NOBODY, dtype=np.int64)
    for at, rule in enumerate(table):
        here = (row == _NO_ROW) & asked.with_outcome(rule)
        if not here.any():
            continue
        here = here & asked.true_of(rule, slow_answers(table, row))
        row[here] = at
        pod[here] = asked.pods(rule)[here]
    if (row == _NO_ROW).any():
        raise ValueError(f"no rule names a failure of outcome {failures.outcome[row == _NO_ROW][0]}")
    return Causes(table=tuple(table), row=row, pod=pod)


def slow_answers(table: Sequence[Row], row: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which failures are named already as answers that a live pod did not give in time."""
    return np.isin(row, [at for at, rule in enumerate(table) if rule.rule == Timeout.SLOW])


class Asked:
    """What rows ask of failures; a way to fail is looked up once for each moment."""

    def __init__(self, failures: Failures) -> None:
        self._failures = failures
        self._covers: dict[tuple[Way, Moment], Cover] = {}

    def with_outcome(self, row: Row) -> NDArray[np.bool_]:
        """Which failures have an outcome that the row is about."""
        return np.isin(self._failures.outcome, row.outcomes)

    def true_of(self, row: Row, slow: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether the conditions of a row are true of each failure. `slow`: those named so before."""

        def true(condition: Way | Flag) -> NDArray[np.bool_]:
            return self.condition(condition, row.moment, slow)

        found = np.ones(len(self._failures.outcome), dtype=bool)
        for condition in row.holds:
            found &= true(condition)
        for condition in row.excludes:
            found &= ~true(condition)
        if row.any_of:
            found &= np.any([true(condition) for condition in row.any_of], axis=0)
        return found

    def condition(self, condition: Way | Flag, moment: Moment, slow: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether one condition is true of each failure at a row's moment. `slow`: as `true_of` has it."""
        if isinstance(condition, Way):
            return self._cover(condition, moment).count > 0
        if condition == Flag.WHILE_HANGING:
            return _overlapping(self._failures, slow)
        return self._failures.flags[condition]

    def pods(self, row: Row) -> NDArray[np.int64]:
        """The pod that a row names for each failure; of several ways, by the first that holds."""
        own = self._failures.own
        pod = np.full(len(own), NOBODY, dtype=np.int64)
        for way in reversed(row.ways):
            found = self._cover(way, row.moment)
            pod = np.where(found.count > 0, found.pod, pod)
        return np.where(own != NOBODY, own, pod) if Named.OWN in row.names else pod

    def _cover(self, way: Way, moment: Moment) -> Cover:
        if (way, moment) not in self._covers:
            failed, spans = self._failures, self._failures.windows[way]
            self._covers[way, moment] = (
                cover(spans, failed.sent)
                if moment == Moment.SENT
                else cover_of_own_pod(spans, failed.own, *_between(failed, moment))
            )
        return self._covers[way, moment]


def _between(failed: Failures, moment: Moment) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return (failed.ended, failed.ended) if moment == Moment.ENDED else (failed.sent, failed.busy_until)


def _overlapping(failures: Failures, slow: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which failures were under way while one of `slow` was."""
    if not slow.any():
        return np.zeros(len(slow), dtype=bool)
    starts, ends = np.sort(failures.sent[slow]), np.sort(failures.ended[slow])
    return np.searchsorted(starts, failures.ended, side="right") > np.searchsorted(ends, failures.sent, side="left")
