"""Kept connections whose last request got no answer -> whether pods that were stopping left them so, and no others.

On a kept connection the pod is known, and a network that loses a packet has it sent again long before a client gives
up. One that is slow is so at other times too; where only those are that have been told to stop, they hang.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.intervals import NOBODY, cover_of_own_pod
from harness.analysis.causes.row import Way
from harness.analysis.causes.time_windows import TimeWindows
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.told import told_by_name
from harness.analysis.statistics import excess

CHANCE = 0.001
"""How improbable it must be that pods as slow as ever left so many without an answer just as they stopped."""

_STOPS = (Way.STOPPING, Way.LOOSE_STOPPING)
_FEWEST = 2  # one may always be chance


def hung_at_stops(
    seen: Observed,
    timed_out: NDArray[np.bool_],
    reused: NDArray[np.bool_],
    own: NDArray[np.int64],
    windows: TimeWindows,
) -> NDArray[np.bool_]:
    """Which of the failures that `timed_out` were left so, on kept connections, by pods that were stopping, where so
    many are no chance among all that was answered. `own`: the position of its pod, or `NOBODY`."""
    sent = seen.requests.failures["started"].to_numpy()
    stops = tuple(span for way in _STOPS for span in windows[way])
    found = timed_out & reused & (own != NOBODY) & (cover_of_own_pod(stops, own, sent, sent).count > 0)
    if found.sum() < _FEWEST:
        return np.zeros_like(found)
    of_stopping, of_others = _answered(seen)
    hung, others = int(found.sum()), int((timed_out & ~found).sum())
    chance = excess(hung, hung + of_stopping, others, others + of_others)
    return found if chance < CHANCE else np.zeros_like(found)


def _answered(seen: Observed) -> tuple[int, int]:
    """How many requests were answered well by pods that had been told to stop as they were sent, and by others."""
    good = seen.requests.frame.lazy().filter(~pl.col("failed"), pl.col("started").is_not_null())
    since = (
        pl.col("pod").cast(pl.String).replace_strict(told_by_name(seen.pods), default=np.inf, return_dtype=pl.Float64)
    )
    stopping, every = good.select((pl.col("started") >= since).sum(), pl.len().alias("n")).collect().row(0)
    return int(stopping), int(every - stopping)
