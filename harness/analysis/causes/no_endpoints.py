"""Times without any endpoint, and what failed then -> when the data plane rejected, and when it may have."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.analysis.causes.conntrack import UNANSWERED
from harness.analysis.causes.intervals import cover, frozen
from harness.analysis.causes.row import Way
from harness.analysis.causes.streaks import Streaks
from harness.analysis.causes.time_windows import TimeWindows
from harness.analysis.observed.endpoints import Endpoints
from harness.analysis.observed.lateness import WATCH_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Per failure: whether the data plane surely had no endpoint, and whether it may have had none."""

    rejecting: NDArray[np.bool_]
    maybe: NDArray[np.bool_]

    def __post_init__(self) -> None:
        frozen(self.rejecting, self.maybe)


def absence(
    listed: Endpoints,
    windows: TimeWindows,
    streaks: Streaks,
    lag_s: float | None,
    outcome: NDArray[np.object_],
    started: NDArray[np.float64],
) -> Absence:
    """When the data plane had been programmed with no endpoint.

    It may have been from the moment the list was empty, until the first good new connection after it was filled again.
    It surely was from the first refusal that no pod's kernel can have sent (each was gone, none was starting): the
    proxy has synced, so the pods of before are no longer sent to, and what stays without an answer from then on met a
    REJECT whose ICMP was held back, or came between two rule sets. Before that refusal, time-outs went to addresses
    that are gone; and where a pod was stopping, a refusal followed by such time-outs came from its own kernel.
    """
    rejecting = np.zeros(len(started), dtype=bool)
    maybe = np.zeros(len(started), dtype=bool)
    refused = outcome == "connect-refused"
    unanswered = np.isin(outcome, UNANSWERED)
    by_stopping = cover(windows[Way.REFUSING], started).count > 0
    by_kernel = by_stopping | (sum(cover(s, started).count for s in (windows[Way.STARTING], windows[Way.CRASHED])) > 0)
    vanished = cover(windows[Way.VANISHED], started).count > 0
    for empty, filled in listed.empty:
        end = streaks.good_after(filled - WATCH_S) if math.isfinite(filled) else math.inf
        if lag_s is not None and math.isfinite(filled):
            end = min(end, filled + lag_s)
        inside = (started >= empty - WATCH_S) & (started <= end)
        sure = np.flatnonzero(inside & refused & ~by_kernel)
        onset = float(started[sure[0]]) if len(sure) else math.inf
        rejecting |= inside & (started >= onset)
        early = inside & (started < onset)
        lost = started[early & unanswered & vanished]
        last_lost = float(lost[-1]) if len(lost) else -math.inf
        maybe |= early & refused & ((started > last_lost) | ~by_stopping)
        maybe |= early & unanswered & ~vanished & (started > last_lost)
    return Absence(rejecting=rejecting, maybe=maybe & ~rejecting)
