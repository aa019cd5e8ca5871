"""What was observed and why requests failed -> the rollouts that are worth looking at, each ready to be drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.explained import Explained
from harness.analysis.lost_requests import lost_requests, rules
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.windows import Span
from harness.analysis.pod_races import pod_races
from harness.model.lags import Propagation
from harness.model.race import Beat, PodRace, Race, Races
from harness.model.result import FailedRequest, Outage, ScenarioResult

MOST_RACES = 24
"""How many rollouts of a run are drawn: those that lost most."""

MOST_LOST = 2000
"""How many failed requests of a rollout are told one by one; of more, the first of each outage is."""

MOST_TOLD = 6000
"""How many are told of all rollouts, about: a page has no room for more."""

MOST_PODS = 16
"""How many pods of a rollout are drawn."""

_BEATS_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
_MOST_BEATS = 120
_BEFORE_S, _AFTER_S, _LEAST_S = 1.0, 1.0, 3.0


def races(seen: Observed, why: Explained, lags: Propagation, result: ScenarioResult, at: NDArray[np.int64]) -> Races:
    """The rollouts that lost most, in their order.

    `result`: what was found of the run. `at`: per failure, the position of the window in which it counts.
    """
    told, counted = result.failures, {rollout.update: rollout.outages for rollout in result.rollouts}
    outages = {at: counted[update] for at, update in enumerate(seen.windows.updates) if update in counted}
    lost = {position: np.flatnonzero(at == position) for position in outages}
    most = sorted(lost, key=lambda position: (-len(lost[position]), position))[:MOST_RACES]
    pods = pod_races(seen, why, lags)
    shown = _told_of(seen, most, lost, outages)
    named = np.array(sorted(chain.from_iterable(found.tolist() for found in shown.values())), dtype=np.int64)
    return Races(
        races=tuple(_race(seen, why, told, pods, position, lost[position], shown[position]) for position in shown),
        rules=rules(why, named),
    )


def _told_of(
    seen: Observed,
    most: Sequence[int],
    lost: Mapping[int, NDArray[np.int64]],
    outages: Mapping[int, Sequence[Outage]],
) -> dict[int, NDArray[np.int64]]:
    """By rollout, in their order, the failures that are told one by one; those that lost most come in first."""
    shown: dict[int, NDArray[np.int64]] = {}
    for position in most:
        shown[position] = _shown(seen, lost[position], outages[position])
        if sum(map(len, shown.values())) > MOST_TOLD:
            break
    return dict(sorted(shown.items()))


def _shown(seen: Observed, lost: NDArray[np.int64], outages: Sequence[Outage]) -> NDArray[np.int64]:
    """The failures that are told one by one: all, or where they are too many, the first of each outage."""
    if len(lost) <= MOST_LOST:
        return lost
    rows = seen.requests.failures[lost]
    due, stream = rows["scheduled"].to_numpy(), rows["stream"].to_numpy()
    firsts = (lost[(stream == one.stream) & (due >= one.start) & (due <= one.end)] for one in outages[:MOST_LOST])
    return np.unique(np.array([found[0] for found in firsts if len(found)], dtype=np.int64))


def _race(
    seen: Observed,
    why: Explained,
    told: Sequence[FailedRequest],
    pods: dict[str, PodRace],
    position: int,
    lost: NDArray[np.int64],
    shown: NDArray[np.int64],
) -> Race:
    span = seen.windows.rollouts[position]
    start, end = _extent(seen, span, lost)
    beat_s = next((s for s in _BEATS_S if (end - start) / s <= _MOST_BEATS), _BEATS_S[-1])
    end = round(start + beat_s * math.ceil((end - start) / beat_s - 1e-9), 6)  # whole beats
    living = [pod for pod in pods.values() if _lives(pod, start, end)]
    drawn = sorted(living, key=lambda pod: not _changes(pod, start, end))[:MOST_PODS]
    return Race(
        rollout=span.rollout,
        start=start,
        end=end,
        update=span.update,
        complete=span.complete,
        settled=span.settled,
        beat_s=beat_s,
        failed=len(lost),
        pods=tuple(pod for pod in living if pod in drawn),
        pods_left_out=len(living) - len(drawn),
        lost=lost_requests(seen, why, told, shown),
        beats=_beats(seen.requests.frame, start, end, beat_s),
    )


def _extent(seen: Observed, span: Span, lost: NDArray[np.int64]) -> tuple[float, float]:
    """From a moment before the update, or before the first that failed by it was due, until it is over, and all that
    failed by it has ended."""
    due, ended = (seen.requests.failures[name].to_numpy()[lost] for name in ("scheduled", "ended"))
    first = min(span.update, float(due.min())) if len(due) else span.update
    moments = [span.update + _LEAST_S, span.complete, span.settled, float(ended.max()) if len(ended) else None]
    last = max(moment for moment in moments if moment is not None) + _AFTER_S
    return round(max(0.0, first - _BEFORE_S), 6), round(min(last, max(span.end, span.update + _LEAST_S)), 6)


def _lives(pod: PodRace, start: float, end: float) -> bool:
    return (pod.created or -np.inf) < end and (pod.gone or pod.ended or np.inf) > start


def _changes(pod: PodRace, start: float, end: float) -> bool:
    return any(moment is not None and start <= moment <= end for moment in (pod.created, pod.told, pod.ready))


def _beats(frame: pl.DataFrame, start: float, end: float, beat_s: float) -> tuple[Beat, ...]:
    """Requests by when they were due, in steps of `beat_s`: how many, and how long the answered ones took."""
    ok = pl.col("outcome") == "ok"
    took_ms = (1000.0 * (pl.col("ended") - pl.col("scheduled"))).filter(ok)
    due = (
        frame.lazy()
        .filter(pl.col("scheduled").is_between(start, end, closed="left"))
        .select(
            pl.col("stream", "outcome").cast(pl.String),
            *("scheduled", "ended", "failed", "unsent"),
            n=((pl.col("scheduled") - start) / beat_s).floor().cast(pl.Int64),
        )
        .collect()
    )
    lost: dict[tuple[int, str], dict[str, int]] = {}
    for n, stream, outcome, number in (
        due.filter("failed").group_by("n", "stream", "outcome").len().sort("n", "stream", "outcome").rows()
    ):
        lost.setdefault((n, stream), {})[outcome] = number
    rows = (
        due.lazy()
        .group_by("n", "stream")
        .agg(
            (~pl.col("unsent")).sum().alias("sent"),
            pl.col("unsent").sum().alias("left"),
            took_ms.quantile(0.5, "nearest").alias("p50"),
            took_ms.quantile(0.99, "nearest").alias("p99"),
        )
        .sort("n", "stream")
        .collect()
    )
    return tuple(
        Beat(
            t=round(start + n * beat_s, 6),
            stream=stream,
            sent=sent,
            unsent=unsent,
            failed=lost.get((n, stream), {}),
            p50_ms=None if p50 is None else round(p50, 3),
            p99_ms=None if p99 is None else round(p99, 3),
        )
        for n, stream, sent, unsent, p50, p99 in rows.iter_rows()
    )
