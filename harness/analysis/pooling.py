"""Several runs of one variant, each judged -> one result: their rollouts are counted together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from operator import attrgetter
from typing import Any

from harness.analysis.advice.propagation import pooled_propagation
from harness.analysis.advice.sizing import pooled_sizing
from harness.analysis.pooled_load import added, pooled_control, pooled_load, summed
from harness.analysis.statistics import rollout_statistics
from harness.analysis.verdict.verdict import CLEAN, as_expected, bound_sentence
from harness.model.result import RolloutFindings, ScenarioResult, Verdict
from harness.model.run import Confidence


def pool(results: Sequence[ScenarioResult], *, confidence: Confidence | None = None, seed: int = 0) -> ScenarioResult:
    """Several runs of one variant as one: their rollouts are counted together, numbered through.

    Raises:
        ValueError: no result, or results of different variants or paths.
    """
    _check(results)
    if len(results) == 1:
        return results[0]
    rollouts = tuple(
        replace(rollout, rollout=i) for i, rollout in enumerate(chain.from_iterable(r.rollouts for r in results))
    )
    statistics = _statistics(rollouts, confidence, seed)
    decided = _decided(results, enough=statistics.get("enough", True))
    dropping = sum(rollout.dropping for rollout in rollouts)
    return replace(
        results[0],
        verdict=decided.verdict,
        reason=decided.reason,
        sentence=bound_sentence(dropping, len(rollouts), statistics["level"]),
        as_expected=as_expected(decided.verdict, results[0].expect),
        requests=added(results, "requests"),
        failed=added(results, "failed"),
        unsent=added(results, "unsent"),
        control=pooled_control([result.control for result in results if result.control is not None]),
        rollouts=rollouts,
        causes=summed(map(attrgetter("causes"), results)),
        by_outcome=summed(map(attrgetter("by_outcome"), results)),
        propagation=pooled_propagation([(result.propagation, len(result.rollouts)) for result in results]),
        sizing=pooled_sizing([result.sizing for result in results]),
        statistics=statistics,
        load=pooled_load([result.load for result in results]),
        notes=tuple(dict.fromkeys(chain.from_iterable(map(attrgetter("notes"), results)))),
        failures=tuple(chain.from_iterable(map(attrgetter("failures"), results))),
    )


def _check(results: Sequence[ScenarioResult]) -> None:
    if not results:
        raise ValueError("there is nothing to pool")
    if len({(result.variant, result.path) for result in results}) > 1:
        raise ValueError("only runs of one variant and path can be pooled")


def _statistics(rollouts: Sequence[RolloutFindings], confidence: Confidence | None, seed: int) -> dict[str, Any]:
    failed = [rollout.own_failures for rollout in rollouts]
    return rollout_statistics([rollout.dropping for rollout in rollouts], failed, confidence, seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decided:
    verdict: Verdict
    reason: str


def _decided(results: Sequence[ScenarioResult], *, enough: bool) -> _Decided:
    """The worst verdict and its reason. A run that was clean but too short to reach the confidence by itself is clean;
    `enough`: whether all of them together reach it."""
    verdicts = [Verdict.SEAMLESS if result.reason == "confidence" else result.verdict for result in results]
    for worst in (Verdict.DROPPING, Verdict.INCONCLUSIVE):
        if worst in verdicts:
            return _Decided(verdict=worst, reason=results[verdicts.index(worst)].reason)
    if not enough:
        return _Decided(verdict=Verdict.INCONCLUSIVE, reason="confidence")
    return _Decided(verdict=Verdict.SEAMLESS, reason=CLEAN)
