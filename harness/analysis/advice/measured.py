"""A run and its lags -> the largest of each time that it showed, and of how many: what advice rests on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.advice.losses import bare_s, losses
from harness.analysis.advice.reach import gap_s
from harness.analysis.causes.explained import Explained
from harness.analysis.observed.deeds import deeds
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.pods import Life
from harness.model.advice import Measured
from harness.model.lags import Lags, Propagation
from harness.model.result import Cause
from harness.spec.hooks import only_sleeps
from harness.spec.serving import serving_containers, target_ports
from harness.spec.termination import grace_period_s, longest_hook_s
from harness.spec.workload import judged_workload, pod_spec

SERVING_S = 1.0
"""A pod that answered a request sent so long after its stop signal, and so shortly before it was killed, goes on."""

KILL_SEEN_S = 0.5
"""How far what is cut by a kill may lie from when that was due."""

LONG_ENOUGH = 2.0
"""A pod that was killed after so many times its slowest answer, and `SERVING_S`, did not lack the time to finish it."""


def measure(
    seen: Observed,
    why: Explained,
    lags: Propagation,
    causes: Mapping[str, int],
    charged: NDArray[np.bool_] | None = None,
) -> Measured:
    """What the run showed; of a lag the longest that it can have been.

    `causes`: see `Measured`; `charged`: per failure, whether it is one of those (all where None).
    """
    removals, additions = _Largest.of(_removals(lags, why.plane.lag_s)), _Largest.of(_additions(seen, why, lags))
    ends, starts = _Largest.of(_ends(seen)), _Largest.of(_starts(seen))
    took = _rollouts_own(seen)
    hurried = _hurried(seen)
    killed = [pod for pod in took if pod.killed or (not hurried and _killed_unseen(why, pod))]
    answer_s, took_s = _Largest.of(_slowest_answer(seen)).value, _Largest.of(_rollouts(seen))
    unending = _unending(seen, why, killed, answer_s)
    return Measured(
        removal_s=removals.value,
        removals=removals.n,
        removal_rollouts=_rollouts_that_told(lags.removal),
        addition_s=additions.value,
        additions=additions.n,
        addition_rollouts=_rollouts_that_told(lags.addition),
        stop_s=_Largest.of(_stop_times(seen, unending)).value,
        end_s=ends.value,
        ends=ends.n,
        start_s=starts.value,
        starts=starts.n,
        answer_s=answer_s,
        rollout_s=took_s.value,
        rollouts=took_s.n,
        external=seen.run.info.way.external,
        period_s=why.plane.period_s,
        late_s=why.plane.lag_s,
        adding_s=why.plane.lag_s if why.plane.adding_s is None else why.plane.adding_s,
        plane=why.plane.words,
        killed=len(killed),
        killed_serving=sum(_served_to_the_end(seen, why, pod) for pod in killed),
        killed_unending=len(unending),
        stopped=sum(pod.ended is not None for pod in took) - len(killed),
        causes=dict(causes),
        hurried=hurried,
        hooks_failed=sum(pod.failed_hook is not None for pod in took),
        bare_s=bare_s(seen, additions.value or 0.0),
        **losses(seen, why, charged),
        words=seen.words,
    )


_LARGEST = ("removal_s", "addition_s", "stop_s", "end_s", "start_s", "answer_s", "rollout_s", "bare_s")
_SUMMED = (
    *("removals", "removal_rollouts", "additions", "addition_rollouts", "ends", "starts", "rollouts", "killed"),
    *("killed_serving", "killed_unending", "stopped", "turned_away_kept", "waited", "cut_kept", "cut_new", "beside"),
    *("hurried", "hooks_failed", "never_listened", "bare_node", "unlisted"),
)
_EITHER = ("target", "probed")


def merged(one: Measured, other: Measured) -> Measured:
    """What two runs of one variant showed: of each time the larger, of each number the sum."""
    both: dict[str, Any] = {name: _larger(getattr(one, name), getattr(other, name)) for name in _LARGEST}
    both |= {name: getattr(one, name) + getattr(other, name) for name in _SUMMED}
    both |= {name: getattr(one, name) or getattr(other, name) for name in _EITHER}
    both["causes"] = {
        label: one.causes.get(label, 0) + other.causes.get(label, 0) for label in one.causes | other.causes
    }
    return replace(one, **both)


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


def _removals(lags: Propagation, lag_s: float | None) -> Iterator[float]:
    """The longest that each can have been where the data plane is as late as it may be, `lag_s`, or as it was seen to
    be: that nobody was seen to be sent elsewhere shows no lag beyond."""
    for pod in lags.removal.pods:
        if pod.lag is not None:
            yield pod.lag.latest_s if lag_s is None else max(pod.lag.earliest_s, min(pod.lag.latest_s, lag_s))


def _additions(seen: Observed, why: Explained, lags: Propagation) -> Iterator[float]:
    """The longest that each can have been where the data plane is as late as it may be; where that is not known, what
    surely passed: the rest may be the time that the application takes for its first answers."""
    plane, between_s = why.plane, 2 * gap_s(seen)
    lag_s = plane.lag_s if plane.adding_s is None else plane.adding_s
    for pod in lags.addition.pods:
        if pod.lag is not None:
            most_s = pod.lag.earliest_s + between_s if lag_s is None else lag_s
            yield max(pod.lag.earliest_s, min(pod.lag.latest_s, most_s))


def _rollouts_that_told(lags: Lags) -> int:
    return sum(rollout.n > 0 for rollout in lags.by_rollout)


def _starts(seen: Observed) -> Iterator[float]:
    return (pod.ready - pod.created for pod in seen.pods if pod.created is not None and pod.ready is not None)


def _ends(seen: Observed) -> Iterator[float]:
    return (pod.ended - pod.deletion for pod in seen.pods if pod.deletion is not None and pod.ended is not None)


def _stop_times(seen: Observed, unending: Sequence[Life]) -> Iterator[float]:
    """Of each pod that ended, how long it took to stop once its preStop hook was over; of those that do not end by
    themselves only where there are no others."""
    ended = [pod for pod in seen.pods if pod.deletion is not None and pod.ended is not None]
    without = {pod.uid for pod in unending}
    return (_stop_time(pod) for pod in [pod for pod in ended if pod.uid not in without] or ended)


def _stop_time(pod: Life) -> float:
    """From the end of its preStop hook to its end; 0 where either is not known."""
    if pod.deletion is None or pod.ended is None:
        return 0.0
    return max(0.0, pod.ended - pod.deletion - pod.promise.prestop_s)


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


def _rollouts_own(seen: Observed) -> list[Life]:
    """The pods that had served and that a rollout took, or what else we did."""
    return [pod for pod in seen.pods if pod.ready is not None and pod.uid in seen.ours]


def _unending(seen: Observed, why: Explained, killed: Sequence[Life], answer_s: float | None) -> list[Life]:
    """Which of the pods that were killed would not have ended in a longer grace period either.

    They took requests until then, or had the time for the slowest answer, and more, since their stop signal. When that
    came is known only of a pod whose hook does nothing but sleep, and not for longer than its grace period.
    """
    info = seen.run.info
    pod = pod_spec(judged_workload(info.manifests, info.target))
    serving = serving_containers(pod, target_ports(info.manifests, info.service))
    told = all(map(only_sleeps, serving)) and longest_hook_s(pod) < grace_period_s(pod)
    enough_s = LONG_ENOUGH * answer_s + SERVING_S if told and answer_s is not None else float("inf")
    return [life for life in killed if _served_to_the_end(seen, why, life) or _stop_time(life) >= enough_s]


def _killed_unseen(why: Explained, pod: Life) -> bool:
    """Whether requests were cut just as a pod that was deleted without a grace period was killed.

    Nobody is shown the end of such a pod, to whose containers its node gives a moment nevertheless.
    """
    if pod.lingers is None:
        return False
    cut = why.failures.ended[why.causes.cause == Cause.IN_FLIGHT_KILL]
    return bool((np.abs(cut - pod.lingers) <= KILL_SEEN_S).any())


def _hurried(seen: Observed) -> int:
    """How many pods we deleted with less than their own grace period."""
    info = seen.run.info
    own_s = grace_period_s(pod_spec(judged_workload(info.manifests, info.target)))
    acts = (deed for deed in deeds(seen.run.timeline) if deed.grace_s is not None and deed.grace_s < own_s)
    return len(frozenset().union(*(deed.pods & seen.ours for deed in acts)))


def _served_to_the_end(seen: Observed, why: Explained, pod: Life) -> bool:
    """Whether it still took requests, long after its stop signal, when it was killed: as its answers show, or, where
    they do not name it, what was cut with it."""
    if pod.deletion is None or pod.ended is None:
        return False
    last = seen.answers.last_answer(pod.uid)
    if not any(np.isfinite(seen.answers.last_answer(each.uid)) for each in seen.pods):  # no answer names its pod
        at = next(position for position, each in enumerate(seen.pods) if each is pod)
        cut = (why.causes.cause == Cause.IN_FLIGHT_KILL) & (why.causes.pod == at)
        last = float(why.failures.sent[cut].max(initial=-np.inf))
    return last > pod.deletion + pod.promise.prestop_s + SERVING_S and last > pod.ended - 2 * SERVING_S
