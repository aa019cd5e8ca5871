"""502s by a hop, resets or refusals while pods were stopping and at all other times -> those that came as they ever do.

A pod that closes idle connections sooner than the hop does, or the client, loses calls all the time, in rollouts and
outside of them. What comes as pods stop is theirs only where more comes then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.bursts import has_burst, in_order
from harness.analysis.causes.intervals import cover
from harness.analysis.causes.row import Way
from harness.analysis.causes.time_windows import TimeWindows
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.windows import CONTROL
from harness.analysis.statistics import P_VALUE, excess

ENOUGH = 5
"""How many must have come while no pod stopped, so that a rate is known at all; fewer excuse nothing."""

_STOPS = (
    (Way.REFUSING, Way.VANISHED, Way.STOPPING),
    (Way.LOOSE_REFUSING, Way.LOOSE_VANISHED, Way.LOOSE_STOPPING),
    (Way.DRAINING,),
)
"""When pods stop: surely, loosely, and while a balancer drains them; each beyond those before it."""

_OTHERWISE = (Way.STARTING, Way.CRASHED)
"""When a 502 has another reason that does not come all the time, and so tells no rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AsEver:
    """Per failure, whether it was closed while a pod was stopping, or may have been, and no more were then than at
    other times: of as many requests (`by_requests`); or of more, though not in as much time, nor than
    later on (`by_time`).
    """

    by_requests: NDArray[np.bool_]
    by_time: NDArray[np.bool_]


def closed_as_ever(
    seen: Observed,
    closed: NDArray[np.bool_],
    instant: NDArray[np.bool_],
    sent: NDArray[np.float64],
    windows: TimeWindows,
) -> AsEver:
    """Which of those that were `closed` are as many as ever. `sent`: of each failure, seconds.

    Those that were lost at once (`instant`) and those that were being worked on come by different ways, and each kind
    excuses its own alone. Idle connections end by time, not by requests: where fewer requests are sent than before,
    more of them meet one. A race loses more of them too: which it is cannot be told then.
    """
    found = np.zeros_like(closed)
    sent_well = seen.requests.frame.lazy().filter(~pl.col("failed")).select(pl.col("started").drop_nulls().sort())
    good = sent_well.collect()["started"].to_numpy()
    if closed.sum() < ENOUGH or not len(good):
        return AsEver(by_requests=found, by_time=found)
    lost = _When.of(seen, windows, sent)
    well = _When.of(seen, windows, good)
    clock = _When.of(seen, windows, np.linspace(good[0], good[-1], len(good)))
    kinds = closed & instant, closed & ~instant
    by_requests = _as_ever(kinds, lost, well)
    by_time = _as_ever(kinds, lost, clock) & _as_ever(kinds, lost.later(), well.later())
    return AsEver(by_requests=by_requests, by_time=by_time & ~by_requests)


@dataclass(frozen=True, slots=True, kw_only=True)
class _When:
    """Moments, in seconds; of each, the first of `_STOPS` that held then, or their number where none did (`stop`), the
    window that it lies in (`at`), and whether nothing was the matter with a pod (`quiet`)."""

    moments: NDArray[np.float64]
    stop: NDArray[np.int64]
    at: NDArray[np.int64]
    quiet: NDArray[np.bool_]

    @classmethod
    def of(cls, seen: Observed, windows: TimeWindows, moments: NDArray[np.float64]) -> _When:
        held = [_within(windows, ways, moments) for ways in _STOPS]
        stop = np.argmax([*held, np.ones_like(moments, dtype=bool)], axis=0)
        quiet = (stop == len(_STOPS)) & ~_within(windows, _OTHERWISE, moments)
        return cls(moments=moments, stop=stop, at=seen.windows.positions(moments), quiet=quiet)

    def later(self) -> _When:
        """The same, with the control window not counted as quiet: from the first rollout on, as many requests are sent
        as while pods stop."""
        return replace(self, quiet=self.quiet & (self.at != CONTROL))


def _as_ever(kinds: Sequence[NDArray[np.bool_]], lost: _When, well: _When) -> NDArray[np.bool_]:
    """Of each that was `lost`, whether no more of its kind were than in quiet times. `well`: what was not, or a clock
    that goes on."""
    found = np.zeros(len(lost.moments), dtype=bool)
    for kind in kinds:
        rate = _Rate(kind & lost.quiet, well.quiet, lost.at, well.at)
        as_ever = in_order(lost.moments[kind & lost.quiet], well.moments[well.quiet])
        for way in range(len(_STOPS)):
            inside, then = kind & (lost.stop == way), well.stop == way
            if not inside.any() or not rate.is_kept(inside, then):
                continue
            if not has_burst(lost.moments[inside], well.moments[then], as_ever):
                found |= inside
    return found


class _Rate:
    """How many come at other times: of all of them, and of those before the first rollout."""

    def __init__(
        self,
        closed: NDArray[np.bool_],
        well: NDArray[np.bool_],
        at: NDArray[np.int64],
        well_at: NDArray[np.int64],
    ) -> None:
        self._at, self._well_at = at, well_at
        both = int(closed.sum()), int(well.sum())
        before = int((closed & (at == CONTROL)).sum()), int((well & (well_at == CONTROL)).sum())
        self._quiet = [(failed, failed + good) for failed, good in (both, before)]

    def is_kept(self, closed: NDArray[np.bool_], well: NDArray[np.bool_]) -> bool:
        """Whether no more came then: in all rollouts together, and in none of them, which the others may hide."""
        if self._quiet[0][0] < ENOUGH:
            return False
        rollouts = np.unique(self._at[closed])
        of_each = ((closed & (self._at == one), well & (self._well_at == one)) for one in rollouts)
        return not self._exceeds(closed, well, P_VALUE) and not any(
            self._exceeds(mine, good, P_VALUE / len(rollouts)) for mine, good in of_each
        )

    def _exceeds(self, closed: NDArray[np.bool_], well: NDArray[np.bool_], p_value: float) -> bool:
        number = int(closed.sum())
        return any(excess(number, number + int(well.sum()), *quiet) < p_value for quiet in self._quiet)


def _within(windows: TimeWindows, ways: Sequence[Way], moments: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(cover(tuple(span for way in ways for span in windows[way]), moments).count > 0)
