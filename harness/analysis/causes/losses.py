"""Unanswered connections and requests, and what rollouts did meanwhile -> whether losses on the way explain them.

A pod that is gone and still listed takes its share of new connections until the data plane has synced. A pod that has
been told to stop and accepts no more takes its share too: its kernel connects, and nobody reads. Both are held against
the times in which nothing was done (`chance`): what a network loses there, it loses in a rollout as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.chance import Intervals, Losses, Sample, everywhere, held_against_chance
from harness.analysis.causes.data_plane import DataPlane
from harness.analysis.causes.intervals import Spans
from harness.analysis.causes.row import Way
from harness.analysis.causes.streaks import Streaks
from harness.analysis.causes.time_windows import TimeWindows
from harness.analysis.observed.endpoints import Endpoints
from harness.analysis.observed.observed import Observed
from harness.model.run import RunInfo
from harness.spec.ways_in import is_local, is_sticky, prefers_near
from harness.spec.workload import services

_GONE = (Way.VANISHED, Way.LOOSE_VANISHED)
_STOPPING = (Way.UNACCEPTING, Way.STOPPING, Way.LOOSE_STOPPING)
_BY_CLIENT = frozenset({"ipvs"})  # its scheduler, which is not on record, may go by the client's address
_ANYHOW = (
    *(Way.REFUSING, Way.LOOSE_REFUSING, *_GONE, *_STOPPING),
    *(Way.STARTING, Way.UNREGISTERED, Way.CRASHED),
)


def losses(
    seen: Observed,
    unanswered: NDArray[np.bool_],
    timed_out: NDArray[np.bool_],
    work_s: NDArray[np.float64],
    streaks: Streaks,
    plane: DataPlane,
    windows: TimeWindows,
) -> Losses:
    """Hold what was not answered against chance.

    Per failure, `unanswered`: nobody answered its SYN; `timed_out`: it was connected, and no answer came in time;
    `work_s`: what the slowest answers of its stream take, seconds. Of all others everything is False.
    """
    failures, requests = seen.requests.failures, seen.requests
    sent, refused = failures["started"].to_numpy(), (failures["outcome"] == "connect-refused").to_numpy()
    rolling = _rolling(seen, plane)
    chain, chance, background, others_too, at_stops = (np.zeros(len(sent), dtype=bool) for _ in range(5))

    def hold(
        lost: NDArray[np.bool_],
        others: NDArray[np.float64],
        good: NDArray[np.float64],
        ways: tuple[Way, ...],
        busy_s: NDArray[np.float64],
        reachable: Callable[[NDArray[np.bool_]], _Reachable | None] = lambda _: None,
        deaf: Spans = (),
    ) -> None:
        # What was lost before anything was answered, as a balancer warms up, is not what is lost at other times.
        early = lost & (sent < (good[0] if len(good) else -math.inf))
        chance[early], lost = True, lost & ~early
        if not lost.any():
            return
        sample = Sample(
            lost=sent[lost],
            suspects=_how_many(_times(windows, ways), sent[lost], sent[lost] + busy_s[lost], reachable(lost)),
            refused=others,
            good=good,
            endpoints=seen.endpoints.most,
            fewest=shared_among(seen, plane, sent[lost]),
            first=requests.first,
            last=requests.last,
        )
        before_s = float(busy_s[lost].max())
        spans = [(start - before_s, end) for start, end, _ in _times(windows, ways)]
        found = held_against_chance(sample, spans, rolling, [(start, end) for start, end, _ in deaf])
        chain[lost], chance[lost], background[lost] = found.chain, found.chance, found.background
        others_too[lost], at_stops[lost] = found.everywhere, found.at_stops

    if unanswered.any():
        # What was refused was not lost, but it shows as well that a pod was still sent to.
        hold(unanswered, sent[refused], streaks.good, _GONE, np.zeros_like(sent), deaf=windows[Way.UNACCEPTING])
    if timed_out.any():
        # What its pod was still working on as it began to stop had been sent a little before.
        hold(
            timed_out,
            np.empty(0),
            _answered(seen),
            _blamed_for_time_outs(seen),
            work_s,
            partial(_reachable, seen, windows),
            deaf=windows[Way.UNACCEPTING],
        )
    return Losses(chain=chain, chance=chance, background=background, everywhere=others_too, at_stops=at_stops)


def off_stopping_lists(
    seen: Observed, some: NDArray[np.bool_], until: NDArray[np.float64], windows: TimeWindows
) -> NDArray[np.bool_]:
    """Which of `some` failures were sent on connections that a data plane which keeps its period no longer led to any
    of the pods that stopped before `until`, when each ended or can have been worked on at the latest."""
    found, ways = np.zeros_like(some), _blamed_for_time_outs(seen)
    if not some.any():
        return found
    sent = seen.requests.failures["started"].to_numpy()[some]
    found[some] = _how_many(_times(windows, ways), sent, until[some], _reachable(seen, windows, some)) == 0
    return found


def _blamed_for_time_outs(seen: Observed) -> tuple[Way, ...]:
    """Behind a hop that ends connections, a pod that is gone keeps its share waiting as well."""
    return (*_STOPPING, *_GONE) if seen.run.info.way.ends_tcp else _STOPPING


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reachable:
    """Until when the data plane sends to each pod that leaves, by position; and which of some failures went out on a
    connection that leads to its pod whatever the data plane lists by then (`pinned`)."""

    until: dict[int, float]
    pinned: NDArray[np.bool_]


def _reachable(seen: Observed, windows: TimeWindows, some: NDArray[np.bool_]) -> _Reachable:
    """Of a hop that ends connections, be they kept, that it keeps its period is not taken for granted. Nor is it of any
    data plane before a new connection was answered well: nobody else may be known to it yet."""
    ends_tcp = seen.run.info.way.ends_tcp
    reused = seen.requests.failures["reused"].to_numpy()[some]
    well = seen.requests.frame.lazy().filter(pl.col("outcome") == "ok", ~pl.col("reused"))
    began = np.append(well.select(pl.col("started").drop_nulls().sort()).collect()["started"].to_numpy(), math.inf)
    spans = windows[Way.SENT_TO if ends_tcp else Way.LISTED]
    after = began[np.minimum(np.searchsorted(began, [end for _, end, _ in spans]), len(began) - 1)]
    return _Reachable(
        until={pod: t for (_, _, pod), t in zip(spans, after.tolist(), strict=True)},
        pinned=np.zeros_like(reused) if ends_tcp else reused,
    )


def at_once_everywhere(
    seen: Observed, at_once: NDArray[np.bool_], streaks: Streaks, plane: DataPlane, windows: TimeWindows
) -> NDArray[np.bool_]:
    """Which of the new connections that failed `at_once`, refused or reset, are more than the share of the pods that
    were stopping, starting or down: so pods in service failed too, or what stands before them.
    """
    found = np.zeros(len(at_once), dtype=bool)
    if at_once.any():
        sent = seen.requests.failures["started"].to_numpy()[at_once]
        found[at_once] = everywhere(
            Sample(
                lost=sent,
                suspects=_how_many(_times(windows, _ANYHOW), sent, sent),
                refused=np.empty(0),
                good=streaks.good,
                endpoints=seen.endpoints.most,
                fewest=shared_among(seen, plane, sent),
                first=seen.requests.first,
                last=seen.requests.last,
            )
        )
    return found


def shared_among(seen: Observed, plane: DataPlane, moments: NDArray[np.float64]) -> NDArray[np.int64]:
    """Among how few pods connections of each moment were shared out at least: so many as were listed then, or just
    before, of which the data plane may not have heard since."""
    if _goes_to_one(seen.run.info):
        return np.ones(len(moments), dtype=np.int64)
    at, listed = _listed(seen.endpoints)
    first, last = (np.searchsorted(at, t, side="right") - 1 for t in (moments - plane.longest_lag_s, moments))
    pairs = np.column_stack((first, last + 1)).ravel()
    return np.asarray(np.minimum.reduceat(np.append(listed, seen.endpoints.most), pairs)[::2], dtype=np.int64)


def _listed(known: Endpoints) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Moments, ascending, and how many pods were listed from each on."""
    spans = [span for each in known.listed.values() for span in each]
    starts, ends = (np.sort([span[side] for span in spans]) for side in (0, 1))
    at = np.unique(np.concatenate((starts, ends[np.isfinite(ends)], [-math.inf])))
    listed = np.searchsorted(starts, at, side="right") - np.searchsorted(ends, at, side="right")
    listed[0] = known.most  # nothing is known of before
    return at, listed


