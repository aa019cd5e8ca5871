"""Endpoints as the watch showed them, and who was reached when -> how long changes took to reach the client."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate

from harness.analysis.causes.explained import Explained
from harness.analysis.causes.intervals import NOBODY
from harness.analysis.causes.row import Way
from harness.analysis.observed.observed import Observed
from harness.model.advice import Lag, Lags, Propagation, RolloutLag
from harness.model.result import Cause

QUIET = (
    "measured without churn: after quiet a proxy applies the first change at once, so a busy cluster may be slower "
    "by up to its whole period"
)


def propagation(seen: Observed, why: Explained) -> Propagation:
    """Removal and addition lags of a run.

    Removal lag: from the moment the watch first showed the endpoint as terminating (or the pod's deletion) to the last
    *new* connection that still went to that pod. Addition lag: from Ready to the first request that reached the pod,
    be it that the pod was not listening yet and its kernel refused.
    """
    gap_s = _gap(seen)
    ending = [at for at, pod in enumerate(seen.pods) if pod.deletion is not None]
    fresh = [at for at, pod in enumerate(seen.pods) if pod.created is not None and pod.ready is not None]
    busy = seen.run.info.churn_s is not None
    return Propagation(
        path=seen.run.info.path,
        removal=_summary(_in_rollouts(_removal(seen, why, at, gap_s) for at in ending)),
        addition=_summary(_in_rollouts(_addition(seen, why, at, gap_s) for at in fresh)),
        quiet=not busy,
        note="" if busy else QUIET,
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


def _in_rollouts(lags: Iterable[Lag]) -> list[Lag]:
    return [lag for lag in lags if lag.rollout is not None]


def _gap(seen: Observed) -> float:
    """The mean time between two new connections to one endpoint; the whole run's length without any."""
    fresh = ~seen.requests.frame["reused"]
    total = int(fresh.sum() or 0)
    span = seen.requests.last - seen.requests.first
    return span if not total or span <= 0 else span / total * max(1, seen.endpoints.most)


def _rollout(seen: Observed, t: float) -> int | None:
    span = seen.windows.at(t)
    return None if span is None else span.rollout


def _removal(seen: Observed, why: Explained, at: int, gap_s: float) -> Lag:
    pod = seen.pods[at]
    since = seen.endpoints.terminating.get(pod.uid, pod.deletion or 0.0)
    sure, possible = _last_failures(why, at, since)
    last = max(seen.answers.last_new.get(pod.uid, -math.inf), sure)
    blind = not seen.answers.named and not math.isfinite(max(sure, possible))
    known = math.isfinite(last) or math.isfinite(possible)
    latest = max(last, possible)
    early = last if math.isfinite(last) else since
    told = known and not blind
    return Lag(
        pod=pod.name,
        rollout=_rollout(seen, since),
        since=round(since, 6),
        lag_s=round(max(0.0, latest - since), 6) if told else None,
        resolution_s=round(max(0.0, latest - max(early, since)) + gap_s, 6) if told else None,
        by_worker=_by_worker(seen, why, at, since),
    )


def _by_worker(seen: Observed, why: Explained, at: int, since: float) -> dict[str, float]:
    """The removal lag of each worker apart, since each has a proxy of its own; nothing where there is only one."""
    uid = seen.pods[at].uid
    last = {worker: t for (pod, worker), t in seen.answers.last_by_worker.items() if pod == uid}
    if not last:
        return {}
    mine = (why.causes.cause == Cause.TERMINATION_RACE) & (why.causes.pod == at) & ~why.failures.reused
    workers = seen.requests.failures["worker"].to_numpy()[mine].tolist()
    for worker, t in zip(workers, why.failures.sent[mine].tolist(), strict=True):
        last[worker] = max(last.get(worker, -math.inf), t)
    return {str(worker): round(max(0.0, t - since), 6) for worker, t in sorted(last.items())}


def _last_failures(why: Explained, at: int, since: float) -> tuple[float, float]:
    """When the last failed connection was sent that surely went to this pod, and that may have."""
    found, facts = why.causes, why.failures
    race = (found.cause == Cause.TERMINATION_RACE) & ~facts.reused
    mine = facts.sent[race & (found.pod == at)]
    own = [s for s in (*why.windows[Way.REFUSING], *why.windows[Way.VANISHED]) if s[2] == at]
    sent = facts.sent[race & (found.pod == NOBODY) & (facts.sent >= since)]
    maybe = [float(inside[-1]) for start, end, _ in own if len(inside := sent[(sent >= start) & (sent <= end)])]
    return float(mine[-1]) if len(mine) else -math.inf, max(maybe, default=-math.inf)


def _addition(seen: Observed, why: Explained, at: int, gap_s: float) -> Lag:
    pod = seen.pods[at]
    ready = pod.ready or 0.0
    refused = why.failures.sent[(why.causes.cause == Cause.CREATION_RACE) & (why.causes.pod == at)]
    firsts = [*refused[:1].tolist(), *([seen.answers.first_new[pod.uid]] if pod.uid in seen.answers.first_new else [])]
    reached = min(firsts, default=None)
    return Lag(
        pod=pod.name,
        rollout=_rollout(seen, ready),
        since=round(ready, 6),
        lag_s=None if reached is None else round(max(0.0, reached - ready), 6),
        resolution_s=None if reached is None else round(gap_s, 6),
    )


def _summary(lags: Sequence[Lag]) -> Lags:
    known = sorted(lag.lag_s for lag in lags if lag.lag_s is not None)
    rollouts = sorted({lag.rollout for lag in lags if lag.rollout is not None})
    return Lags(
        n=len(known),
        p50_s=_quantile(known, 0.5),
        p90_s=_quantile(known, 0.9),
        max_s=_quantile(known, 1.0),
        resolution_s=max((lag.resolution_s for lag in lags if lag.resolution_s is not None), default=None),
        pods=tuple(lags),
        by_rollout=tuple(_of_rollout(number, lags) for number in rollouts),
    )


def _of_rollout(number: int, lags: Sequence[Lag]) -> RolloutLag:
    some = [lag.lag_s for lag in lags if lag.rollout == number and lag.lag_s is not None]
    return RolloutLag(rollout=number, n=len(some), max_s=max(some, default=None))


def _quantile(ascending: Sequence[float], share: float) -> float | None:
    """The nearest-rank quantile; None of nothing.

    >>> _quantile([1.0, 2.0, 3.0, 4.0], 0.5), _quantile([1.0, 2.0], 1.0)
    (2.0, 2.0)
    """
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)] if ascending else None
