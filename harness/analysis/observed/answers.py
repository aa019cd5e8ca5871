"""Answered requests -> what they show of pods and of the data plane: who answered when, and when all went well."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.observed.pods import Life
from harness.analysis.observed.requests import History

CERTAINTY = 1e-6
"""How improbable it must be that a run of good connections missed a bad endpoint by luck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """By uid: when a new connection first and last reached the pod, and when a kept one was last answered by it.

    `answers`: by name, how many answers came from pods of that name, and how many of those were errors.
    `last_by_worker`: by uid and worker, its last new connection; only where there are several workers.
    """

    named: bool
    first_new: dict[str, float] = field(default_factory=dict)
    last_new: dict[str, float] = field(default_factory=dict)
    last_kept: dict[str, float] = field(default_factory=dict)
    answers: dict[str, tuple[int, int]] = field(default_factory=dict)
    last_by_worker: dict[tuple[str, int], float] = field(default_factory=dict)

    def last_answer(self, uid: str) -> float:
        """When the last request was sent that the pod answered, on whatever connection; -infinity without any."""
        return max(self.last_new.get(uid, -math.inf), self.last_kept.get(uid, -math.inf))


def sightings(history: History, pods: Sequence[Life]) -> Sightings:
    """Who answered, from the pods' names in the answers. A name that came again belongs to the pod that lived then."""
    answered = history.frame.lazy().filter(
        pl.col("outcome").is_in(["ok", "status"]),
        pl.col("pod") != "",
        pl.col("started").is_not_null(),
    )
    by_name: dict[str, list[Life]] = {}
    for pod in sorted(pods, key=lambda pod: pod.first_seen):
        by_name.setdefault(pod.name, []).append(pod)
    extent = [pl.col("started").min().alias("first"), pl.col("started").max().alias("last")]
    counts = [pl.len().alias("n"), pl.col("failed").sum().alias("bad")]
    rows = (
        answered.group_by("pod", "reused").agg(*extent, *counts).with_columns(pl.col("pod").cast(pl.String)).collect()
    )
    found = Sightings(named=len(rows) > 0)
    for name, reused, first, last, n, bad in rows.iter_rows():
        before = found.answers.get(name, (0, 0))
        found.answers[name] = (before[0] + n, before[1] + bad)
        living = by_name.get(name, [])
        if len(living) == 1:
            _add(found, living[0].uid, reused, first, last)
        elif living:
            for position, pod in enumerate(living):
                until = living[position + 1].first_seen if position + 1 < len(living) else math.inf
                since = -math.inf if position == 0 else pod.first_seen
                part = (
                    answered.filter(
                        pl.col("pod") == name,
                        pl.col("reused") == reused,
                        pl.col("started").is_between(since, until, closed="left"),
                    )
                    .select(extent)
                    .collect()
                )
                if part.item(0, "first") is not None:
                    _add(found, pod.uid, reused, part.item(0, "first"), part.item(0, "last"))
    if history.frame["worker"].n_unique() > 1:
        fresh = answered.filter(~pl.col("reused")).group_by("pod", "worker").agg(pl.col("started").max())
        for name, worker, last in fresh.with_columns(pl.col("pod").cast(pl.String)).collect().iter_rows():
            if len(living := by_name.get(name, [])) == 1:
                found.last_by_worker[living[0].uid, worker] = last
    return found


def _add(found: Sightings, uid: str, reused: bool, first: float, last: float) -> None:
    if reused:
        found.last_kept[uid] = last
    else:
        found.first_new[uid] = first
        found.last_new[uid] = last


@dataclass(frozen=True, slots=True, kw_only=True)
class Streaks:
    """New connections of each worker: moments at which they were good, and at which they failed (ascending)."""

    workers: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]

    def healthy_after(self, t: float, needed: int) -> float:
        """The first moment by which every worker had `needed` good new connections in a row, all begun after `t`.

        Infinite where that never came. With m endpoints of which one is bad, a proxy that still lists it gives such a
        run by luck with probability (1 - 1/m) ** needed.
        """
        latest = t
        for good, bad in self.workers:
            start = int(np.searchsorted(good, t, side="right"))
            edges = bad[np.searchsorted(bad, t, side="right") :]
            begins = np.concatenate(([start], np.searchsorted(good, edges, side="right")))
            ends = np.concatenate((np.searchsorted(good, edges, side="left"), [len(good)]))
            long = np.flatnonzero(ends - begins >= needed)
            if not len(long):
                return math.inf
            latest = max(latest, float(good[begins[long[0]] + needed - 1]))
        return latest if self.workers else math.inf

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


def streaks(history: History, stale: pl.Series) -> Streaks:
    """The runs of good new connections. `stale`: per failure, whether it was the client host's own doing."""
    fresh = history.frame.lazy().filter(~pl.col("reused"), pl.col("outcome").is_in(["ok", "status"]))
    good = fresh.select("worker", "started").drop_nulls().collect()
    phases = ["connect-refused", "connect-timeout", "unreachable", "reset-before-response", "eof-before-response"]
    bad = history.failures.filter(~stale).filter(~pl.col("reused"), pl.col("outcome").is_in(phases))
    pairs = []
    for worker in good["worker"].unique().sort():
        mine = good["started"] if good["worker"].n_unique() == 1 else good.filter(pl.col("worker") == worker)["started"]
        ascending = (mine if mine.is_sorted() else mine.sort()).to_numpy()
        pairs.append((ascending, bad.filter(pl.col("worker") == worker)["started"].to_numpy()))
    return Streaks(workers=tuple(pairs))


def needed_in_a_row(endpoints: int) -> int:
    """How many good connections in a row show that none of `endpoints` + 1 is bad, to within `CERTAINTY`.

    >>> needed_in_a_row(1), needed_in_a_row(3)
    (20, 49)
    """
    return math.ceil(math.log(CERTAINTY) / math.log(1.0 - 1.0 / (max(endpoints, 1) + 1)))
