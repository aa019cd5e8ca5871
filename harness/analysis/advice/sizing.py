"""Measured lags and times of pods -> the smallest settings that would have held, beside those that are there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import polars as pl

from harness.analysis.causes.explained import Explained
from harness.analysis.observed.observed import Observed
from harness.model.advice import ApplicationSettings, Lags, Measured, PredictedRollout, Propagation, Setting, Sizing
from harness.model.paths import hops
from harness.model.result import Cause, Taker
from harness.spec.hazards import HazardId, row
from harness.spec.rollout_shape import cures, rollout_s, rollout_shape

SEED_INTERNAL_S, SEED_EXTERNAL_S = 5.0, 30.0
"""What the rule of thumb gives inside a cluster, and behind a balancer."""

ENOUGH_ROLLOUTS = 59
"""Below this many rollouts, a measured lag alone is no ground for advice. Whether they dropped
calls does not matter: the largest of 59 lags is exceeded in at most 5 % of all rollouts, with 95 % (0.95^59 < 5 %)."""

PERIOD_MARGIN_S = 0.5
"""What a sync takes beyond its period (measured: 10.01 to 10.03 s apart with a period of 10 s)."""

STOP_MARGIN_S = 5.0
KILLED_FACTOR = 2.0
"""A pod that was killed would have taken longer than it was given: how much, only another run can show."""

CI_FACTOR, CI_MARGIN_S = 1.5, 30.0
PROGRESS_FACTOR, PROGRESS_MARGIN_S = 2.0, 30.0


FINISH = "the application finishing, after its stop signal, what it has accepted"
"""What cures requests that were cut in hand: no number of seconds does, unless the grace period was what cut them."""


def sizing(
    seen: Observed, why: Explained, lags: Propagation, *, causes: Sequence[str] = (), replicas: int | None = None
) -> Sizing:
    """The settings that would have held, for `replicas` (the manifest's where None).

    `causes`: of the requests for which rollouts have to answer; without any, no setting is left out.
    """
    info = seen.run.info
    shape = rollout_shape(info.manifests, info.target, info.service, replicas=replicas)
    return sizes(replace(measure(seen, why, lags), causes=tuple(causes)), shape, lags.note)


def pooled_sizing(results: Sequence[Sizing | None]) -> Sizing | None:
    """The sizes that several runs of one variant would have needed: the largest of all that they showed."""
    known = [result for result in results if result is not None]
    if not known:
        return None
    measured = reduce(_merged, (result.measured for result in known))
    return sizes(measured, known[0].application, known[0].note)


def _merged(one: Measured, other: Measured) -> Measured:
    """What two runs of one variant showed: of each time the larger."""
    return replace(
        one,
        removal_s=_larger(one.removal_s, other.removal_s),
        addition_s=_larger(one.addition_s, other.addition_s),
        stop_s=_larger(one.stop_s, other.stop_s),
        start_s=_larger(one.start_s, other.start_s),
        answer_s=_larger(one.answer_s, other.answer_s),
        rollout_s=_larger(one.rollout_s, other.rollout_s),
        killed=one.killed + other.killed,
        causes=tuple(dict.fromkeys((*one.causes, *other.causes))),
        rollouts=one.rollouts + other.rollouts,
    )


def _larger(one: float | None, other: float | None) -> float | None:
    return max((value for value in (one, other) if value is not None), default=None)


def sizes(measured: Measured, app: ApplicationSettings, note: str) -> Sizing:
    """The smallest settings that would have held, from what was measured."""
    floor_s, floor_why = _floor(measured)
    races = _lost_by(measured, Cause.TERMINATION_RACE)
    starts = _lost_by(measured, Cause.CREATION_RACE)
    prestop = _whole(max(measured.removal_s or 0.0, floor_s))
    min_ready = _whole(max(measured.addition_s or 0.0, floor_s))
    stop_s = max((measured.stop_s or 0.0) * (KILLED_FACTOR if measured.killed else 1.0), measured.answer_s or 0.0)
    start_s = measured.start_s if measured.start_s is not None else 0.0
    need_s = rollout_s(app, start_s=start_s, min_ready_s=min_ready, stop_s=prestop + stop_s)
    have_s = rollout_s(app, start_s=start_s, min_ready_s=app.min_ready_s, stop_s=app.prestop_s + stop_s)
    no_cure = f"; no cure alone: {app.gap}" if app.gap else ""
    unprobed = "" if app.probed else f"; no cure alone: {row(HazardId.NO_READINESS_PROBE).wrong}"
    return Sizing(
        cure=(*cures(app), *_finish(measured)),
        prestop_s=Setting(
            have=app.prestop_s if app.has_prestop else None,
            need=prestop,
            why=f"removal took at most {_s(measured.removal_s)} in {measured.rollouts} rollouts; {floor_why}{no_cure}",
            advised=races,
        ),
        min_ready_s=Setting(
            have=app.min_ready_s,
            need=min_ready,
            why=f"addition took at most {_s(measured.addition_s)} in {measured.rollouts} rollouts; {floor_why}"
            f"{no_cure}{unprobed}",
            advised=starts and not app.probe_cure,
        ),
        grace_s=_grace(measured, app, prestop, stop_s),
        progress_deadline_s=_progress_deadline(app, start_s, min_ready, advised=starts),
        ci_time_limit_s=_ci_time_limit(app, need_s),
        predicted_rollout_s=PredictedRollout(
            have=round(have_s, 1),
            need=round(need_s, 1),
            observed=measured.rollout_s,
            replicas=app.replicas,
            steps=app.steps,
        ),
        measured=measured,
        application=app,
        note=note,
    )


def _lost_by(measured: Measured, cause: Cause) -> bool:
    """Whether requests were lost by that cause, or may have been; also where none was lost."""
    return not measured.causes or any(cause in label for label in measured.causes)


def _finish(measured: Measured) -> tuple[str, ...]:
    """What to say of requests that were cut in hand by something else than the end of the grace period."""
    cut = bool(measured.causes) and _lost_by(measured, Cause.IN_FLIGHT_KILL)
    return (FINISH,) if cut and not measured.killed else ()


def _grace(measured: Measured, app: ApplicationSettings, prestop: int, stop_s: float) -> Setting:
    killed = f". {_pods(measured.killed)} killed when theirs was over" if measured.killed else ""
    return Setting(
        have=app.grace_s,
        need=_whole(prestop + stop_s + STOP_MARGIN_S),
        why=f"preStop {prestop} s + {stop_s:.1f} s to stop and finish the slowest answer + {STOP_MARGIN_S:g} s: the "
        f"grace period begins before preStop{killed}",
        advised=_lost_by(measured, Cause.TERMINATION_RACE) or bool(measured.killed),
    )


def _progress_deadline(app: ApplicationSettings, start_s: float, min_ready: int, *, advised: bool) -> Setting | None:
    if app.progress_deadline_s is None:
        return None
    return Setting(
        have=app.progress_deadline_s,
        need=_whole(PROGRESS_FACTOR * (start_s + min_ready) + PROGRESS_MARGIN_S),
        why=f"one step takes {start_s:.1f} s to Ready + minReadySeconds {min_ready} s; twice that + "
        f"{PROGRESS_MARGIN_S:g} s. It bounds a step, not the rollout",
        advised=advised,
    )


def _ci_time_limit(app: ApplicationSettings, need_s: float) -> Setting:
    waits = "" if app.waits_for_stop else ". `rollout status` does not wait for terminating pods"
    return Setting(
        have=None,
        need=_whole(CI_FACTOR * need_s + CI_MARGIN_S),
        why=f"{app.steps} steps, {need_s:.0f} s in all; half as much again + {CI_MARGIN_S:g} s{waits}",
    )


def measure(seen: Observed, why: Explained, lags: Propagation) -> Measured:
    """The largest of each time that the run showed; of a lag the largest that it can have been."""
    starts = (pod.ready - pod.created for pod in seen.pods if pod.created is not None and pod.ready is not None)
    took = (
        span.complete - span.update for span in seen.windows.rollouts if span.complete is not None and not span.undone
    )
    return Measured(
        removal_s=_largest(lags.removal),
        addition_s=_largest(lags.addition),
        stop_s=_rounded(max(_stop_times(seen), default=None)),
        start_s=_rounded(max(starts, default=None)),
        answer_s=_rounded(_slowest_answer(seen)),
        rollout_s=_rounded(max(took, default=None)),
        rollouts=len(seen.windows.rollouts),
        external=not hops(seen.run.info.path).node_first,
        period_s=why.plane.period_s,
        plane=why.plane.words,
        killed=sum(
            pod.killed and pod.ready is not None for pod in seen.pods if seen.takers.get(pod.uid) == Taker.ROLLOUT
        ),
    )


def _stop_times(seen: Observed) -> list[float]:
    """Of each pod that ended, how long it took to stop once its preStop hook was over."""
    return [
        max(0.0, pod.ended - pod.deletion - pod.promise.prestop_s)
        for pod in seen.pods
        if pod.deletion is not None and pod.ended is not None
    ]


def _slowest_answer(seen: Observed) -> float | None:
    slowest = (
        seen.requests.frame.lazy()
        .filter(~pl.col("failed"), ~pl.col("unsent"))
        .select((pl.col("ended") - pl.col("started")).max())
        .collect(engine="streaming")
        .item()
    )
    return None if slowest is None else float(slowest)


def _largest(lags: Lags) -> float | None:
    return _rounded(max((pod.lag.latest_s for pod in lags.pods if pod.lag is not None), default=None))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 3)


def _floor(measured: Measured) -> tuple[float, str]:
    """What no advice goes below, and why: the proxy's period, and the rule of thumb while rollouts are few."""
    known = measured.period_s + PERIOD_MARGIN_S if measured.period_s else 0.0
    words = [measured.plane]
    if measured.rollouts < ENOUGH_ROLLOUTS:
        seed = SEED_EXTERNAL_S if measured.external else SEED_INTERNAL_S
        words.append(f"fewer than {ENOUGH_ROLLOUTS} rollouts, so not below {seed:g} s")
        known = max(known, seed)
    return known, ", ".join(words)


def _whole(seconds: float) -> int:
    """Up to whole seconds, which is all that Kubernetes takes; a hair above a whole one is noise."""
    return math.ceil(seconds - 1e-3)


def _pods(number: int) -> str:
    return "1 pod was" if number == 1 else f"{number} pods were"


def _s(seconds: float | None) -> str:
    return "an unknown time" if seconds is None else f"{seconds:.2f} s"
