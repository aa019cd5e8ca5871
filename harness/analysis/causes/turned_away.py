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
from harness.analysis.causes.one_moment import AT_ONCE_S, moments_of
from harness.analysis.observed.lateness import SLOW_WATCH_S, WATCH_S
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.pods import Life
from harness.analysis.statistics import excess

ANSWERED_BADLY = ("status", "protocol-error", "tls-error")
"""What a server that turns a request away may do: a handshake that was only cut short is none of it."""

CHANCE = 0.001
"""How improbable it must be that pods in service would have answered with so many errors."""

NEIGHBOURS = 10
"""So many answers before an error are looked at, and so many after it, whoever gave them ..."""

LEAST_GOOD = 0.25
"""... and so large a part of both is good where one of several pods fails: more are listed than stop."""


def turned_away(
    seen: Observed, own: NDArray[np.int64], stopping: Spans, lag_s: float | None = None
) -> NDArray[np.bool_]:
    """Per failure, whether it is an error answer of a pod that was stopping, such as pods in service do not give.

    `own`: the pod at the other end, where it is known. `stopping`: when pods may have known that they are to stop, with
    the pod's position; used where no answer names its pod. `lag_s`: after which a pod that is listed is sent to; None
    where that is not known.
    """
    failures = seen.requests.failures
    error, ended = _errors(seen), failures["ended"].to_numpy()
    if not error.any():
        return np.zeros(len(failures), dtype=bool)
    if not seen.answers.named:
        suspects = _by_time(seen, error, ended, stopping)
        return suspects & ~_all_fail(seen, suspects, lag_s) if suspects.any() and lag_s is not None else suspects
    told = np.array([*map(_told_to_stop, seen.pods), np.inf])  # the last is NOBODY's
    suspects = error & (own != NOBODY) & (ended >= told[own])
    answered, named_errors = _answers_while_stopping(seen)
    errors = max(named_errors, int(suspects.sum()))  # a kept connection tells the pod of those that do not name it
    answered += errors - named_errors
    others = len(_answered(seen)) - answered
    more = excess(errors, answered, int(error.sum()) - errors, others) < CHANCE
    # What answers in a pod's place, as it stops, may not name it though the pod does.
    unnamed = _by_time(seen, error & (own == NOBODY), ended, stopping)
    if unnamed.any():
        unnamed &= among_good(good_answers(seen), ended, ended) | (cover(_serving(seen), ended).count == 0)
    if not more:
        return unnamed
    # Where the watch was slower than as a rule, a pod was told earlier: it gave errors, and nothing else, from then on.
    early = error & (own != NOBODY) & (ended >= told[own] - (SLOW_WATCH_S - WATCH_S))
    return np.asarray(suspects | unnamed | (early & (ended > _last_good(seen)[own])))


def _errors(seen: Observed) -> NDArray[np.bool_]:
    """Per failure, whether it was answered: with an error, with what is no answer, or with no handshake that was any.

    What ends connections before the pods speaks for itself there, and for no pod.
    """
    met = seen.requests.failures["met"].cast(pl.String)
    return met.is_in(["status"] if seen.run.info.way.ends_tcp else ANSWERED_BADLY).to_numpy()


def _told_to_stop(pod: Life) -> float:
    """When one of its containers can have heard at the earliest that it is to stop: after what preStop hooks sleep."""
    return pod.deletion + pod.promise.untold_s - WATCH_S if pod.deletion is not None else np.inf


def _by_time(
    seen: Observed, error: NDArray[np.bool_], ended: NDArray[np.float64], stopping: Spans
) -> NDArray[np.bool_]:
    """The same where no answer names its pod: errors that come while pods are stopping, and at no other time.

    Where they also come more often after the first update than before, with no pod stopping, the new version fails, and
    nothing can be said of the old one.
    """
    answered, first = _answered(seen), min(seen.windows.updates, default=np.inf)
    within, bad_within = cover(stopping, answered).count > 0, cover(stopping, ended).count > 0
    later, bad_later = (~within & (answered >= first)).sum(), (error & ~bad_within & (ended >= first)).sum()
    before, bad_before = (answered < first).sum(), (error & (ended < first)).sum()
    suspects = error & bad_within & (ended >= first)
    more = excess(int(suspects.sum()), int(within.sum()), int(bad_later + bad_before), int(later + before)) < CHANCE
    new_fails = excess(int(bad_later), int(later), int(bad_before), int(before)) < CHANCE
    return suspects if more and not new_fails else np.zeros_like(suspects)


def good_answers(seen: Observed, *, fresh: bool = False) -> NDArray[np.float64]:
    """When each good answer came, ascending; `fresh`: of those on new connections."""
    well = seen.requests.frame.lazy().filter(pl.col("outcome") == "ok")
    if fresh:
        well = well.filter(~pl.col("reused"))
    return well.select(pl.col("ended").drop_nulls().sort()).collect()["ended"].to_numpy()


