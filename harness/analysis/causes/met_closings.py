"""Kept connections that ended as requests were sent on them, while pods stopped -> whether more did than by chance.

A server that closes what is idle does not know when its clients send: a request meets such an end only where it is sent
in the very moment, and of a connection that is used every 0.4 s one in some hundreds does. Where most do, their server
waits for a request to come, and closes instead of answering it. That costs calls: nobody else is told to ask again.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import bdtrc

from harness.analysis.causes.intervals import cover, cover_of_own_pod
from harness.analysis.causes.row import Way
from harness.analysis.causes.time_windows import TimeWindows
from harness.analysis.observed.observed import Observed
from harness.analysis.statistics import P_VALUE, excess

CHANCE = 0.001
"""How improbable it must be that so many of a rollout's connections were closed as a request was sent on them."""

_FEWEST = 2  # one may always be chance
_STOPS = (Way.STOPPING, Way.LOOSE_STOPPING)
_CONNECTION = ("stream", "worker", "local_port")


def more_than_chance(
    seen: Observed,
    met: NDArray[np.bool_],
    within_s: NDArray[np.float64],
    own: NDArray[np.int64],
    windows: TimeWindows,
) -> NDArray[np.bool_]:
    """Which failures that `met` the end of their kept connection are of rollouts in which more did than by chance.

    `within_s`: per failure, how long after the send an end may come that was under way before, seconds. `own`: the
    position of its pod, or `NOBODY`. What is met as often while no pod stops has another reason, and is not counted.
    """
    found = np.zeros_like(met)
    if met.sum() < _FEWEST or seen.run.info.way.ends_tcp:
        return found
    failures = seen.requests.failures
    ended = failures["ended"].to_numpy()
    stops = tuple(span for way in _STOPS for span in windows[way])
    stopped = met & (cover_of_own_pod(stops, own, ended, ended).count > 0)
    if stopped.sum() < _FEWEST:
        return found
    streams, connections = failures["stream"].cast(pl.String).to_numpy(), _connections(failures)
    uses = _uses(seen.requests.frame, set(streams[stopped]))
    inside = int((cover(stops, uses["started"].to_numpy()).count > 0).sum())
    beside = int((met & ~stopped).sum())
    if beside and excess(int(stopped.sum()), inside, beside, len(uses) - inside) >= P_VALUE:
        return found
    every_s = dict(uses.group_by("stream").agg(pl.col("since").median()).iter_rows())
    chances = np.zeros(len(met))
    for n in np.flatnonzero(stopped):
        chances[n] = min(1.0, within_s[n] / (every_s[streams[n]] or within_s[n]))
    used_at = seen.windows.positions(uses["started"].to_numpy())
    at = seen.windows.positions(failures["scheduled"].to_numpy())
    closed = 0
    for rollout in np.unique(at[stopped]):
        mine = stopped & (at == rollout)
        its = len(np.unique(connections[mine]))
        of = max(its, uses.filter(used_at == rollout)["connection"].n_unique())
        if _beyond(its, of, chances[mine]):
            found |= mine
        closed += its
    # Of a few connections one that is met may be chance; that one is in rollout after rollout is none. All rollouts
    # count, those in which none was met too.
    each = uses.with_columns(rollout=used_at).filter(pl.col("rollout") >= 0).select("rollout", "connection")
    used = max(closed, each.n_unique())
    return stopped if _beyond(closed, used, chances[stopped]) else found


def _beyond(closed: int, used: int, chances: NDArray[np.float64]) -> bool:
    """Whether so many of the connections in use were `closed` as a request was sent that it is no chance."""
    return float(bdtrc(closed - 1, used, float(np.mean(chances)))) < CHANCE


def _uses(frame: pl.DataFrame, streams: set[str]) -> pl.DataFrame:
    """What was sent on the connections of these streams: `stream`, `started`, `connection`, and `since`, the seconds
    since that was used before."""
    return (
        frame.lazy()
        .with_columns(pl.col("stream").cast(pl.String))
        .filter(pl.col("stream").is_in(list(streams)), pl.col("started").is_not_null())
        .sort("started")
        .with_columns(since=pl.when("reused").then(pl.col("started").diff().over(_CONNECTION)))
        .select("stream", "started", "since", connection=pl.struct(_CONNECTION).hash())
        .collect()
    )


def _connections(failures: pl.DataFrame) -> NDArray[np.uint64]:
    return (
        failures.select(pl.struct(pl.col(name).cast(pl.String) for name in _CONNECTION).hash()).to_series().to_numpy()
    )
