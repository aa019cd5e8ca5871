"""Endpoints of pods that are not the workload's -> when they left the Service, and what may have failed by that.

Several workloads may stand behind one Service. The pods of the others are not watched, but their endpoints are: one
that leaves may refuse as much as one of ours, and whose a refused connection was cannot be told.
"""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from harness.analysis.causes.explained import Explained
from harness.analysis.causes.intervals import NOBODY
from harness.analysis.observed.lateness import SLOW_WATCH_S
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.windows import Span
from harness.analysis.verdict.doubts import Doubt
from harness.model.reasons import Reason


def leavings(seen: Observed) -> tuple[float, ...]:
    """When endpoints left the Service that are not the workload's."""
    own = {pod.uid for pod in seen.pods}
    spans = (spans for uid, spans in seen.endpoints.listed.items() if uid not in own)
    return tuple(sorted(until for each in spans for _, until in each if np.isfinite(until)))


def by_strangers(why: Explained, lefts: tuple[float, ...], moments: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Per failure, whether a pod of another workload may have been the one: no answer named its pod, and one had just
    left. `lefts`: the `leavings`."""
    first = np.searchsorted(lefts, moments - why.plane.longest_lag_s - SLOW_WATCH_S, side="left")
    beyond = np.searchsorted(lefts, moments + SLOW_WATCH_S, side="right")
    return np.asarray((first < beyond) & (why.failures.own == NOBODY), dtype=bool)


def stranger_left(seen: Observed, lefts: tuple[float, ...], lost: NDArray[np.float64], span: Span) -> tuple[Doubt, ...]:
    """That one left in a rollout, before it had settled or while requests failed.

    `lefts`: the `leavings`. `lost`: when that was sent, ascending, which may have failed `by_strangers`.
    """
    here = lefts[bisect_left(lefts, span.update) : bisect_left(lefts, span.end)]
    if not here:
        return ()
    settled = span.settled if span.settled is not None else span.end
    since, until = np.searchsorted(lost, (span.update, span.end))
    failed = bool(since < until)
    for left in here:
        if left <= settled or failed:
            name, noun = seen.words.numbered(span.number), seen.words.noun
            words = f"another workload's endpoint left the Service in {name}, {left:.1f} s into the run"
            return (
                (Reason.OTHER_WORKLOAD, f"{words}: what failed by that cannot be told from what failed by the {noun}"),
            )
    return ()