def _goes_to_one(info: RunInfo) -> bool:
    """Whether all connections of a client may go to one pod, of however many."""
    web = services(info.manifests, info.service)
    return info.cluster.proxy.mode in _BY_CLIENT or any(
        is_local(one, info.path) or is_sticky(one) or prefers_near(one) for one in web
    )


def _times(windows: TimeWindows, ways: tuple[Way, ...]) -> Spans:
    return tuple(span for way in ways for span in windows[way])


def _how_many(
    spans: Spans, since: NDArray[np.float64], until: NDArray[np.float64], reachable: _Reachable | None = None
) -> NDArray[np.int64]:
    """Of how many pods a span touches each [since, until], which may have been sent to since; twice, where two of one
    pod do. `since` ascends."""
    apart: dict[int, list[tuple[float, float]]] = {}
    for start, end, pod in sorted(spans):
        own = apart.setdefault(pod, [])
        if own and start <= own[-1][1]:
            own[-1] = (own[-1][0], max(own[-1][1], end))
        elif start <= end:
            own.append((start, end))
    longest_s = float((until - since).max(initial=0.0))
    found = np.zeros(len(since), dtype=np.int64)
    for pod, start, end in ((pod, *span) for pod, own in apart.items() for span in own):
        some = slice(int(np.searchsorted(since, start - longest_s)), int(np.searchsorted(since, end, side="right")))
        touched = until[some] >= start
        if reachable is not None:
            touched = touched & (reachable.pinned[some] | (since[some] <= reachable.until.get(pod, math.inf)))
        found[some] += touched
    return found