def _all_fail(seen: Observed, suspects: NDArray[np.bool_], lag_s: float) -> NDArray[np.bool_]:
    """Which of the errors came while no new connection was answered well, though not all pods were stopping: what all
    need (a database) failed.

    Kept connections stay with their pod, so they say nothing of the others. From the last good answer to the next, the
    first error decides: where nobody else was sent to by then, it may only take long until somebody is. And so many
    must have failed while others were sent to that they did not all go to those that were stopping by chance.
    """
    failures = seen.requests.failures
    ended, fresh = failures["ended"].to_numpy(), ~failures["reused"].to_numpy()
    good = good_answers(seen, fresh=True)
    if not len(good):
        return np.zeros_like(suspects)
    bad = np.sort(ended[suspects & fresh])
    # What ended in one moment was in the hand of one pod: as many answers are not as many looks at the others.
    bad = bad[np.diff(moments_of(bad, AT_ONCE_S), prepend=-1) > 0] if len(bad) else bad
    alone = ~among_good(good, bad, ended) if len(bad) else np.zeros_like(suspects)
    run = np.searchsorted(good, ended)
    first = np.full(len(good) + 1, np.inf)
    np.minimum.at(first, run[suspects], ended[suspects])
    in_service, chance = _listed_in_service(seen, lag_s), np.zeros(len(good) + 1)
    np.add.at(chance, np.searchsorted(good, bad), np.log(_share_of_the_stopping(seen, in_service, bad, lag_s)))
    beyond_chance = chance[run] < np.log(CHANCE)
    return np.asarray(suspects & alone & beyond_chance & (cover(in_service, first[run]).count > 0))


def _share_of_the_stopping(
    seen: Observed, in_service: Spans, moments: NDArray[np.float64], lag_s: float
) -> NDArray[np.float64]:
    """Per moment, the share of new connections that went to pods that were stopping: proxies take any that they know
    of alike."""
    ends = tuple(
        (pod.deletion, min(pod.gone or np.inf, pod.deletion + lag_s), at)
        for at, pod in enumerate(seen.pods)
        if pod.deletion is not None
    )
    stopping = np.maximum(cover(ends, moments).count, 1)
    return np.asarray(stopping / (stopping + cover(in_service, moments).count))


def among_good(good: NDArray[np.float64], bad: NDArray[np.float64], moments: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Per moment, whether others were answered well just then: where nobody was, it is no pod that stops, but all of
    them that fail."""
    every = np.concatenate((good, bad))
    order = np.argsort(every, kind="stable")
    sums = np.concatenate(([0], np.cumsum(order < len(good))))
    start, end = (np.searchsorted(every[order], moments, side) for side in ("left", "right"))
    first, last = np.maximum(start - NEIGHBOURS, 0), np.minimum(end + NEIGHBOURS, len(every))
    before, after = sums[start] - sums[first], sums[last] - sums[end]
    return np.asarray((before >= LEAST_GOOD * (start - first)) & (after >= LEAST_GOOD * (last - end)))


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


def _listed_in_service(seen: Observed, lag_s: float) -> Spans:
    """When each pod was listed, not told to go, and sent to: for as long as it takes from its being listed on."""
    return tuple(
        (since + (0.0 if pod.created is None else lag_s), min(until, going), at)
        for at, pod in enumerate(seen.pods)
        for since, until in seen.endpoints.listed.get(pod.uid, ())
        if since + lag_s <= (going := np.inf if pod.deletion is None else pod.deletion)
    )


def _answered(seen: Observed) -> NDArray[np.float64]:
    """When each answer came."""
    well = seen.requests.frame.filter(pl.col("outcome") == "ok")["ended"].drop_nulls().to_numpy()
    return np.concatenate((well, seen.requests.failures["ended"].to_numpy()[_errors(seen)]))


def _answers_while_stopping(seen: Observed) -> tuple[int, int]:
    """How many answers pods gave after they were told to stop, and how many of those were errors."""
    counts = _while_stopping(seen, 0.0).select(n=pl.len(), bad=pl.col("failed").sum()).collect()
    return int(counts.item(0, "n")), int(counts.item(0, "bad") or 0)


def _last_good(seen: Observed) -> NDArray[np.float64]:
    """By the pod's position, when its last good answer came around its stop or after it; -infinity without any, also
    for NOBODY."""
    well = (
        _while_stopping(seen, SLOW_WATCH_S).filter(pl.col("outcome") == "ok").group_by("at").agg(pl.col("ended").max())
    )
    found = np.full(len(seen.pods) + 1, -np.inf)
    for at, ended in well.collect().iter_rows():
        found[at] = ended
    return found


def _while_stopping(seen: Observed, before_s: float) -> pl.LazyFrame:
    """The answers that pods gave after they were told to stop, or so long before, each with the pod's position `at`."""
    stopping = [
        (pod.name, at, _told_to_stop(pod) - before_s, pod.gone or np.inf)
        for at, pod in enumerate(seen.pods)
        if pod.deletion is not None
    ]
    schema = {"pod": pl.String, "at": pl.Int64, "since": pl.Float64, "until": pl.Float64}
    ends = pl.LazyFrame(stopping, schema=schema, orient="row").with_columns(pl.col("pod").cast(pl.Categorical))
    return (
        seen.requests.frame.lazy()
        .filter(pl.col("outcome").is_in(["ok", "status"]))
        .select("pod", "ended", "failed", "outcome")
        .join(ends, on="pod")
        .filter(pl.col("ended").is_between("since", "until"))
    )
