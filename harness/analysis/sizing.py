"""Measured lags and times of pods -> the smallest settings that would have held, beside those that are there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.analysis.steps import shape
from harness.analysis.verdict import bound_sentence

if TYPE_CHECKING:
    from harness.analysis.investigation import Investigation

SEED_INTERNAL_S, SEED_EXTERNAL_S = 5.0, 30.0
"""What the rule of thumb gives inside a cluster, and behind a balancer."""

ENOUGH_ROLLOUTS = 59
"""Below this many clean rollouts (5 % at 95 %), a measured lag alone is no ground for advice."""

STOP_MARGIN_S = 5.0
CI_FACTOR, CI_MARGIN_S = 1.5, 30.0
PROGRESS_FACTOR, PROGRESS_MARGIN_S = 2.0, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the run showed, in seconds; None where it did not. `stop_s`: from the end of preStop to the end of the
    container. `start_s`: from creation to Ready. `answer_s`: the slowest good answer."""

    removal_s: float | None
    addition_s: float | None
    stop_s: float | None
    start_s: float | None
    answer_s: float | None
    rollout_s: float | None
    rollouts: int


def sizing(case: Investigation, lags: dict[str, Any], *, replicas: int | None = None) -> dict[str, Any]:
    """The settings that would have held, for `replicas` (the manifest's where None).

    `prestop_s, min_ready_s, grace_s, progress_deadline_s, ci_time_limit_s`: each `{have, need, why}` in whole seconds
    (`have` None where the manifest does not say). `predicted_rollout_s: {have, need, replicas, steps}`: how long one
    rollout takes with the settings it has and with those it needs. `measured`: what all this was derived from.
    """
    measured = measure(case, lags)
    app = shape(case.run.info.manifests, replicas)
    floor_s, floor_why = _floor(case, measured)
    prestop = _whole(max(measured.removal_s or 0.0, floor_s))
    min_ready = _whole(max(measured.addition_s or 0.0, floor_s))
    stop_s = max(measured.stop_s or 0.0, measured.answer_s or 0.0)
    grace = _whole(prestop + stop_s + STOP_MARGIN_S)
    start_s = measured.start_s if measured.start_s is not None else 0.0
    deadline = _whole(PROGRESS_FACTOR * (start_s + min_ready) + PROGRESS_MARGIN_S)
    need_s = app.rollout_s(start_s=start_s, min_ready_s=min_ready, stop_s=prestop + stop_s)
    have_s = app.rollout_s(start_s=start_s, min_ready_s=app.min_ready_s, stop_s=app.prestop_s + stop_s)
    return {
        "prestop_s": {
            "have": app.prestop_s if app.has_prestop else None,
            "need": prestop,
            "why": f"removal took at most {_s(measured.removal_s)} in {measured.rollouts} rollouts; {floor_why}",
        },
        "min_ready_s": {
            "have": app.min_ready_s,
            "need": min_ready,
            "why": f"addition took at most {_s(measured.addition_s)} in {measured.rollouts} rollouts; {floor_why}",
        },
        "grace_s": {
            "have": app.grace_s,
            "need": grace,
            "why": f"preStop {prestop} s + {stop_s:.1f} s to stop and finish the slowest answer + {STOP_MARGIN_S:g} s: "
            "the grace period begins before preStop",
        },
        "progress_deadline_s": {
            "have": app.progress_deadline_s,
            "need": deadline,
            "why": f"one step takes {start_s:.1f} s to Ready + minReadySeconds {min_ready} s; twice that + "
            f"{PROGRESS_MARGIN_S:g} s. It bounds a step, not the rollout",
        },
        "ci_time_limit_s": {
            "have": None,
            "need": _whole(CI_FACTOR * need_s + CI_MARGIN_S),
            "why": f"{app.steps} steps, {need_s:.0f} s in all; half as much again + {CI_MARGIN_S:g} s"
            + ("" if app.waits_for_stop else ". `rollout status` does not wait for terminating pods"),
        },
        "predicted_rollout_s": {
            "have": round(have_s, 1),
            "need": round(need_s, 1),
            "observed": measured.rollout_s,
            "replicas": app.replicas,
            "steps": app.steps,
        },
        "measured": {
            "removal_s": measured.removal_s,
            "addition_s": measured.addition_s,
            "stop_s": measured.stop_s,
            "start_s": measured.start_s,
            "answer_s": measured.answer_s,
            "rollouts": measured.rollouts,
            "confidence": bound_sentence(0, measured.rollouts) if measured.rollouts else "",
        },
        "note": lags["note"],
    }


def measure(case: Investigation, lags: dict[str, Any]) -> Measured:
    """The largest of each time that the run showed; a lag with what its resolution adds."""
    import polars as pl

    starts = [pod.ready - pod.created for pod in case.pods if pod.created is not None and pod.ready is not None]
    stops = [
        max(0.0, pod.ended - pod.deletion - pod.promise.prestop_s)
        for pod in case.pods
        if pod.deletion is not None and pod.ended is not None
    ]
    done = [span for span in case.windows.rollouts if span.complete is not None and not span.undone]
    answer = (
        case.history.frame.lazy()
        .filter(~pl.col("failed"), ~pl.col("unsent"))
        .select((pl.col("ended") - pl.col("started")).max())
        .collect(engine="streaming")
        .item()
    )
    return Measured(
        removal_s=_largest(lags["removal"]),
        addition_s=_largest(lags["addition"]),
        stop_s=_rounded(max(stops, default=None)),
        start_s=_rounded(max(starts, default=None)),
        answer_s=_rounded(answer),
        rollout_s=_rounded(max((span.complete - span.update for span in done if span.complete), default=None)),
        rollouts=len(case.windows.rollouts),
    )


def _largest(lags: dict[str, Any]) -> float | None:
    known = [lag["lag_s"] + min(lag["resolution_s"], 1.0) for lag in lags["pods"] if lag["lag_s"] is not None]
    return _rounded(max(known, default=None))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 3)


def _floor(case: Investigation, measured: Measured) -> tuple[float, str]:
    """What no advice goes below, and why: the proxy's period, and the rule of thumb while rollouts are few."""
    period = case.run.info.cluster.proxy.min_sync_period_s if case.plane.lag_s is not None else None
    known = 0.0 if period is None else period
    words = [case.plane.words]
    if measured.rollouts < ENOUGH_ROLLOUTS:
        external = case.run.info.path not in ("clusterip", "nodeport")
        seed = SEED_EXTERNAL_S if external else SEED_INTERNAL_S
        words.append(f"fewer than {ENOUGH_ROLLOUTS} rollouts, so not below {seed:g} s")
        known = max(known, seed)
    return known, ", ".join(words)


def _whole(seconds: float) -> int:
    """Up to whole seconds, which is all that Kubernetes takes; a hair above a whole one is noise."""
    return math.ceil(seconds - 1e-3)


def _s(seconds: float | None) -> str:
    return "an unknown time" if seconds is None else f"{seconds:.2f} s"
