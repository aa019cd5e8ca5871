"""Scenarios judged one by one -> the experiment: negative control, comparisons, exit code; pooled runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from harness.analysis.advice.propagation import pooled_propagation
from harness.analysis.advice.sizing import pooled_sizing
from harness.analysis.statistics import LEVEL, fewest_for_significance, fisher, holm, rollout_statistics
from harness.analysis.verdict.verdict import CLEAN, as_expected, bound_sentence
from harness.model.result import ExperimentResult, ScenarioResult, Verdict
from harness.model.run import Confidence, Expect


def judge_experiment(
    results: Sequence[ScenarioResult], *, experiment: str = "", notes: Sequence[str] = ()
) -> ExperimentResult:
    """Judge the scenarios of one experiment together.

    Where a negative control (`expect: dropping`) did not drop, the experiment could not have seen an outage: what it
    calls seamless is `inconclusive`. The exit code: 0 all as expected; else 1 where one dropped unexpectedly, or was
    seamless where dropping was expected; else 3.
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
    reason = "negative-control" if result.verdict == Verdict.SEAMLESS else result.reason
    sentence = (
        f"the negative control ({names}) dropped nothing, so an outage would not have been seen; {result.sentence}"
    )
    return replace(result, verdict=Verdict.INCONCLUSIVE, reason=reason, sentence=sentence, as_expected=False)


def _exit_code(results: Sequence[ScenarioResult]) -> int:
    wrong = {(Expect.SEAMLESS, Verdict.DROPPING), (Expect.DROPPING, Verdict.SEAMLESS)}
    if any((result.expect, result.verdict) in wrong for result in results):
        return 1
    blind = any(result.expect == Expect.DROPPING and result.verdict != Verdict.DROPPING for result in results)
    return 0 if results and all(result.as_expected for result in results) and not blind else 3


def comparisons(results: Sequence[ScenarioResult]) -> tuple[dict[str, Any], ...]:
    """Every pair of scenarios: `a, b`, their `dropping` and `rollouts`, Fisher's `p`, `p_holm`, `significant`.

    `needed`: rollouts of each that are needed before all against none could be significant at all.
    """
    pairs = [(a, b) for i, a in enumerate(results) for b in results[i + 1 :] if a.rollouts and b.rollouts]
    counts = [
        (sum(r.dropping for r in a.rollouts), len(a.rollouts), sum(r.dropping for r in b.rollouts), len(b.rollouts))
        for a, b in pairs
    ]
    p_values = [fisher(*count) for count in counts]
    return tuple(
        {
            "a": a.scenario,
            "b": b.scenario,
            "dropping": [count[0], count[2]],
            "rollouts": [count[1], count[3]],
            "p": p,
            "p_holm": corrected,
            "significant": corrected < 1.0 - LEVEL,
            "needed": fewest_for_significance(),
        }
        for (a, b), count, p, corrected in zip(pairs, counts, p_values, holm(p_values), strict=True)
    )


def pool(results: Sequence[ScenarioResult], *, confidence: Confidence | None = None, seed: int = 0) -> ScenarioResult:
    """Several runs of one variant as one: their rollouts are counted together, numbered through.

    Raises:
        ValueError: no result, or results of different variants or paths.
    """
    if not results:
        raise ValueError("there is nothing to pool")
    if len({(result.variant, result.path) for result in results}) > 1:
        raise ValueError("only runs of one variant and path can be pooled")
    first = results[0]
    if len(results) == 1:
        return first
    rollouts = [rollout for result in results for rollout in result.rollouts]
    numbered = tuple(replace(rollout, rollout=i) for i, rollout in enumerate(rollouts))
    # A run that was clean but too short to reach the confidence by itself is clean.
    verdicts = [Verdict.SEAMLESS if result.reason == "confidence" else result.verdict for result in results]
    worst = next(
        (v for v in (Verdict.DROPPING, Verdict.INCONCLUSIVE) if v in verdicts),
        Verdict.SEAMLESS,
    )
    deciding = results[verdicts.index(worst)]
    dropping = [rollout.dropping for rollout in rollouts]
    failed = [sum(rollout.window.by_cause.values()) if rollout.dropping else 0 for rollout in rollouts]
    statistics = rollout_statistics(dropping, failed, confidence, seed=seed)
    enough = statistics.get("enough", True) or worst != Verdict.SEAMLESS
    verdict = worst if enough else Verdict.INCONCLUSIVE
    return replace(
        first,
        verdict=verdict,
        reason=(deciding.reason if worst != Verdict.SEAMLESS else CLEAN) if enough else "confidence",
        sentence=bound_sentence(sum(dropping), len(dropping), statistics["level"]),
        as_expected=as_expected(verdict, first.expect),
        requests=sum(result.requests for result in results),
        failed=sum(result.failed for result in results),
        unsent=sum(result.unsent for result in results),
        rollouts=numbered,
        causes=_summed([result.causes for result in results]),
        by_outcome=_summed([result.by_outcome for result in results]),
        propagation=pooled_propagation(
            [result.propagation for result in results], [len(result.rollouts) for result in results]
        ),
        sizing=pooled_sizing([result.sizing for result in results]),
        statistics=statistics,
        notes=tuple(dict.fromkeys(note for result in results for note in result.notes)),
        failures=tuple(failure for result in results for failure in result.failures),
    )


def _summed(counts: Sequence[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for count in counts:
        for name, number in count.items():
            total[name] = total.get(name, 0) + number
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))
