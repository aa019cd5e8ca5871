"""A lag behind what has connections of its own to pods -> the lag, or none where it is how long those were used.

Such a hop sends what comes on the connections that it has, so that it goes on using a pod for as long as that is held
alive, and comes to a new one when another has ended: neither says when it learnt of either. Advice drawn from it would
climb from run to run, for a longer hook makes it longer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from harness.analysis.observed.observed import Observed
from harness.analysis.observed.pods import Life
from harness.model.lags import Interval, Lag

HELD_S = 1.0
"""With a shorter hook a pod that ends at once looks like one that was used to its end."""

AT_ITS_END_S = 0.5
"""How far from its end its last request may have been, where some come each second."""

POOLED = "what stands before the pods used its connections to it until it ended"
POOLED_ELSEWHERE = "what stands before the pods used its connections to other pods until one of these ended"

Span = tuple[float, float]


def without_pool(seen: Observed, pod: Life, lag: Lag, pooled: Callable[[Observed, Life, Span], str]) -> Lag:
    """The lag, or none with a note where `pooled` says that its connections explain it. Seconds on the run's clock."""
    if lag.lag is None or not seen.run.info.way.ends_tcp:
        return lag
    note = pooled(seen, pod, _between(lag.since, lag.lag))
    return replace(lag, lag=None, note=note, by_worker={}) if note else lag


def _between(since: float, told: Interval) -> Span:
    return since + told.earliest_s, since + told.latest_s


def until_its_end(seen: Observed, pod: Life, last: Span) -> str:
    """That the last request was sent to it as its hook ended, or later, and none after it had ended."""
    if pod.deletion is None or pod.promise.prestop_s < HELD_S:
        return ""
    held_until, ended = pod.deletion + pod.promise.prestop_s, pod.ended if pod.ended is not None else math.inf
    return POOLED if last[0] >= held_until - AT_ITS_END_S and last[1] <= ended + AT_ITS_END_S else ""


def as_another_ended(seen: Observed, pod: Life, first: Span) -> str:
    """That the first request came as another pod ended, by a hop of which no delay is known."""
    if pod.ready is None or first[0] - pod.ready <= HELD_S or all(hop.addition for hop in seen.run.info.hops):
        return ""
    ends = (other.ended for other in seen.pods if other.uid != pod.uid and other.ended is not None)
    return POOLED_ELSEWHERE if any(first[0] - AT_ITS_END_S <= end <= first[1] + AT_ITS_END_S for end in ends) else ""
