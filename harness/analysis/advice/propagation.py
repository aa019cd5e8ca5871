"""Endpoints as the watch showed them, and who was reached when -> how long changes took to reach the client."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate

from harness.analysis.advice.pooled import as_another_ended, until_its_end, without_pool
from harness.analysis.advice.reach import Reach
from harness.analysis.causes.explained import Explained
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.pods import Life
from harness.model.kubernetes_version import applied_at_once
from harness.model.lags import Interval, Lag, Lags, Propagation, RolloutLag

UNREACHED = "no connection is known to have reached it"
UNNAMED = "answers do not name their pod (set load.pod_header), and no failure shows which it was"


def propagation(seen: Observed, why: Explained) -> Propagation:
    """Removal and addition lags of a run, each with the interval in which it lies.

    Removal lag: from the moment the watch first showed that the endpoint is to get no more, because it terminates (or
    the pod's deletion), to the last *new* connection that still went to that pod. Addition lag: from Ready to the first
    request that reached the pod, be it that the pod was not listening yet and its kernel refused.
    """
    ending = [at for at, pod in enumerate(seen.pods) if pod.deletion is not None]
    fresh = [at for at, pod in enumerate(seen.pods) if pod.created is not None and pod.ready is not None]
    busy = seen.run.info.churn_s is not None
    reach = Reach(seen, why)
    removed = (without_pool(seen, seen.pods[at], _removal(seen, reach, at), until_its_end) for at in ending)
    added = (without_pool(seen, seen.pods[at], _addition(seen, reach, at), as_another_ended) for at in fresh)
    return Propagation(
        path=seen.run.info.path,
        removal=_summary(_counting(seen, removed)),
        addition=_summary(_counting(seen, added)),
        quiet=not busy,
        note="" if busy else _quiet(seen.run.info.cluster.kubernetes),
    )


def _quiet(kubernetes: str | None) -> str:
    return (
        f"measured without churn: after quiet {applied_at_once(kubernetes)}, so a busy cluster may be slower by up to "
        "its whole period"
    )


def pooled_propagation(results: Sequence[tuple[Propagation | None, int]]) -> Propagation | None:
    """The lags of several runs as one's; beside each its number of rollouts, from which the next one's are numbered."""
    known = [result for result, _ in results if result is not None]
    if not known or len(known) < len(results):
        return None
    offsets = [0, *accumulate(rollouts for _, rollouts in results)][: len(known)]

    def renumbered(sides: Sequence[Lags]) -> Lags:
        return _summary(
            [
                replace(lag, rollout=None if lag.rollout is None else lag.rollout + offset)
                for side, offset in zip(sides, offsets, strict=True)
                for lag in side.pods
            ]
        )

    return replace(
        known[0],
        removal=renumbered([result.removal for result in known]),
        addition=renumbered([result.addition for result in known]),
    )


def _counting(seen: Observed, lags: Iterable[Lag]) -> list[Lag]:
    """Those in rollouts that were measured whole: of an interrupted one the requests are not there that would tell."""
    gone_on = seen.run.info.gone_on
    until = math.inf if gone_on is None else gone_on.until
    return [lag for lag in lags if lag.rollout is not None and lag.since < until]


def _rollout(seen: Observed, t: float) -> int | None:
    span = seen.windows.at(t)
    return None if span is None else span.rollout


def _removal(seen: Observed, reach: Reach, at: int) -> Lag:
    pod = seen.pods[at]
    shown = left(seen, pod)
    since = shown if shown is not None else pod.deletion or 0.0
    # Shown late, it took longer; a deletion is taken as the earliest that it can have been.
    earlier_s = seen.stalls.slack("EndpointSlice", since) if shown is not None else 0.0
    later_s = seen.stalls.slack("Pod", since) if shown is None else 0.0
    workers = {str(worker): reach.last(at, since, worker) for worker in reach.workers} if len(reach.workers) > 1 else {}
    return _lag(
        seen,
        pod,
        since,
        _wider(reach.last(at, since), earlier_s, later_s),
        by_worker={name: wide for name, told in workers.items() if (wide := _wider(told, earlier_s, later_s))},
    )


def left(seen: Observed, pod: Life) -> float | None:
    """When the watch showed that its endpoint was to get no more: as it was terminating, or later, where no other was
    ready and the proxy still sends to those that serve while they terminate (KEP-1669), be it again."""
    shown = seen.endpoints.terminating.get(pod.uid)
    if shown is None:
        return None
    spans = seen.endpoints.listed.get(pod.uid, ())
    return max((until for _, until in spans if shown < until < math.inf), default=shown)


def _addition(seen: Observed, reach: Reach, at: int) -> Lag:
    pod = seen.pods[at]
    ready = pod.ready or 0.0
    return _lag(seen, pod, ready, _wider(reach.first(at, ready), seen.stalls.slack("Pod", ready), 0.0))


def _wider(told: Interval | None, earlier_s: float, later_s: float) -> Interval | None:
    """The lag from a moment that may have been so much earlier, or later."""
    if told is None:
        return None
    return Interval(
        earliest_s=round(max(0.0, told.earliest_s - later_s), 6), latest_s=round(told.latest_s + earlier_s, 6)
    )


def _lag(
    seen: Observed, pod: Life, since: float, told: Interval | None, *, by_worker: dict[str, Interval] | None = None
) -> Lag:
    untold = UNREACHED if seen.answers.named else UNNAMED
    return Lag(
        pod=pod.name,
        rollout=_rollout(seen, since),
        since=round(since, 6),
        lag=told,
        note="" if told is not None else untold,
        by_worker=by_worker or {},
    )


def _summary(lags: Sequence[Lag]) -> Lags:
    known = [lag.lag for lag in lags if lag.lag is not None]
    by_rollout: dict[int, list[Interval]] = {lag.rollout: [] for lag in lags if lag.rollout is not None}
    for lag in lags:
        if lag.rollout is not None and lag.lag is not None:
            by_rollout[lag.rollout].append(lag.lag)
    return Lags(
        n=len(known),
        p50=_quantile(known, 0.5),
        p90=_quantile(known, 0.9),
        max=_quantile(known, 1.0),
        pods=tuple(lags),
        by_rollout=tuple(
            RolloutLag(rollout=number, n=len(some), max=_quantile(some, 1.0))
            for number, some in sorted(by_rollout.items())
        ),
    )


def _quantile(known: Sequence[Interval], share: float) -> Interval | None:
    """The interval of the nearest-rank quantile, that of both ends; None of nothing.

    >>> _quantile([Interval(earliest_s=1.0, latest_s=2.0), Interval(earliest_s=0.5, latest_s=3.0)], 1.0)
    Interval(earliest_s=1.0, latest_s=3.0)
    """
    if not known:
        return None
    rank = max(0, math.ceil(share * len(known)) - 1)
    return Interval(
        earliest_s=sorted(one.earliest_s for one in known)[rank], latest_s=sorted(one.latest_s for one in known)[rank]
    )
