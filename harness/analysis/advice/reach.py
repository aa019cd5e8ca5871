"""Answers, failures and where each may have gone -> between which moments a pod was reached first, and last."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import bdtr

from harness.analysis.causes.conntrack import UNANSWERED
from harness.analysis.causes.explained import Explained
from harness.analysis.causes.failures import CUT
from harness.analysis.causes.intervals import NOBODY, Spans, cover
from harness.analysis.causes.row import Flag, Way
from harness.analysis.causes.streaks import LIKELY
from harness.analysis.observed.lateness import WATCH_S
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.pods import Life
from harness.model.lags import Interval
from harness.model.request import Outcome
from harness.model.result import Cause

Mask = NDArray[np.bool_]
Places = NDArray[np.int64]
Times = NDArray[np.float64]

_NONE: Places = np.zeros(0, dtype=np.int64)

_ENDS = (
    (("connect-refused",), Way.REFUSING, Way.LOOSE_REFUSING),
    (UNANSWERED, Way.VANISHED, Way.LOOSE_VANISHED),
    (CUT, Way.STOPPING, Way.LOOSE_STOPPING),
)
"""How a new connection fails at a pod that ends, and when it may have."""

_ENDS_BEHIND = (
    (("connect-refused", "status"), Way.REFUSING, Way.LOOSE_REFUSING),
    ((*UNANSWERED, "read-timeout", "status"), Way.VANISHED, Way.LOOSE_VANISHED),
    (CUT, Way.STOPPING, Way.LOOSE_STOPPING),
)
"""The same behind what ends TCP before the pods, which answers for them, or keeps its client waiting."""

_OF_THE_END = (Cause.TERMINATION_RACE, Cause.IN_FLIGHT_KILL, Cause.UNKNOWN)
_OF_THE_START = (Cause.CREATION_RACE, Cause.UNKNOWN)
_OF_OTHERS = (Cause.TERMINATION_RACE, Cause.IN_FLIGHT_KILL, Cause.STALE_CONNTRACK, Cause.NO_ENDPOINTS)
"""What no pod that came can have failed, unless it is that no answer came in time: that looks alike of every pod."""

_WAYS = (Way.STARTING, *chain.from_iterable((strict, loose) for _, strict, loose in _ENDS))


class Reach:
    """The new connections of a run, asked for those that went to one pod, surely or possibly; behind what ends TCP
    before the pods, where each request is sent anew, all requests.

    A connection that was answered tells its pod, where answers do; one that failed went to the only pod of which that
    was possible, or to one of several.
    """

    def __init__(self, seen: Observed, why: Explained) -> None:
        self._seen, self._why = seen, why
        self._anew = seen.run.info.way.ends_tcp
        self._ends = _ENDS_BEHIND if self._anew else _ENDS
        failed = seen.requests.failures
        outcome = failed["met"].cast(pl.String)
        self._with_outcome: dict[Sequence[str], Mask] = {
            outcomes: outcome.is_in(outcomes).to_numpy() for outcomes, *_ in self._ends
        }
        self._worker = failed["worker"].to_numpy()
        self._silent = _is_one_of(why.failures.outcome, UNANSWERED)
        dropped = self._silent & why.failures.flags[Flag.NODE_WITHOUT_POD]  # by a node, and not at a pod
        fresh = (~why.failures.reused | self._anew) & np.isfinite(why.failures.sent) & ~dropped
        nobodys = fresh & (why.causes.pod == NOBODY)
        self._unsure_end = nobodys & _is_one_of(why.causes.cause, _OF_THE_END)
        self._unsure_start = nobodys & _is_one_of(why.causes.cause, _OF_THE_START)
        self._of_pod = _grouped(why.causes.pod, fresh)
        self._by_time = np.flatnonzero(nobodys)[np.argsort(why.failures.sent[nobodys], kind="stable")]
        self._times = why.failures.sent[self._by_time]
        self._punctual = {
            strict: cover(why.windows[strict], why.failures.sent).count > 0 for _, strict, _ in self._ends
        }
        self._spans = {way: _by_pod(why.windows[way]) for way in _WAYS}
        self._sent = _sent_by_worker(seen, anew=self._anew)
        self.workers = tuple(self._sent)
        self._blank = _blank(seen, why)
        self.gap_s = gap_s(seen)

    def last(self, at: int, since: float, worker: int | None = None) -> Interval | None:
        """How long after `since` the last connection went to the pod, of one worker or of all; None where none told.

        What it answered and what surely failed at it is the least; what may have failed at it is the most, as long as
        that is its share of all that were sent.
        """
        pod, found, sent = self._seen.pods[at], self._why.causes, self._why.failures.sent
        answered = self._answered_last(pod.uid, worker)
        mine = self._of(worker, self._of_pod.get(at, _NONE))
        maybe = self._of(worker, self._maybe_last(at, since))
        if not self._seen.answers.named:
            mine = mine[sent[mine] >= since]
            either = np.concatenate((mine, maybe))
            raced = either[found.cause[either] == Cause.TERMINATION_RACE]
            if not len(raced) or not self._was_listed(pod):
                return None
            if self._with_outcome[CUT][raced].all() and pod.ended is not None:
                # That it listened no more is not known; when its end was shown, it did not.
                return self._interval(0.0, self._latest(at, mine, maybe, pod.ended) - since + self.gap_s)
            if not len(mine):  # all may have been another pod's
                return self._interval(0.0, self._latest(at, mine, maybe, since) - since + self.gap_s)
        sure = max([answered, *sent[mine].tolist()])
        if not math.isfinite(sure):
            return None
        return self._interval(sure - since, self._latest(at, mine, maybe, sure) - since + self.gap_s)

    def first(self, at: int, since: float) -> Interval | None:
        """How long after `since` the first connection went to the pod; None where none is known to have.

        At the latest it was the first that it surely got, at the earliest the first that it may have refused, or got
        and answered too late, or without its name.
        """
        found, sent = self._why.causes, self._why.failures.sent
        mine = self._of_pod.get(at, _NONE)
        if not self._seen.answers.named:
            mine = mine[found.cause[mine] == Cause.CREATION_RACE]  # what it answered before it failed is not known
        mine = mine[~self._silent[mine]]  # silence was not of a pod that had come
        answered = self._answered_first(self._seen.pods[at].uid)
        sure = min([answered, *sent[mine].tolist()])
        if not math.isfinite(sure):
            return None
        starting = self._within(Way.STARTING, at)
        maybe = sent[starting[self._unsure_start[starting]]]
        tried = self._seen.answers.first_sent.get(self._seen.pods[at].uid, math.inf)
        earliest = min([sure, max(tried, since), self._first_blank(at, since), *maybe.tolist()])
        return self._interval(earliest - since - self.gap_s, sure - since + self.gap_s)

    def _first_blank(self, at: int, since: float) -> float:
        """When the first connection was sent that may have gone to the pod, and does not tell whose it was."""
        spans = self._seen.endpoints.listed.get(self._seen.pods[at].uid, ())
        listed = next((start - WATCH_S for start, end in spans if end > since), since)
        return float(min(self._blank[np.searchsorted(self._blank, max(since, listed)) :][:1], default=math.inf))

    def _was_listed(self, pod: Life) -> bool:
        return not self._seen.endpoints.known or bool(self._seen.endpoints.listed.get(pod.uid))

    def _latest(self, at: int, mine: Places, maybe: Places, least: float) -> float:
        both = np.union1d(mine, maybe)
        return max([least, *(self._likely_last(at, both, worker) for worker in self.workers)])

    def _interval(self, earliest_s: float, latest_s: float) -> Interval:
        return Interval(earliest_s=round(max(0.0, earliest_s), 6), latest_s=round(max(0.0, latest_s), 6))

    def _answered_last(self, uid: str, worker: int | None) -> float:
        answers = self._seen.answers
        if self._anew and worker is None:
            return answers.last_answer(uid)
        found = answers.last_new.get(uid) if worker is None else answers.last_by_worker.get((uid, worker))
        return -math.inf if found is None else found

    def _answered_first(self, uid: str) -> float:
        answers = self._seen.answers
        kept = answers.first_kept.get(uid, math.inf) if self._anew else math.inf
        return min(answers.first_new.get(uid, math.inf), kept)

    def _of(self, worker: int | None, some: Places) -> Places:
        return some if worker is None else some[self._worker[some] == worker]

    def _within(self, way: Way, at: int) -> Places:
        """The failures of no known pod that were sent while that was possible at this one."""
        spans = self._spans[way].get(at, ())
        firsts = np.searchsorted(self._times, [start for start, _, _ in spans], side="left")
        lasts = np.searchsorted(self._times, [end for _, end, _ in spans], side="right")
        parts = [self._by_time[first:last] for first, last in zip(firsts, lasts, strict=True)]
        return np.unique(np.concatenate(parts)) if parts else _NONE

    def _maybe_last(self, at: int, since: float) -> Places:
        """Which failures may have been this pod's, and may have been another's."""
        maybe = [_NONE]
        for outcomes, strict, loose in self._ends:
            for way, punctual in ((strict, True), (loose, False)):
                some = self._within(way, at)
                possible = (self._punctual[strict][some] == punctual) & self._with_outcome[outcomes][some]
                maybe.append(some[possible & self._unsure_end[some] & (self._why.failures.sent[some] >= since)])
        return np.unique(np.concatenate(maybe))

    def _likely_last(self, at: int, candidates: Places, worker: int) -> float:
        """The last of one worker's candidates up to which they are so many that the pod can have had its share.

        Each of m endpoints gets its share of new connections. From its end on, all that went to the pod failed: where
        far fewer did (binomial, p < 0.001) than its share up to some moment, it was not sent to until then.
        """
        times = np.sort(self._why.failures.sent[self._of(worker, candidates)])
        gone = self._seen.pods[at].ended
        late = times[times > gone] if gone is not None else times[:0]
        likely = times[: len(times) - len(late)][-1:].tolist()
        if len(late) and gone is not None:
            sent = self._sent[worker]
            number = np.searchsorted(sent, late, side="right") - np.searchsorted(sent, gone, side="right")
            failed = np.arange(1, len(late) + 1)
            share = 1.0 / (self._seen.endpoints.most + 1)
            likely += late[bdtr(failed, np.maximum(number, failed), share) >= LIKELY][-1:].tolist()
        return float(max(likely, default=-math.inf))


def _is_one_of(values: NDArray[np.object_], some: Iterable[str]) -> Mask:
    """Per value, whether it is one of those; `np.isin` sorts objects, which takes a hundred times as long."""
    found: Mask = np.zeros(len(values), bool)
    for one in some:
        found |= values == one
    return found


def _grouped(pods: Places, taken: Mask) -> dict[int, Places]:
    """By pod the failures that are its, as far as they are taken."""
    places = np.flatnonzero(taken)
    order = places[np.argsort(pods[places], kind="stable")]
    names, firsts = np.unique(pods[order], return_index=True)
    return dict(zip(names.tolist(), np.split(order, firsts[1:]), strict=True)) if len(order) else {}


def _by_pod(windows: Spans) -> dict[int, Spans]:
    """Spans by the pod that they are of."""
    found: dict[int, list[tuple[float, float, int]]] = {}
    for span in windows:
        found.setdefault(span[2], []).append(span)
    return {at: tuple(spans) for at, spans in found.items()}


def _blank(seen: Observed, why: Explained) -> Times:
    """When the new connections were sent, ascending, that were accepted and got no answer with a pod's name; none
    where no answer has one."""
    if not seen.answers.named:
        return np.zeros(0)
    good = seen.requests.frame.lazy().filter(~pl.col("reused"), ~pl.col("failed"), ~pl.col("unsent"))
    nameless = good.filter(pl.col("pod").cast(pl.String).fill_null("") == "").select("started").drop_nulls().collect()
    rows, found, failed = seen.requests.failures, why.causes, why.failures
    accepted = (rows["connected"].is_not_null() & (rows["pod"] == "")).to_numpy() & ~failed.reused
    anybodys = (failed.outcome == Outcome.READ_TIMEOUT) | ~_is_one_of(found.cause, _OF_OTHERS)
    unanswered = failed.sent[accepted & anybodys & (found.pod == NOBODY)]
    return np.sort(np.concatenate((nameless["started"].to_numpy(), unanswered)))


def _sent_by_worker(seen: Observed, *, anew: bool) -> dict[int, Times]:
    """When each worker sent its new connections, ascending; where each request is sent `anew`, all requests."""
    fresh = (
        seen.requests.frame.lazy().filter(~pl.col("reused") | anew).select("worker", "started").drop_nulls().collect()
    )
    parts: Iterable[tuple[int, pl.Series]] = (
        (worker, fresh.filter(pl.col("worker") == worker)["started"]) for worker in fresh["worker"].unique().sort()
    )
    return {worker: (started if started.is_sorted() else started.sort()).to_numpy() for worker, started in parts}


def gap_s(seen: Observed) -> float:
    """The mean time between two new connections to one endpoint; the whole run's length without any."""
    fresh = ~seen.requests.frame["reused"]
    total = int(fresh.sum() or 0)
    span = seen.requests.last - seen.requests.first
    return span if not total or span <= 0 else span / total * max(1, seen.endpoints.most)
