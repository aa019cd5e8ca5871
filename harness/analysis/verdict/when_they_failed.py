"""Failures of the application in a rollout -> what all of them share that the rollout brought with it, in words.

Said beside the doubt, as what to look at: what came at the same time need not be the reason.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.explained import Explained
from harness.analysis.causes.fewer_pods import fewer_in_service
from harness.analysis.causes.intervals import Spans, cover
from harness.analysis.observed.lateness import SLOW_WATCH_S
from harness.analysis.observed.observed import Observed
from harness.analysis.statistics import excess

CHANCE = 0.001
"""How improbable it must be that failures come at such times only by chance."""

READY_TOO_EARLY = "a pod that needs time before it can answer must not be Ready until then (readinessProbe)"


def in_common(seen: Observed, why: Explained, mine: NDArray[np.bool_], position: int) -> str:
    """What all of these failures of a rollout share, and what would change it; empty where nothing is seen.

    `mine`: per failure of the run, whether it is meant.
    """
    sent = why.failures.sent[mine]
    lag_s = why.plane.lag_s or 0.0
    fewer = tuple(span for span in fewer_in_service(seen, lag_s) if span[2] == position)
    if _only_then(seen, position, sent, fewer):
        return (
            "all of them while fewer pods were in service than before: if those that are left cannot take all "
            "requests, maxUnavailable: 0 (with maxSurge) keeps as many"
        )
    ready = np.array(sorted(pod.ready for pod in seen.pods if pod.ready is not None and pod.created is not None))
    since = sent[:, None] - (ready[None, :] - SLOW_WATCH_S)
    newest = np.min(np.where(since >= 0.0, since, np.inf), axis=1, initial=np.inf)
    longest = float(newest.max(initial=0.0))
    fresh = tuple((float(t) - SLOW_WATCH_S, float(t) - SLOW_WATCH_S + longest, position) for t in ready)
    if np.isfinite(longest) and _only_then(seen, position, sent, fresh):
        return (
            f"all of them in the first {max(longest - SLOW_WATCH_S, 0.1):.1f} s after a pod was Ready: if that is what "
            f"it needs, {READY_TOO_EARLY}"
        )
    return ""


def _only_then(seen: Observed, position: int, sent: NDArray[np.float64], spans: Spans) -> bool:
    """Whether all were sent in the spans, and so many that this is no chance among all requests of the rollout."""
    span = seen.windows.rollouts[position]
    if not spans or not (cover(spans, sent).count > 0).all():
        return False
    here = pl.col("started").is_between(span.update, span.end) & ~pl.col("unsent")
    others = seen.requests.frame.lazy().filter(here).select("started").collect()["started"].to_numpy()
    inside = int((cover(spans, others).count > 0).sum())
    return excess(len(sent), inside, 0, len(others) - inside) < CHANCE
