"""Answered and failed requests -> the runs of good new connections, which show what the data plane sends to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.conntrack import UNANSWERED
from harness.analysis.causes.intervals import frozen
from harness.analysis.observed.requests import Requests

PATH_STATUS = (502, 503, 504)
"""What answers for pods that it cannot reach says so by these."""

_REFUSED = ("connect-refused", "reset-before-response", "eof-before-response")

CERTAINTY = 1e-6
"""How improbable it must be that a run of good connections missed a bad endpoint by luck."""

SENT_AGAIN_S = 0.9
"""A connection that took so long was accepted by a SYN that the kernel sent again: after 1 s the first time."""

LIKELY = 1e-3
"""The same where it only decides which of two pods that were gone a connection went to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Moments at which one worker's new connections were good, and at which they failed (both ascending).

    `until`: how many good ones there were before each failure, and in all; `since`: how many up to each failure.
    """

    good: NDArray[np.float64]
    bad: NDArray[np.float64]
    until: NDArray[np.int64]
    since: NDArray[np.int64]

    def __post_init__(self) -> None:
        frozen(self.until, self.since)

    def run_after(self, t: float, needed: int) -> float:
        """When the first `needed` good ones in a row, all after `t`, were complete; infinite where that never came."""
        first, failed = (
            int(np.searchsorted(self.good, t, side="right")),
            int(np.searchsorted(self.bad, t, side="right")),
        )
        if self.until[failed] - first >= needed:
            return float(self.good[first + needed - 1])
        long = np.flatnonzero(self.until[failed + 1 :] - self.since[failed:] >= needed)
        return float(self.good[self.since[failed + long[0]] + needed - 1]) if len(long) else math.inf


def sides(good: NDArray[np.float64], bad: NDArray[np.float64]) -> Sides:
    """The two sides, and how they interlock."""
    until = np.append(np.searchsorted(good, bad, side="left"), len(good))
    return Sides(good=good, bad=bad, until=until, since=np.searchsorted(good, bad, side="right"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Streaks:
    """New connections of each worker: when they were good, and when they failed.

    `kernels`: moments at which some kernel replied, be it with a refusal, and at which none did; of each worker, or of
    nobody where something before the pods replies for them.
    """

    workers: tuple[Sides, ...]
    kernels: tuple[Sides, ...] = ()

    @property
    def good(self) -> NDArray[np.float64]:
        """When good new connections began, of all workers, ascending."""
        parts = [worker.good for worker in self.workers]
        # What is sorted in parts is merged by a stable sort, in little more time than it takes to look at it.
        return parts[0] if len(parts) == 1 else np.sort(np.concatenate([np.empty(0), *parts]), kind="stable")

    def healthy_after(self, t: float, needed: int) -> float:
        """The first moment by which every worker had `needed` good new connections in a row, all begun after `t`.

        Infinite where that never came. With m endpoints of which one is bad, a proxy that still lists it gives such a
        run by luck with probability (1 - 1/m) ** needed.
        """
        return _after_runs(self.workers, t, needed)

    def replied_after(self, t: float, needed: int) -> float:
        """The same of connections to which some kernel replied: none of them went to a pod whose network was gone."""
        return _after_runs(self.kernels, t, needed)

    def count_until(self, moments: NDArray[np.float64], end: float) -> NDArray[np.int64]:
        """How many new connections began from each of the ascending `moments` to `end`."""
        total = np.zeros(len(moments), dtype=np.int64)
        for side in (side for worker in self.workers for side in (worker.good, worker.bad)):
            total += np.searchsorted(side, end) - np.searchsorted(side, moments)
        return total

    def begun_between(self, start: float, end: float) -> int:
        """How many new connections began then."""
        return int(self.count_until(np.array([start]), end)[0])

    def good_after(self, t: float) -> float:
        """The first good new connection that began after `t`; infinite where there was none."""
        goods = (worker.good for worker in self.workers)
        firsts = [float(good[at]) for good in goods if (at := np.searchsorted(good, t)) < len(good)]
        return min(firsts, default=math.inf)


def _after_runs(workers: tuple[Sides, ...], t: float, needed: int) -> float:
    """The first moment by which every worker had `needed` of its first side in a row, all after `t`."""
    return max([t, *(worker.run_after(t, needed) for worker in workers)]) if workers else math.inf


def streaks(requests: Requests, stale: pl.Series, *, direct: bool = True, ends_tcp: bool = False) -> Streaks:
    """The runs of good new connections.

    `stale`: per failure, whether it was the client host's own doing. `direct`: whether it is the pods' own kernels that
    reply. `ends_tcp`: something before them ends the connections, so that what it could not pass on has an answer too,
    or is still waited for.
    """
    fresh = requests.frame.lazy().filter(~pl.col("reused"), pl.col("outcome").is_in(["ok", "status"]))
    by_hop = (pl.col("outcome") == "status") & (pl.col("pod") == "") & pl.col("status").is_in(PATH_STATUS)
    lost = pl.col("outcome").is_in([*_REFUSED, *UNANSWERED])
    if ends_tcp:
        fresh, lost = (
            fresh.filter(~by_hop.fill_null(value=False)),
            lost | by_hop | (pl.col("outcome") == "read-timeout"),
        )
    # The packet that got through was not the first one: what was sent before met whatever was there before.
    again = (pl.col("connected") - pl.col("started")) >= SENT_AGAIN_S
    begun = pl.when(again).then(pl.col("connected")).otherwise(pl.col("started")).alias("started")
    good = fresh.select("worker", begun).drop_nulls().collect()
    failed = requests.failures.filter(~stale).filter(~pl.col("reused"))
    replied = failed.filter(pl.col("outcome").is_in(_REFUSED)).select("worker", "started")
    silent = failed.filter(pl.col("outcome").is_in(UNANSWERED))
    return Streaks(
        workers=_by_worker(good, failed.filter(lost)),
        kernels=_by_worker(pl.concat([good, replied]), silent) if direct else (),
    )


def _by_worker(good: pl.DataFrame, bad: pl.DataFrame) -> tuple[Sides, ...]:
    pairs = []
    for worker in good["worker"].unique().sort():
        mine = good["started"] if good["worker"].n_unique() == 1 else good.filter(pl.col("worker") == worker)["started"]
        ascending = (mine if mine.is_sorted() else mine.sort()).to_numpy()
        pairs.append(sides(ascending, bad.filter(pl.col("worker") == worker)["started"].to_numpy()))
    return tuple(pairs)


def needed_in_a_row(endpoints: int, chance: float = CERTAINTY) -> int:
    """How many good connections in a row show that none of `endpoints` + 1 is bad, to within `chance`.

    >>> needed_in_a_row(1), needed_in_a_row(3)
    (20, 49)
    """
    return math.ceil(math.log(chance) / math.log(1.0 - 1.0 / (max(endpoints, 1) + 1)))
