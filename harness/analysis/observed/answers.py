"""Answered requests -> which pod answered when, and how often with an error."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from harness.analysis.observed.pods import Life
from harness.analysis.observed.requests import Requests

RESENT_S = 0.9
"""A connection that took so long had its SYN sent again, after a second at the least (RFC 6298, 2.1): which of them
came to the pod is not known."""

_REACHED = (
    pl.when(pl.col("connected") - pl.col("started") >= RESENT_S).then(pl.col("connected")).otherwise(pl.col("started"))
)
EXTENT = (
    pl.col("started").min().alias("sent"),
    _REACHED.min().alias("first"),
    pl.col("started").max().alias("last"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """By uid: when a new connection first and last reached the pod, and when a kept one was last answered by it.

    `first_sent`: when the first was sent that came to reach it, be it at its second try; `first_kept`: when the first
    on a kept one was.
    `by_name`: how many answers came from pods of each name, and how many of those were errors.
    `last_by_worker`: by uid and worker, its last new connection; only where there are several workers.
    """

    named: bool
    first_sent: dict[str, float] = field(default_factory=dict)
    first_new: dict[str, float] = field(default_factory=dict)
    last_new: dict[str, float] = field(default_factory=dict)
    first_kept: dict[str, float] = field(default_factory=dict)
    last_kept: dict[str, float] = field(default_factory=dict)
    by_name: dict[str, tuple[int, int]] = field(default_factory=dict)
    last_by_worker: dict[tuple[str, int], float] = field(default_factory=dict)

    def last_answer(self, uid: str) -> float:
        """When the last request was sent that the pod answered, on whatever connection; -infinity without any."""
        return max(self.last_new.get(uid, -math.inf), self.last_kept.get(uid, -math.inf))


def answers(requests: Requests, pods: Sequence[Life]) -> Answers:
    """Who answered, from the pods' names in the answers. A name that came again belongs to the pod that lived then."""
    answered = requests.frame.lazy().filter(
        pl.col("outcome").is_in(["ok", "status"]),
        pl.col("pod") != "",
        pl.col("started").is_not_null(),
    )
    bearers: dict[str, list[Life]] = {}
    for pod in sorted(pods, key=lambda pod: pod.first_seen):
        bearers.setdefault(pod.name, []).append(pod)
    counts = [pl.len().alias("n"), pl.col("failed").sum().alias("bad")]
    rows = (
        answered.group_by("pod", "reused").agg(*EXTENT, *counts).with_columns(pl.col("pod").cast(pl.String)).collect()
    )
    found = Answers(named=len(rows) > 0)
    for name, reused, sent, first, last, n, bad in rows.iter_rows():
        before = found.by_name.get(name, (0, 0))
        found.by_name[name] = (before[0] + n, before[1] + bad)
        living = bearers.get(name, [])
        if len(living) == 1:
            _add(found, living[0].uid, reused, (sent, first, last))
        else:
            _add_each(found, answered.filter(pl.col("pod") == name, pl.col("reused") == reused), living, reused)
    if requests.frame["worker"].n_unique() > 1:
        _add_workers(found, answered, bearers)
    return found


def _add(found: Answers, uid: str, reused: bool, extent: tuple[float, float, float]) -> None:
    if reused:
        _, found.first_kept[uid], found.last_kept[uid] = extent
    else:
        found.first_sent[uid], found.first_new[uid], found.last_new[uid] = extent


def _add_each(found: Answers, answered: pl.LazyFrame, living: Sequence[Life], reused: bool) -> None:
    """Of pods that had one name after another, each until the next was seen."""
    ends = [*(pod.first_seen for pod in living[1:]), math.inf]
    since = -math.inf
    for pod, until in zip(living, ends, strict=False):
        own = answered.filter(pl.col("started").is_between(since, until, closed="left")).select(EXTENT).collect()
        if own.item(0, "first") is not None:
            _add(found, pod.uid, reused, own.row(0))
        since = until


def _add_workers(found: Answers, answered: pl.LazyFrame, bearers: Mapping[str, Sequence[Life]]) -> None:
    """The last new connection of each worker to each pod whose name is its own."""
    fresh = answered.filter(~pl.col("reused")).group_by("pod", "worker").agg(pl.col("started").max())
    for name, worker, last in fresh.with_columns(pl.col("pod").cast(pl.String)).collect().iter_rows():
        if len(living := bearers.get(name, [])) == 1:
            found.last_by_worker[living[0].uid, worker] = last
