"""Lags of a run and the proxy's period -> in words, where the proxy took longer than it may."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from harness.analysis.causes.evidence import SHOWN_S
from harness.analysis.causes.explained import Explained
from harness.analysis.causes.streaks import LIKELY, needed_in_a_row
from harness.analysis.observed.lateness import SLOW_WATCH_S
from harness.analysis.observed.observed import Observed
from harness.model.lags import Propagation

_STICKY = "sessionAffinity"


def overruns(seen: Observed, why: Explained, lags: Propagation) -> str:
    """A sentence about the longest time beyond the period; empty where nothing shows one.

    A change waits for a whole period at most, and for the sync itself. So a pod to which a connection went later than
    a period after it had left the list shows an overrun, and so does one that had none so long after it was listed,
    while so many went elsewhere that it would have had its share.
    """
    period_s = why.plane.period_s
    if period_s is None:
        return ""
    found = sorted([*_removals(lags, period_s), *_additions(seen, lags, period_s)], reverse=True)
    if not found:
        return ""
    took_s, words = found[0]
    many = f"; so it was {len(found)} times, this was the longest" if len(found) > 1 else ""
    return f"the proxy overran its period of {period_s:g} s by {took_s - period_s:.2f} s: {words}{many}"


def _removals(lags: Propagation, period_s: float) -> Iterator[tuple[float, str]]:
    for pod in lags.removal.pods:
        if pod.lag is not None and pod.lag.earliest_s >= period_s + SHOWN_S:
            yield pod.lag.earliest_s, f"{pod.pod} was still sent to {pod.lag.earliest_s:.2f} s after it left the list"


def keeps_clients(seen: Observed) -> bool:
    """Whether all that one client address sends goes to one pod, for as long as that is listed."""
    return any(_STICKY in hop.settings for hop in seen.run.info.hops)


def _has_a_share(seen: Observed) -> bool:
    """Whether a new pod gets its share of what is sent, as soon as it is sent to at all."""
    several = seen.requests.frame["worker"].n_unique() > 1  # each has a proxy of its own, and so a share of its own
    return not several and not keeps_clients(seen)


def _additions(seen: Observed, lags: Propagation, period_s: float) -> Iterator[tuple[float, str]]:
    if not _has_a_share(seen):
        return
    started = seen.requests.frame.lazy().filter(~pl.col("reused")).select("started").drop_nulls().collect()["started"]
    fresh = (started if started.is_sorted() else started.sort()).to_numpy()
    needed = needed_in_a_row(seen.endpoints.most, LIKELY)
    listed = {pod.name: seen.endpoints.listed.get(pod.uid) for pod in seen.pods}
    for pod in lags.addition.pods:
        if pod.lag is None or not (spans := listed.get(pod.pod)) or spans[0][0] < pod.since - SLOW_WATCH_S:
            continue  # listed before it was Ready, from which on its lag counts
        before = int(np.searchsorted(fresh, pod.since + pod.lag.earliest_s))
        elsewhere = fresh[max(0, before - needed) : before]
        if len(elsewhere) < needed:
            continue
        took_s = float(elsewhere[0]) - spans[0][0]
        if took_s >= period_s + SHOWN_S:
            yield took_s, f"{pod.pod} was not sent to yet {took_s:.2f} s after it was listed"
