"""Answered and failed requests -> the runs of good new connections, which show what the data plane sends to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.conntrack import UNANSWERED
from harness.analysis.observed.requests import Requests

CERTAINTY = 1e-6
"""How improbable it must be that a run of good connections missed a bad endpoint by luck."""

LIKELY = 1e-3
"""The same where it only decides which of two pods that were gone a connection went to."""

Sides = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Streaks:
    """New connections of each worker: moments at which they were good, and at which they failed (ascending).

    `kernels`: moments at which some kernel replied, be it with a refusal, and at which none did; of each worker, or of
    nobody where something before the pods replies for them.
    """

    workers: tuple[Sides, ...]
    kernels: tuple[Sides, ...] = ()

    @property
    def good(self) -> NDArray[np.float64]:
        """When good new connections began, of all workers, ascending."""
        sides = [good for good, _ in self.workers]
        # What is sorted in parts is merged by a stable sort, in little more time than it takes to look at it.
        return sides[0] if len(sides) == 1 else np.sort(np.concatenate([np.empty(0), *sides]), kind="stable")

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
        for side in (side for worker in self.workers for side in worker):
            total += np.searchsorted(side, end) - np.searchsorted(side, moments)
        return total

    def good_after(self, t: float) -> float:
        """The first good new connection that began after `t`; infinite where there was none."""
        firsts = [float(good[at]) for good, _ in self.workers if (at := np.searchsorted(good, t)) < len(good)]
        return min(firsts, default=math.inf)


def _after_runs(workers: tuple[Sides, ...], t: float, needed: int) -> float:
    """The first moment by which every worker had `needed` of its first side in a row, all after `t`."""
    latest = t
    for good, bad in workers:
        start = int(np.searchsorted(good, t, side="right"))
        edges = bad[np.searchsorted(bad, t, side="right") :]
        begins = np.concatenate(([start], np.searchsorted(good, edges, side="right")))
        ends = np.concatenate((np.searchsorted(good, edges, side="left"), [len(good)]))
        long = np.flatnonzero(ends - begins >= needed)
        if not len(long):
            return math.inf
        latest = max(latest, float(good[begins[long[0]] + needed - 1]))
    return latest if workers else math.inf


def streaks(requests: Requests, stale: pl.Series, *, direct: bool = True) -> Streaks:
    """The runs of good new connections.

    `stale`: per failure, whether it was the client host's own doing. `direct`: whether it is the pods' own kernels that
    reply.
    """
    fresh = requests.frame.lazy().filter(~pl.col("reused"), pl.col("outcome").is_in(["ok", "status"]))
    good = fresh.select("worker", "started").drop_nulls().collect()
    refused = ["connect-refused", "reset-before-response", "eof-before-response"]
    failed = requests.failures.filter(~stale).filter(~pl.col("reused"))
    replied = failed.filter(pl.col("outcome").is_in(refused)).select("worker", "started")
    silent = failed.filter(pl.col("outcome").is_in(UNANSWERED))
    return Streaks(
        workers=_by_worker(good, failed.filter(pl.col("outcome").is_in([*refused, *UNANSWERED]))),
        kernels=_by_worker(pl.concat([good, replied]), silent) if direct else (),
    )


def _by_worker(good: pl.DataFrame, bad: pl.DataFrame) -> tuple[Sides, ...]:
    pairs = []
    for worker in good["worker"].unique().sort():
        mine = good["started"] if good["worker"].n_unique() == 1 else good.filter(pl.col("worker") == worker)["started"]
        ascending = (mine if mine.is_sorted() else mine.sort()).to_numpy()
        pairs.append((ascending, bad.filter(pl.col("worker") == worker)["started"].to_numpy()))
    return tuple(pairs)


def needed_in_a_row(endpoints: int, chance: float = CERTAINTY) -> int:
    """How many good connections in a row show that none of `endpoints` + 1 is bad, to within `chance`.

    >>> needed_in_a_row(1), needed_in_a_row(3)
    (20, 49)
    """
    return math.ceil(math.log(chance) / math.log(1.0 - 1.0 / (max(endpoints, 1) + 1)))
