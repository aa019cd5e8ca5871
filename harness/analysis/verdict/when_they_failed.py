"""Failures of the application in a rollout -> what all of them share that the rollout brought with it, in words.

Said beside the doubt, as what to look at: what came at the same time need not be the reason.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.explained import Explained
from harness.analysis.causes.fewer_pods import fewer_in_service
from harness.analysis.causes.intervals import NOBODY, Spans, cover
from harness.analysis.causes.row import Way
from harness.analysis.causes.turned_away import among_good, good_answers
from harness.analysis.observed.lateness import SLOW_WATCH_S
from harness.analysis.observed.observed import Observed
from harness.analysis.statistics import excess

CHANCE = 0.001
"""How improbable it must be that failures come at such times only by chance."""

MOSTLY = 0.5
"""How many of the failures have to come amid good answers, where one of several pods is what fails."""

SEVERAL = 5
"""So many good answers show that others went on answering."""

READY_TOO_EARLY = "a pod that needs time before it can answer must not be Ready until then (readinessProbe)"


def in_common(seen: Observed, why: Explained, mine: NDArray[np.bool_], position: int) -> str:
    """What all of these failures of a rollout share, and what would change it; empty where nothing is seen.

    `mine`: per failure of the run, whether it is meant.
    """
    return _while_fewer(seen, why, why.failures.sent[mine], position) or _while_fresh(seen, why, mine, position)


def _while_fewer(seen: Observed, why: Explained, sent: NDArray[np.float64], position: int) -> str:
    fewer = tuple(span for span in fewer_in_service(seen, why.plane.lag_s or 0.0) if span[2] == position)
    if not _only_then(seen, position, sent, fewer):
        return ""
    return (
        "all of them while fewer pods were in service than before: if those that are left cannot take all requests, "
        "maxUnavailable: 0 (with maxSurge) keeps as many"
    )


def _while_fresh(seen: Observed, why: Explained, mine: NDArray[np.bool_], position: int) -> str:
    sent = why.failures.sent[mine]
    known = (pod.ready for pod in seen.pods if pod.ready is not None and pod.created is not None)
    ready = np.array(sorted(known), dtype=np.float64) - SLOW_WATCH_S
    longest = _longest_since(ready, sent)
    fresh = tuple((t, t + longest, position) for t in ready.tolist())
    if not np.isfinite(longest) or not _only_then(seen, position, sent, fresh):
        return ""
    if not _by_fresh_ones(seen, why, mine, longest):
        return ""
    return (
        f"all of them in the first {max(longest - SLOW_WATCH_S, 0.1):.1f} s after a pod was Ready: if that is what it "
        f"needs, {READY_TOO_EARLY}"
    )


def _by_fresh_ones(seen: Observed, why: Explained, mine: NDArray[np.bool_], longest: float) -> bool:
    """Whether those pods may have been the ones that failed: in a rollout there is nearly always one that is new, also
    when all of them fail, as for what they all need (a database)."""
    if why.causes.by(lambda row: Way.CRASHED in row.holds)[mine].any():
        return False
    since = np.array([*(np.inf if pod.ready is None else pod.ready - SLOW_WATCH_S for pod in seen.pods), np.nan])
    of, sent = why.causes.pod[mine], why.failures.sent[mine]
    if (of != NOBODY).any():
        age = (sent - since[of])[of != NOBODY]
        return bool(((age >= 0.0) & (age <= longest)).all())
    ended = why.failures.ended[mine]
    if seen.endpoints.most < 2 or among_good(good_answers(seen), np.sort(ended), ended).mean() >= MOSTLY:
        return True
    return not why.failures.reused[mine].any() and _others_answered(seen, sent, longest)


def _others_answered(seen: Observed, sent: NDArray[np.float64], longest: float) -> bool:
    """Whether pods that had been Ready for longer went on answering on the connections that they had, while all that
    were new failed: then it is nothing that all of them need."""
    older = [pod.name for pod in seen.pods if pod.ready is None or pod.ready + longest < sent.min()]
    answered = (pl.col("outcome") == "ok") & pl.col("reused") & pl.col("pod").cast(pl.String).is_in(older)
    meanwhile = pl.col("started").is_between(float(sent.min()), float(sent.max()))
    return int(seen.requests.frame.lazy().filter(answered & meanwhile).select(pl.len()).collect().item()) >= SEVERAL


def _longest_since(moments: NDArray[np.float64], sent: NDArray[np.float64]) -> float:
    """The longest time that had gone by since the last of the moments, which are ascending; infinite where for some
    that were sent none had come."""
    before = np.append(-np.inf, moments)[np.searchsorted(moments, sent, side="right")]
    return float(np.max(sent - before, initial=0.0))


def _only_then(seen: Observed, position: int, sent: NDArray[np.float64], spans: Spans) -> bool:
    """Whether all were sent in the spans, and so many that this is no chance among all requests of the rollout."""
    span = seen.windows.rollouts[position]
    if not spans or not (cover(spans, sent).count > 0).all():
        return False
    here = pl.col("started").is_between(span.update, span.end) & ~pl.col("unsent")
    others = seen.requests.frame.lazy().filter(here).select("started").collect()["started"].to_numpy()
    inside = int((cover(spans, others).count > 0).sum())
    return excess(len(sent), inside, 0, len(others) - inside) < CHANCE
