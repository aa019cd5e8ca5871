"""Answers with errors and the pods that they come from -> those by which a stopping pod turned requests away.

A server that has been told to stop may go on listening and answer whatever still comes with an error. Its pod did so
because of the rollout; the errors that any pod answers with are the application's. So the pods that were stopping are
held against those in service: by name where answers name their pod, else by time.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.intervals import NOBODY, Spans, cover
from harness.analysis.observed.lateness import WATCH_S
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.pods import Life
from harness.analysis.statistics import excess

CHANCE = 0.001
"""How improbable it must be that pods in service would have answered with so many errors."""

NEIGHBOURS = 10
"""So many answers before an error are looked at, and so many after it, whoever gave them ..."""

LEAST_GOOD = 0.25
"""... and so large a part of both is good where one of several pods fails: more are listed than stop."""


def turned_away(seen: Observed, own: NDArray[np.int64], stopping: Spans) -> NDArray[np.bool_]:
    """Per failure, whether it is an error answer of a pod that was stopping, such as pods in service do not give.

    `own`: the pod at the other end, where it is known. `stopping`: when pods may have known that they are to stop, with
    the pod's position; used where no answer names its pod.
    """
    failures = seen.requests.failures
    status, ended = (failures["outcome"] == "status").to_numpy(), failures["ended"].to_numpy()
    if not status.any():
        return np.zeros(len(failures), dtype=bool)
    if not seen.answers.named:
        return _by_time(seen, status, ended, stopping)
    told = np.array([*map(_told_to_stop, seen.pods), np.inf])  # the last is NOBODY's
    suspects = status & (own != NOBODY) & (ended >= told[own])
    answered, named_errors = _answers_while_stopping(seen)
    errors = max(named_errors, int(suspects.sum()))  # a kept connection tells the pod of those that do not name it
    answered += errors - named_errors
    others = len(_answered(seen)) - answered
    more = excess(errors, answered, int(status.sum()) - errors, others) < CHANCE
    # What answers in a pod's place, as it stops, may not name it though the pod does.
    unnamed = _by_time(seen, status & (own == NOBODY), ended, stopping)
    if unnamed.any():
        unnamed &= _among_good(seen, ended) | (cover(_serving(seen), ended).count == 0)
    return (suspects | unnamed) if more else unnamed


def _told_to_stop(pod: Life) -> float:
    """When one of its containers can have heard at the earliest that it is to stop: after what preStop hooks sleep."""
    return pod.deletion + pod.promise.untold_s - WATCH_S if pod.deletion is not None else np.inf


def _by_time(
    seen: Observed, status: NDArray[np.bool_], ended: NDArray[np.float64], stopping: Spans
) -> NDArray[np.bool_]:
    """The same where no answer names its pod: errors that come while pods are stopping, and at no other time.

    Where they also come more often after the first update than before, with no pod stopping, the new version fails, and
    nothing can be said of the old one.
    """
    answered, first = _answered(seen), min(seen.windows.updates, default=np.inf)
    within, bad_within = cover(stopping, answered).count > 0, cover(stopping, ended).count > 0
    later, bad_later = (~within & (answered >= first)).sum(), (status & ~bad_within & (ended >= first)).sum()
    before, bad_before = (answered < first).sum(), (status & (ended < first)).sum()
    suspects = status & bad_within & (ended >= first)
    more = excess(int(suspects.sum()), int(within.sum()), int(bad_later + bad_before), int(later + before)) < CHANCE
    new_fails = excess(int(bad_later), int(later), int(bad_before), int(before)) < CHANCE
    return suspects if more and not new_fails else np.zeros_like(suspects)


def _among_good(seen: Observed, ended: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether others were answered well just then: where nobody was, it is no pod that stops, but all of them that
    fail."""
    well = seen.requests.frame.lazy().filter(pl.col("outcome") == "ok").select(pl.col("ended").drop_nulls())
    good = well.collect()["ended"].to_numpy()
    moments, is_good = np.concatenate((good, ended)), np.repeat([1, 0], [len(good), len(ended)])
    order = np.argsort(moments, kind="stable")
    sums = np.concatenate(([0], np.cumsum(is_good[order])))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    mine = place[len(good) :]
    first, last = np.maximum(mine - NEIGHBOURS, 0), np.minimum(mine + 1 + NEIGHBOURS, len(order))
    before, after = sums[mine] - sums[first], sums[last] - sums[mine]
    return np.asarray((before >= LEAST_GOOD * (mine - first)) & (after >= LEAST_GOOD * (last - mine - 1)))


def _serving(seen: Observed) -> Spans:
    """When each pod was listed and had answered a new connection before, so that the data plane knew of it."""
    reached = seen.answers.first_new
    return tuple(
        (max(since, reached[pod.uid]), until, at)
        for at, pod in enumerate(seen.pods)
        if pod.uid in reached
        for since, until in seen.endpoints.listed.get(pod.uid, ())
        if reached[pod.uid] <= until
    )


def _answered(seen: Observed) -> NDArray[np.float64]:
    """When each answer came."""
    return seen.requests.frame.filter(pl.col("outcome").is_in(["ok", "status"]))["ended"].drop_nulls().to_numpy()


def _answers_while_stopping(seen: Observed) -> tuple[int, int]:
    """How many answers pods gave after they were told to stop, and how many of those were errors."""
    stopping = [(pod.name, _told_to_stop(pod), pod.gone or np.inf) for pod in seen.pods if pod.deletion is not None]
    ends = pl.LazyFrame(
        stopping, schema={"pod": pl.String, "since": pl.Float64, "until": pl.Float64}, orient="row"
    ).with_columns(pl.col("pod").cast(pl.Categorical))
    counts = (
        seen.requests.frame.lazy()
        .filter(pl.col("outcome").is_in(["ok", "status"]))
        .select("pod", "ended", "failed")
        .join(ends, on="pod")
        .filter(pl.col("ended").is_between("since", "until"))
        .select(n=pl.len(), bad=pl.col("failed").sum())
        .collect()
    )
    return int(counts.item(0, "n")), int(counts.item(0, "bad") or 0)
