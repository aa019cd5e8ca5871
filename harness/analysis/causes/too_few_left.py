"""Errors while pods stop and fewer are in service -> whether those that are left give as many: they have too few hands.

Where no answer names its pod, an error that comes as a pod stops looks like that pod's. What is sent when no stopping
pod is sent to any more can only be answered by those in service: where they give errors too while there are fewer of
them, and only then, the others may be theirs as well, and a pod that stops later changes nothing.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.fewer_pods import fewer_in_service
from harness.analysis.causes.intervals import Spans, cover
from harness.analysis.causes.row import Way
from harness.analysis.causes.time_windows import TimeWindows
from harness.analysis.observed.observed import Observed
from harness.analysis.statistics import excess

CHANCE = 0.001
"""How improbable it must be that pods in service give errors only by chance while there are fewer of them."""


def too_few_left(
    seen: Observed, turned_away: NDArray[np.bool_], lag_s: float | None, windows: TimeWindows
) -> NDArray[np.bool_]:
    """Which of the failures that look `turned_away` by a pod that stops may be the errors of those that are left.

    `lag_s`: after which a data plane that keeps its period has heard of a change; None where that is not known.
    """
    found = np.zeros_like(turned_away)
    if lag_s is None or seen.answers.named or not turned_away.any():
        return found
    fewer, listed = fewer_in_service(seen, lag_s), {at: end for _, end, at in windows[Way.LISTED]}
    stopping: Spans = tuple((start, listed.get(at, end), at) for start, end, at in windows[Way.LOOSE_STOPPING])
    answered = pl.col("outcome").is_in(["ok", "status"]) & ~pl.col("reused")
    rows = seen.requests.frame.lazy().filter(answered).select("started", bad=pl.col("outcome") == "status").collect()
    sent, bad = rows["started"].to_numpy(), rows["bad"].to_numpy()
    short = cover(fewer, sent).count > 0
    maybe = short & (cover(stopping, sent).count > 0)
    surely = short & ~maybe
    otherwise = ~short & ~(cover(stopping, sent).count > 0)
    counts = [(int((part & bad).sum()), int(part.sum())) for part in (surely, otherwise)]
    if excess(*counts[0], *counts[1]) >= CHANCE:
        return found
    return turned_away & (cover(fewer, seen.requests.failures["started"].to_numpy()).count > 0)
