"""Measured lags and times of pods -> the smallest settings that would have held, beside those that are there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import polars as pl

from harness.analysis.causes.conntrack import UNCHANGED_PATHS
from harness.analysis.causes.explained import Explained
from harness.analysis.observed.observed import Observed
from harness.model.result import Taker
from harness.spec.hazards import HazardId, row
from harness.spec.rollout_shape import RolloutShape, rollout_shape

SEED_INTERNAL_S, SEED_EXTERNAL_S = 5.0, 30.0
"""What the rule of thumb gives inside a cluster, and behind a balancer."""

ENOUGH_ROLLOUTS = 59
"""Below this many clean rollouts (5 % at 95 %), a measured lag alone is no ground for advice."""

STOP_MARGIN_S = 5.0
KILLED_FACTOR = 2.0
"""A pod that was killed would have taken longer than it was given: how much, only another run can show."""

CI_FACTOR, CI_MARGIN_S = 1.5, 30.0
PROGRESS_FACTOR, PROGRESS_MARGIN_S = 2.0, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the run showed, in seconds; None where it did not.

    `stop_s`: from the end of preStop to the end of the container. `start_s`: from creation to Ready. `answer_s`: the
    slowest good answer. `period_s`: the proxy's period, where it is known; `plane`: the same in words. `killed`: how
    many pods had not ended when their grace period was over, so that `stop_s` is too short.
    """

    removal_s: float | None = None
    addition_s: float | None = None
    stop_s: float | None = None
    start_s: float | None = None
    answer_s: float | None = None
    rollout_s: float | None = None
    rollouts: int = 0
    external: bool = False
    period_s: float | None = None
    plane: str = ""
    killed: int = 0


def sizing(seen: Observed, why: Explained, lags: dict[str, Any], *, replicas: int | None = None) -> dict[str, Any]:
    """The settings that would have held, for `replicas` (the manifest's where None); see `sizes`."""
    return sizes(measure(seen, why, lags), rollout_shape(seen.run.info.manifests, replicas), lags["note"])


def pooled_sizing(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The sizes that several runs of one variant would have needed: the largest of all that they showed."""
    known = [Measured(**result["measured"]) for result in results if result]
    if not known:
        return {}

    def largest(values: Iterable[float | None]) -> float | None:
        return max((value for value in values if value is not None), default=None)

    merged = replace(
        known[0],
        removal_s=largest(one.removal_s for one in known),
        addition_s=largest(one.addition_s for one in known),
        stop_s=largest(one.stop_s for one in known),
        killed=sum(one.killed for one in known),
        start_s=largest(one.start_s for one in known),
        answer_s=largest(one.answer_s for one in known),
        rollout_s=largest(one.rollout_s for one in known),
        rollouts=sum(one.rollouts for one in known),
    )
    first = next(result for result in results if result)
    return sizes(merged, RolloutShape(**first["application"]), first["note"])


def sizes(measured: Measured, app: RolloutShape, note: str) -> dict[str, Any]:
    """The smallest settings that would have held.

    `prestop_s, min_ready_s, grace_s, progress_deadline_s, ci_time_limit_s`: each `{have, need, why}` in whole seconds
    (`have` None where the manifest does not say). `predicted_rollout_s: {have, need, observed, replicas, steps}`: how
    long one rollout takes with the settings it has and with those it needs. `cure`: in words, what must be set besides,
    because no seconds alone would have held ("strategy: RollingUpdate"); empty as a rule. `measured`, `application`:
    what all this was derived from. `note`: what may make it too small.
    """
    floor_s, floor_why = _floor(measured)
    prestop = _whole(max(measured.removal_s or 0.0, floor_s))
    min_ready = _whole(max(measured.addition_s or 0.0, floor_s))
    stop_s = max((measured.stop_s or 0.0) * (KILLED_FACTOR if measured.killed else 1.0), measured.answer_s or 0.0)
    grace = _whole(prestop + stop_s + STOP_MARGIN_S)
    start_s = measured.start_s if measured.start_s is not None else 0.0
    deadline = _whole(PROGRESS_FACTOR * (start_s + min_ready) + PROGRESS_MARGIN_S)
    need_s = app.rollout_s(start_s=start_s, min_ready_s=min_ready, stop_s=prestop + stop_s)
    have_s = app.rollout_s(start_s=start_s, min_ready_s=app.min_ready_s, stop_s=app.prestop_s + stop_s)
    no_cure = f"; no cure alone: {app.gap}" if app.gap else ""
    unprobed = "" if app.probed else f"; no cure alone: {row(HazardId.NO_READINESS_PROBE).wrong}"
    return {
        "cure": list(app.cures),
        "prestop_s": {
            "have": app.prestop_s if app.has_prestop else None,
            "need": prestop,
            "why": f"removal took at most {_s(measured.removal_s)} in {measured.rollouts} rollouts; {floor_why}"
            f"{no_cure}",
        },
        "min_ready_s": {
            "have": app.min_ready_s,
            "need": min_ready,
            "why": f"addition took at most {_s(measured.addition_s)} in {measured.rollouts} rollouts; {floor_why}"
            f"{no_cure}{unprobed}",
        },
        "grace_s": {
            "have": app.grace_s,
            "need": grace,
            "why": f"preStop {prestop} s + {stop_s:.1f} s to stop and finish the slowest answer + {STOP_MARGIN_S:g} s: "
            "the grace period begins before preStop"
            + (f". {_pods(measured.killed)} killed when theirs was over" if measured.killed else ""),
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
        "measured": asdict(measured),
        "application": asdict(app),
        "note": note,
    }


def measure(seen: Observed, why: Explained, lags: dict[str, Any]) -> Measured:
    """The largest of each time that the run showed; a lag with what its resolution adds."""
    starts = [pod.ready - pod.created for pod in seen.pods if pod.created is not None and pod.ready is not None]
    stops = [
        max(0.0, pod.ended - pod.deletion - pod.promise.prestop_s)
        for pod in seen.pods
        if pod.deletion is not None and pod.ended is not None
    ]
    done = [span for span in seen.windows.rollouts if span.complete is not None and not span.undone]
    answer = (
        seen.requests.frame.lazy()
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
        rollouts=len(seen.windows.rollouts),
        external=seen.run.info.path not in UNCHANGED_PATHS,
        period_s=why.plane.period_s,
        plane=why.plane.words,
        killed=sum(
            pod.killed and pod.ready is not None for pod in seen.pods if seen.takers.get(pod.uid) == Taker.ROLLOUT
        ),
    )


def _largest(lags: dict[str, Any]) -> float | None:
    known = [lag["lag_s"] + min(lag["resolution_s"], 1.0) for lag in lags["pods"] if lag["lag_s"] is not None]
    return _rounded(max(known, default=None))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 3)


def _floor(measured: Measured) -> tuple[float, str]:
    """What no advice goes below, and why: the proxy's period, and the rule of thumb while rollouts are few."""
    known, words = measured.period_s or 0.0, [measured.plane]
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
