"""Kept connections that were lost at once as pods stopped -> those whose end came later than our own loop explains.

What ends a connection before a request arrives is back within a round trip, and is seen as soon as the client's loop
turns. How long the first takes is seen of every new connection, and how long the other of every request that was due:
so late the loop was to send it. Ends that come later than that, again and again, were no ends of idle connections: a
server had the request, and some answer as quickly.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import bdtrc

from harness.analysis.causes.idle_ends import JITTER_S, IdleEnds
from harness.analysis.causes.intervals import cover, cover_of_own_pod
from harness.analysis.causes.one_moment import moments_of
from harness.analysis.causes.row import Way
from harness.analysis.causes.time_windows import TimeWindows
from harness.analysis.observed.observed import Observed

CHANCE = 0.001
"""How improbable it must be that the loop alone was late so often."""

RARE = 0.05
"""One whose end was so late that the loop hardly ever is: it is among those that chance does not explain."""

NEAR_S = 1.0
"""How far from such an end the loop is looked at: stops of pods make a machine busy."""

_FEWEST = 100
"""Of fewer it is not known how late the loop can be, or how long a round trip."""

_STOPS = (Way.STOPPING, Way.LOOSE_STOPPING)


def later_than_the_loop(
    seen: Observed, ends: IdleEnds, own: NDArray[np.int64], windows: TimeWindows
) -> NDArray[np.bool_]:
    """Which failures whose end looks to have been under way came too late for that, though no pause was noticed.

    `own`: the position of each failure's pod, or `NOBODY`.
    """
    rows = seen.requests.failures
    ended = rows["ended"].to_numpy()
    spans = tuple(span for way in _STOPS for span in windows[way])
    some = ends.under_way & (cover_of_own_pod(spans, own, ended, ended).count > 0)
    if some.sum() < 2 or seen.run.info.way.ends_tcp:  # one may always be chance
        return np.zeros_like(some)
    lags, connects = _lags(seen, ended[some]), _connects(seen)
    if len(lags) < _FEWEST or lags[-1] <= 0.0:
        return np.zeros_like(some)
    took = (rows["ended"] - rows["started"]).to_numpy()
    known = len(connects) >= _FEWEST
    over = took - ends.round_trip_s - (0.0 if known else JITTER_S)
    chance = np.fmax(_at_least(lags, over), _at_least(connects, took) if known else 0.0)
    moments = _one_each(ended[some], chance[some])
    if _by_chance(moments) >= CHANCE:
        return np.zeros_like(some)
    return some & (chance < RARE)


def _lags(seen: Observed, moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """How late the loop sent what was due near these moments, seconds, ascending."""
    due = (
        seen.requests.frame.lazy()
        .filter(~pl.col("unsent"))
        .select("started", late=pl.col("started") - pl.col("scheduled"))
    )
    rows = due.drop_nulls().collect()
    near = cover(tuple((t - NEAR_S, t + NEAR_S, 0) for t in moments.tolist()), rows["started"].to_numpy()).count > 0
    return np.sort(rows["late"].to_numpy()[near])


def _connects(seen: Observed) -> NDArray[np.float64]:
    """What each new connection took that was there in the end, seconds, ascending."""
    took = seen.requests.frame.lazy().filter(~pl.col("reused")).select(took=pl.col("connected") - pl.col("started"))
    return np.sort(took.drop_nulls().collect()["took"].to_numpy())


def _at_least(ascending: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """How large a part is as large as each of the values, never none."""
    return np.asarray((len(ascending) - np.searchsorted(ascending, values) + 1) / (len(ascending) + 1))


def _by_chance(chances: NDArray[np.float64]) -> float:
    """How probably two or more of so many are as rare as they are: idle ends among them speak for nothing.

    The smallest, over j, of the probability that j of n are as rare as the j-th, n times (Bonferroni).

    >>> import numpy as np
    >>> round(_by_chance(np.array([0.01, 0.01, 0.6])), 5), _by_chance(np.array([0.0001, 0.9]))
    (0.00089, 1.0)
    """
    ordered, n = np.sort(chances), len(chances)
    if n < 2:
        return 1.0
    least = np.arange(2, n + 1)
    return min(1.0, n * float(np.min(bdtrc(least - 1, n, ordered[1:]))))


def _one_each(ended: NDArray[np.float64], chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest chance of each moment: one pause of the loop delays all that end in it."""
    order = np.argsort(ended, kind="stable")
    _, first = np.unique(moments_of(ended[order]), return_index=True)
    return np.maximum.reduceat(chance[order], first)
