"""The workers that were lost and the rows that came of them -> since when their parts of the load are not known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from harness.model.request import CONNECT_TIMEOUT_S
from harness.model.run import LoadWorker, RunInfo

_READ_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LostPart:
    """What a worker would have sent from `since` on. Before that every request of it has its row."""

    worker: LoadWorker
    since: float


def lost_parts(info: RunInfo, frame: pl.DataFrame) -> tuple[LostPart, ...]:
    """In the order of the workers.

    A request has its row when it has ended, so that those in flight with a worker have none when it is lost: the first
    number without a row tells when they were due. One that was due longer ago than a request can last is not of them.
    Of a stream of which it has no row at all, all that can have been in flight may have been.
    """
    return tuple(
        LostPart(worker=worker, since=_since(info, frame, worker.worker, worker.lost_at))
        for worker in info.workers
        if worker.lost_at is not None
    )


def _since(info: RunInfo, frame: pl.DataFrame, worker: int, lost_at: float) -> float:
    load = info.load
    longest_s = (load.connect_timeout_s or CONNECT_TIMEOUT_S) + (load.read_timeout_s or _READ_TIMEOUT_S)
    its = frame.lazy().filter(pl.col("worker") == worker).select(pl.col("stream").cast(pl.String), "seq", "scheduled")
    since, planned = lost_at, {stream for stream, rate in info.streams.items() if rate > 0}
    for rows in its.drop_nulls().collect().partition_by("stream"):
        rows = rows.sort("seq")
        planned.discard(rows["stream"][0])
        seq, due = rows["seq"].to_numpy(), rows["scheduled"].to_numpy()
        before = np.flatnonzero((np.diff(seq) > 1) & (due[:-1] > lost_at - longest_s))
        since = min(since, float(due[before[0]]) if len(before) else float(due[-1]))
    return min(since, lost_at - longest_s) if planned else since
