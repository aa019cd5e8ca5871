"""502s by a hop, while pods were stopping and at all other times -> those that came as they ever do.

A pod that closes idle connections sooner than the hop does loses calls all the time, in rollouts and outside of them.
What comes as pods stop is theirs only where more comes then.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.analysis.causes.intervals import cover
from harness.analysis.causes.row import Way
from harness.analysis.causes.time_windows import TimeWindows
from harness.analysis.observed.observed import Observed
from harness.analysis.statistics import P_VALUE, excess

ENOUGH = 5
"""How many must have come while no pod stopped, so that a rate is known at all; fewer excuse nothing."""

_SURELY = (Way.REFUSING, Way.VANISHED, Way.STOPPING)
_LOOSELY = (Way.LOOSE_REFUSING, Way.LOOSE_VANISHED, Way.LOOSE_STOPPING)


def closed_as_ever(
    seen: Observed, closed: NDArray[np.bool_], sent: NDArray[np.float64], windows: TimeWindows
) -> NDArray[np.bool_]:
    """Per failure, whether it was `closed` behind the hop while a pod was stopping, or may have been, and no more were
    then than at other times. `sent`: of each failure, seconds."""
    found = np.zeros_like(closed)
    if closed.sum() < ENOUGH:
        return found
    good = seen.requests.frame.filter(~seen.requests.frame["failed"])["started"].drop_nulls().to_numpy()
    surely, well_surely = _within(windows, _SURELY, sent), _within(windows, _SURELY, good)
    loosely = _within(windows, _LOOSELY, sent) & ~surely
    well_loosely = _within(windows, _LOOSELY, good) & ~well_surely
    quiet = int((closed & ~surely & ~loosely).sum())
    requests = quiet + int((~well_surely & ~well_loosely).sum())
    if quiet < ENOUGH:
        return found
    for inside, well in ((surely, well_surely), (loosely, well_loosely)):
        mine = closed & inside
        number = int(mine.sum())
        if number and excess(number, number + int(well.sum()), quiet, requests) >= P_VALUE:
            found |= mine
    return found


def _within(windows: TimeWindows, ways: Sequence[Way], moments: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(cover(tuple(span for way in ways for span in windows[way]), moments).count > 0)
