"""A run and its lags -> the largest of each time that it showed, and of how many: what advice rests on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Self

import polars as pl

from harness.analysis.causes.explained import Explained
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.pods import Life
from harness.model.advice import Lags, Measured, Propagation
from harness.model.paths import hops
from harness.model.result import Taker

SERVING_S = 1.0
"""A pod that answered a request sent so long after its stop signal, and so shortly before it was killed, goes on."""


def measure(seen: Observed, why: Explained, lags: Propagation, causes: Mapping[str, int]) -> Measured:
    """What the run showed; of a lag the longest that it can have been. `causes`: see `Measured`."""
    removals, additions = _Largest.of(_lags(lags.removal)), _Largest.of(_lags(lags.addition))
    ends, starts = _Largest.of(_ends(seen)), _Largest.of(_starts(seen))
    killed = [
        pod for pod in seen.pods if pod.killed and pod.ready is not None and seen.takers.get(pod.uid) == Taker.ROLLOUT
    ]
    return Measured(
        removal_s=removals.value,
        removals=removals.n,
        addition_s=additions.value,
        additions=additions.n,
        stop_s=_Largest.of(_stop_times(seen)).value,
        end_s=ends.value,
        ends=ends.n,
        start_s=starts.value,
        starts=starts.n,
        answer_s=_Largest.of(_slowest_answer(seen)).value,
        rollout_s=_Largest.of(_rollouts(seen)).value,
        rollouts=len(seen.windows.rollouts),
        external=not hops(seen.run.info.path).node_first,
        period_s=why.plane.period_s,
        plane=why.plane.words,
        killed=len(killed),
        killed_serving=sum(_served_to_the_end(seen, pod) for pod in killed),
        causes=dict(causes),
    )


def merged(one: Measured, other: Measured) -> Measured:
    """What two runs of one variant showed: of each time the larger, of each number the sum."""
    causes = {label: one.causes.get(label, 0) + other.causes.get(label, 0) for label in one.causes | other.causes}
    return replace(
        one,
        removal_s=_larger(one.removal_s, other.removal_s),
        removals=one.removals + other.removals,
        addition_s=_larger(one.addition_s, other.addition_s),
        additions=one.additions + other.additions,
        stop_s=_larger(one.stop_s, other.stop_s),
        end_s=_larger(one.end_s, other.end_s),
        ends=one.ends + other.ends,
        start_s=_larger(one.start_s, other.start_s),
        starts=one.starts + other.starts,
        answer_s=_larger(one.answer_s, other.answer_s),
        rollout_s=_larger(one.rollout_s, other.rollout_s),
        rollouts=one.rollouts + other.rollouts,
        killed=one.killed + other.killed,
        killed_serving=one.killed_serving + other.killed_serving,
        causes=causes,
    )


def _larger(one: float | None, other: float | None) -> float | None:
    return max((value for value in (one, other) if value is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Largest:
    value: float | None
    n: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        known = list(values)
        return cls(value=round(float(max(known)), 3) if known else None, n=len(known))


def _lags(lags: Lags) -> Iterator[float]:
    """The longest that each can have been."""
    return (pod.lag.latest_s for pod in lags.pods if pod.lag is not None)


def _starts(seen: Observed) -> Iterator[float]:
    return (pod.ready - pod.created for pod in seen.pods if pod.created is not None and pod.ready is not None)


def _ends(seen: Observed) -> Iterator[float]:
    return (pod.ended - pod.deletion for pod in seen.pods if pod.deletion is not None and pod.ended is not None)


def _stop_times(seen: Observed) -> Iterator[float]:
    """Of each pod that ended, how long it took to stop once its preStop hook was over."""
    for pod in seen.pods:
        if pod.deletion is not None and pod.ended is not None:
            yield max(0.0, pod.ended - pod.deletion - pod.promise.prestop_s)


def _rollouts(seen: Observed) -> Iterator[float]:
    for span in seen.windows.rollouts:
        if span.complete is not None and not span.undone:
            yield span.complete - span.update


def _slowest_answer(seen: Observed) -> Iterator[float]:
    slowest = (
        seen.requests.frame.lazy()
        .filter(~pl.col("failed"), ~pl.col("unsent"))
        .select((pl.col("ended") - pl.col("started")).max())
        .collect(engine="streaming")
        .item()
    )
    if slowest is not None:
        yield float(slowest)


def _served_to_the_end(seen: Observed, pod: Life) -> bool:
    """Whether it still took requests, long after its stop signal, when it was killed."""
    if pod.deletion is None or pod.ended is None:
        return False
    last = seen.answers.last_answer(pod.uid)
    return last > pod.deletion + pod.promise.prestop_s + SERVING_S and last > pod.ended - 2 * SERVING_S
