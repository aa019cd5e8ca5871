"""Scenarios judged one by one -> the experiment: negative control, comparisons, exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.analysis.proportions import alike, fewest_to_differ
from harness.analysis.statistics import LEVEL, holm
from harness.model.reasons import Reason
from harness.model.result import ExperimentResult, ScenarioResult, Verdict
from harness.model.run import Expect


def judge_experiment(
    results: Sequence[ScenarioResult], *, experiment: str = "", notes: Sequence[str] = ()
) -> ExperimentResult:
    """Judge the scenarios of one experiment together.

    Where a negative control (`expect: dropping`) did not drop, the experiment could not have seen an outage: what it
    calls seamless is `inconclusive`. The exit code: 0 all as expected and within their budgets; else 1 where one
    dropped unexpectedly, was seamless where dropping was expected, or exceeded its budget; else 3.
    """
    blind = [result for result in results if result.expect == Expect.DROPPING and result.verdict != Verdict.DROPPING]
    code = _exit_code(results)
    said = list(notes)
    if blind:
        names = ", ".join(result.scenario for result in blind)
        said.append(f"The negative control ({names}) dropped nothing: this experiment could not have seen an outage.")
        results = [_blinded(result, names) for result in results]
    return ExperimentResult(
        experiment=experiment,
        scenarios=tuple(results),
        exit_code=code,
        comparisons=comparisons(results),
        notes=tuple(said),
    )


def _blinded(result: ScenarioResult, names: str) -> ScenarioResult:
    if result.verdict == Verdict.DROPPING:
        return result
    reason = str(Reason.NEGATIVE_CONTROL) if result.verdict == Verdict.SEAMLESS else result.reason
    sentence = (
        f"the negative control ({names}) dropped nothing, so an outage would not have been seen; {result.sentence}"
    )
    return replace(result, verdict=Verdict.INCONCLUSIVE, reason=reason, sentence=sentence, as_expected=False)


def _exit_code(results: Sequence[ScenarioResult]) -> int:
    wrong = {(Expect.SEAMLESS, Verdict.DROPPING), (Expect.DROPPING, Verdict.SEAMLESS)}
    if any((result.expect, result.verdict) in wrong or result.exceeded for result in results):
        return 1
    blind = any(result.expect == Expect.DROPPING and result.verdict != Verdict.DROPPING for result in results)
    return 0 if results and all(map(_is_good, results)) and not blind else 3


def _is_good(result: ScenarioResult) -> bool:
    return result.as_expected and result.within_budget


def comparisons(results: Sequence[ScenarioResult]) -> tuple[dict[str, Any], ...]:
    """Every pair of scenarios: `a, b`, their `dropping` and `rollouts`, Barnard's `p`, `p_holm`, `significant`.

    `needed`: rollouts of each that are needed before all against none could be significant at all.
    """
    pairs = [(a, b) for i, a in enumerate(results) for b in results[i + 1 :] if a.rollouts and b.rollouts]
    counts = [
        (sum(r.dropping for r in a.rollouts), len(a.rollouts), sum(r.dropping for r in b.rollouts), len(b.rollouts))
        for a, b in pairs
    ]
    p_values = [alike(*count) for count in counts]
    return tuple(
        {
            "a": a.scenario,
            "b": b.scenario,
            "dropping": [count[0], count[2]],
            "rollouts": [count[1], count[3]],
            "p": p,
            "p_holm": corrected,
            "significant": corrected < 1.0 - LEVEL,
            "needed": fewest_to_differ(),
        }
        for (a, b), count, p, corrected in zip(pairs, counts, p_values, holm(p_values), strict=True)
    )
