"""A judgement and the kernel's truth of the same run -> how the one compares with the other.

Truth is read here and in tests alone, never by the judge.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from harness.model.result import Cause, ScenarioResult
from harness.store.reader import read_run

_OF_THE_WAY = (Cause.APPLICATION, Cause.UNKNOWN)
"""What a request that was lost on the way may be called: it is no rollout's."""

ROUNDED_S = 2e-6
"""Times of a result are rounded to microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How one judgement compares with the truth. `lost`: failed requests that were lost on the way, of which even the
    kernel knows no cause, and which no rollout was blamed for; they are neither right nor wrong. `lag_error_s`: how far
    the true lag lies outside of its interval, at most; None without any. `inside`: how many of all `lags` lie inside
    theirs. `widths_s`: of the intervals, ascending. `rollouts_right`: how many were rightly called dropping or not."""

    verdict: str
    verdict_right: bool
    rollouts_right: int
    rollouts: int
    failed: int
    lost: int
    right: int
    wrong: int
    pods_named: int
    pods_wrong: int
    lag_error_s: float | None
    inside: int
    lags: int
    widths_s: tuple[float, ...]

    @property
    def judged(self) -> int:
        """The failed requests of which there is a cause to judge."""
        return self.failed - self.lost


def score(result: ScenarioResult, folder: Path, expected: dict[str, Any]) -> Score:
    """Compare a judgement with truth.csv and the expected verdict."""
    truth = {(row[0], row[1], row[2]): (row[3], row[4]) for row in _truth(folder).iter_rows()}
    right = wrong = named = misnamed = lost = 0
    for failure in result.failures:
        pod, cause = truth.get((failure.stream, failure.worker, failure.seq), ("", ""))
        if cause == Cause.UNKNOWN and failure.cause in _OF_THE_WAY:
            lost += 1
            continue
        right += failure.cause == cause
        wrong += failure.cause not in (cause, Cause.UNKNOWN)
        named += bool(failure.pod)
        misnamed += bool(failure.pod) and bool(pod) and failure.pod != pod
    dropping = [rollout.dropping for rollout in result.rollouts]
    wanted = expected.get("rollouts", [])
    errors, widths = _lag_errors(result, folder)
    return Score(
        verdict=str(result.verdict),
        verdict_right=str(result.verdict) in expected.get("verdict", [str(result.verdict)]),
        rollouts_right=sum(a == b for a, b in zip(dropping, wanted, strict=False)),
        rollouts=len(wanted),
        failed=len(result.failures),
        lost=lost,
        right=right,
        wrong=wrong,
        pods_named=named,
        pods_wrong=misnamed,
        lag_error_s=max(errors, default=None),
        inside=sum(error <= 0.0 for error in errors),
        lags=len(errors),
        widths_s=tuple(sorted(widths)),
    )


def _truth(folder: Path) -> pl.DataFrame:
    text = dict.fromkeys(("stream", "sent_to_pod", "cause", "detail"), pl.String)
    return pl.read_csv(folder / "truth.csv", schema_overrides=text).with_columns(
        pl.col("sent_to_pod", "cause", "detail").fill_null("")
    )


def _lag_errors(result: ScenarioResult, folder: Path) -> tuple[list[float], list[float]]:
    """How far each removal and addition lag lies outside of its interval, and how wide the intervals are.

    The true ones: the last and the first new connection that the kernel sent to the pod (where truth.csv leaves out
    what was answered: that the pod answered). None is negative: where that connection came before the change was
    shown, it is 0. A lag of a pod to which none was sent is infinitely wrong.
    """
    if result.propagation is None:
        return [], []
    sent = (
        read_run(folder)
        .requests.filter(~pl.col("reused"), pl.col("started").is_not_null())
        .with_columns(pl.col("stream").cast(pl.String))
        .select("stream", pl.col("worker", "seq").cast(pl.Int64), pl.col("pod").cast(pl.String), "started")
        .join(_truth(folder), on=["stream", "worker", "seq"], how="left")
        .filter(pl.col("cause").fill_null("") != str(Cause.STALE_CONNTRACK))
        .with_columns(pl.col("sent_to_pod").fill_null(pl.col("pod")))
        .group_by("sent_to_pod")
        .agg(first=pl.col("started").min(), last=pl.col("started").max())
    )
    reached = {pod: (first, last) for pod, first, last in sent.iter_rows()}
    sides = ((result.propagation.addition, 0), (result.propagation.removal, 1))
    told = [(pod, pod.lag, side) for lags, side in sides for pod in lags.pods if pod.lag is not None]
    errors = []
    for pod, lag, side in told:
        true = max(0.0, reached[pod.pod][side] - pod.since) if pod.pod in reached else float("inf")
        errors.append(max(0.0, lag.earliest_s - true - ROUNDED_S, true - lag.latest_s - ROUNDED_S))
    return errors, [lag.latest_s - lag.earliest_s for _, lag, _ in told]
