"""Requests that timed out and answers that came just in time -> which time-outs are the tail of slow answers.

Where pods are overloaded, or one hangs for a while, some answers come shortly before their clients give up, and others
that are as slow do not come in time. A pod that stops says nothing of those: it only falls into the same time.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.bursts import has_burst, in_order
from harness.analysis.causes.intervals import NOBODY
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.windows import CONTROL
from harness.analysis.statistics import P_VALUE, closeness, excess

NEARLY = 0.9
"""How much of the time that those had which timed out an answer must have taken that was nearly too late."""


def slow_beside(seen: Observed, timed_out: NDArray[np.bool_], own: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Per failure, whether it timed out, of a pod that is not known, while answers to others of its stream were under
    way that were nearly too late. `own`: the pod at the other end, or `NOBODY`."""
    found = np.array(timed_out & (own == NOBODY), dtype=np.bool_)
    rows = seen.requests.failures
    sent, ended = (rows[name].to_numpy() for name in ("started", "ended"))
    streams = rows["stream"].cast(pl.String).to_numpy()
    took = pl.col("ended") - pl.col("started")
    for stream in np.unique(streams[found]):
        mine = found & (streams == stream)
        late = (
            seen.requests.frame.lazy()
            .filter(~pl.col("failed"), took >= NEARLY * float((ended - sent)[mine].min()))
            .filter(pl.col("stream").cast(pl.String) == stream)
            .select("started", "ended")
            .collect()
        )
        starts, ends = (np.sort(late[name].to_numpy()) for name in ("started", "ended"))
        begun = np.searchsorted(starts, ended[mine], side="right")
        found[mine] = begun > np.searchsorted(ends, sent[mine], side="left")
    return found


def no_more_than_before(seen: Observed, timed_out: NDArray[np.bool_]) -> bool:
    """Whether no larger part of all requests timed out in the rollouts than in the control window, all through it, nor
    of some in a row."""
    if seen.windows.control is None or not timed_out.any():
        return False
    start, end = seen.windows.control
    lost = seen.requests.failures["scheduled"].to_numpy()[timed_out]
    others = seen.requests.frame.filter(~pl.col("failed"), ~pl.col("unsent"))["scheduled"].to_numpy()
    lost_at, others_at = seen.windows.positions(lost), seen.windows.positions(others)
    before, well_before = lost[lost_at == CONTROL], others[others_at == CONTROL]
    then, well_then = lost[lost_at >= 0], others[others_at >= 0]
    if not len(before) or closeness(before, end - start) < P_VALUE:
        return False
    counts = (len(then), len(then) + len(well_then), len(before), len(before) + len(well_before))
    return excess(*counts) >= P_VALUE and not has_burst(then, well_then, in_order(before, well_before))