def _rolling(seen: Observed, plane: DataPlane) -> Intervals:
    """When each rollout went on: until it had settled, and the data plane had heard of it."""
    return [
        (span.update, min(span.end, (span.settled if span.settled is not None else math.inf) + plane.longest_lag_s))
        for span in seen.windows.rollouts
    ]


def _answered(seen: Observed) -> NDArray[np.float64]:
    """When each request was sent that was answered, ascending."""
    good = seen.requests.frame.filter(pl.col("outcome").is_in(["ok", "status"]))["started"].drop_nulls()
    return (good if good.is_sorted() else good.sort()).to_numpy()


def slowest_s(seen: Observed, timed_out: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Per failure, what the slowest answers of its stream took while nothing was done, but for one in a thousand;
    without any, all the time that it had. Only of those that timed out; of others 0.

    What hangs in a rollout, and answers then, does not tell how long a pod works on a request.
    """
    work_s = np.zeros(len(timed_out))
    if not timed_out.any():
        return work_s
    well = seen.requests.frame.lazy().filter(~pl.col("failed"), ~pl.col("unsent"))
    took = (pl.col("ended") - pl.col("started")).quantile(0.999)
    control = seen.windows.control
    undisturbed = () if control is None else (well.filter(pl.col("scheduled").is_between(*control)),)
    of_stream: dict[str, float] = {}
    for some in (well, *undisturbed):  # of a stream that had no answer there, those of the whole run have to do
        of_stream |= dict(some.group_by(pl.col("stream").cast(pl.String)).agg(took).collect().iter_rows())
    rows = seen.requests.failures
    had_s = (rows["ended"] - rows["started"]).to_numpy()
    known = np.array([of_stream.get(stream, math.inf) for stream in rows["stream"]], dtype=np.float64)
    work_s[timed_out] = np.minimum(known, had_s)[timed_out]
    return work_s
