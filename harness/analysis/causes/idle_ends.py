"""Kept connections that were lost before an answer came -> whether their end was under way before the request arrived.

The time decides first: an end that arrives within a round trip of the send was under way before the request could
arrive, whatever became of its bytes. After that, what the client's kernel knows of them (TCP_INFO): nothing of them was
acknowledged, so they never arrived; or they did, and the server took them with it.

A FIN that acknowledges the whole request says that it was there before, and closing what a program has not read makes
a RST. So that had read it, unless it closes in two steps, for writing first (Apache's lingering close), and the kernel
acknowledged what came then: such a server ends as many connections in the same way that acknowledge nothing.

Where that is not on record, the connect time and the latency that the stream had in the control window have to do: what
was lost later than a round trip, and no later than answers take, was being worked on. Both are possible of what was
lost a little later than that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.intervals import frozen
from harness.analysis.observed.observed import Observed

PAUSE_S = 0.005
"""How long the client's event loop may have stood still without noticing: its timers run so often."""

JITTER_S = 0.001
"""By how much a round trip may be longer than the shortest, on a quiet network."""

SLOWER = 1.25
"""How much longer than in the control window an answer may take of a server that is about to stop."""

LINGERING_S = 0.1
"""How long after a request the end of an idle connection may come, where network or server are slow to send it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleEnds:
    """Per failure: its end was under way (`under_way`), nothing of it had arrived (`unacknowledged`), or neither that
    nor the opposite can be told (`untold`). `late`: it was reset after that, as no more were at that time than met an
    end under way: so does a server that comes to close what is idle before it comes to read. `maybe_read`: its end was
    under way by the time, and a FIN acknowledged all of it, as of more than of others. `within_s`: how long after the
    send an end may come that was under way, seconds; `round_trip_s`: the same had the client's loop never paused;
    infinite where the kernel did not tell it."""

    under_way: NDArray[np.bool_]
    unacknowledged: NDArray[np.bool_]
    untold: NDArray[np.bool_]
    late: NDArray[np.bool_]
    maybe_read: NDArray[np.bool_]
    within_s: NDArray[np.float64]
    round_trip_s: NDArray[np.float64]

    def __post_init__(self) -> None:
        frozen(self.under_way, self.unacknowledged, self.untold, self.late)
        frozen(self.maybe_read, self.within_s, self.round_trip_s)


def idle_ends(seen: Observed) -> IdleEnds:
    """What is known of the ends of kept connections; of others all is False."""
    rows = seen.requests.failures
    took = (rows["ended"] - rows["started"]).to_numpy()
    reset = (rows["outcome"] == "reset-before-response").to_numpy()
    lost = rows["reused"].to_numpy() & (reset | (rows["outcome"] == "eof-before-response").to_numpy())
    if not lost.any():  # the control window is not asked for nothing: that takes a pass over all requests
        none = np.zeros(len(lost))
        return IdleEnds(
            under_way=lost,
            unacknowledged=lost,
            untold=lost,
            late=lost,
            maybe_read=lost,
            within_s=none,
            round_trip_s=none,
        )
    connect_s, lag_s = _connect_s(seen), _lag_s(seen)
    acked, min_rtt = (_column(seen, name) for name in ("acked", "min_rtt"))
    known = ~np.isnan(acked) & ~np.isnan(min_rtt) & (not seen.run.info.way.ends_tcp)
    late = np.nan_to_num(_column(seen, "seen_late"), nan=lag_s)
    # Behind a RST the FIN may have come first, and the loop have paused between them.
    round_trip = np.fmax(min_rtt, connect_s) + late + np.where(reset, PAUSE_S, JITTER_S)
    coarse = connect_s + lag_s + PAUSE_S
    slowest = SLOWER * _slowest_s(seen)
    within_s = np.where(known, round_trip, coarse)
    early = took <= within_s
    whole = known & ~reset & (acked > 0) & (acked >= _column(seen, "request_bytes"))
    return IdleEnds(
        under_way=lost & early,
        unacknowledged=lost & known & ~early & ~reset & (acked == 0),
        untold=lost & ~known & ~early & ~(took <= slowest) & (took <= LINGERING_S),
        late=_as_many(seen, lost & ~early & reset, lost & early),
        maybe_read=_more(seen, lost & early & whole, lost & early & ~whole),
        within_s=within_s,
        round_trip_s=np.where(known, np.fmax(min_rtt, connect_s) + late, np.inf),
    )


def _as_many(seen: Observed, some: NDArray[np.bool_], others: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Those of some failures of which the same rollout, or the control window, has no more than of others."""
    at = seen.windows.positions(seen.requests.failures["scheduled"].to_numpy())
    few = [each for each in np.unique(at) if (some & (at == each)).sum() <= (others & (at == each)).sum()]
    return some & np.isin(at, few)


def _more(seen: Observed, some: NDArray[np.bool_], others: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Those of some failures of which the same rollout has more than of others; none where they come without one."""
    if (seen.windows.positions(seen.requests.failures["scheduled"].to_numpy()[some]) < 0).any():
        return np.zeros_like(some)
    return some & ~_as_many(seen, some, others)


def _column(seen: Observed, name: str) -> NDArray[np.float64]:
    """A column of the failures that older runs do not have; NaN where nothing is known."""
    rows = seen.requests.failures
    if name not in rows.columns:
        return np.full(len(rows), np.nan)
    return rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy()


def _control(seen: Observed) -> pl.LazyFrame:
    """The requests that were answered as wanted before anything was done; of the whole run without such a time."""
    good = seen.requests.frame.lazy().filter(~pl.col("failed"), ~pl.col("unsent"))
    if seen.windows.control is None:
        return good
    return good.filter(pl.col("scheduled").is_between(*seen.windows.control, closed="left"))


def _connect_s(seen: Observed) -> float:
    """What it takes to connect, in nine of ten cases; 0 where nobody connected."""
    took = _control(seen).filter(~pl.col("reused")).select((pl.col("connected") - pl.col("started")).quantile(0.9))
    return float(took.collect().item() or 0.0)


def _lag_s(seen: Observed) -> float:
    """How late the worker's loop was as a rule, by how late it sent; for runs that do not say of each end."""
    late = _control(seen).select((pl.col("started") - pl.col("scheduled")).quantile(0.99))
    return max(0.0, float(late.collect().item() or 0.0))


def _slowest_s(seen: Observed) -> NDArray[np.float64]:
    """Per failure, what the slowest answers of its stream took, but for one in a hundred; NaN where none came."""
    took = (
        _control(seen)
        .filter(pl.col("reused"))
        .group_by(pl.col("stream").cast(pl.String))
        .agg(slowest=(pl.col("ended") - pl.col("started")).quantile(0.99))
        .collect()
    )
    of_stream = dict(took.iter_rows())
    return np.array([of_stream.get(stream, np.nan) for stream in seen.requests.failures["stream"]], dtype=np.float64)
