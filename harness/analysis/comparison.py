"""Results of several runs -> how they differ, rollout by rollout, and whether one is worse than its baseline."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from harness.analysis import power
from harness.analysis.contrast import Contrast
from harness.analysis.permutation import shift
from harness.analysis.proportions import share_change
from harness.analysis.statistics import LEVEL, holm
from harness.model.comparison import (
    MEASURE_WORDS,
    Comparison,
    Difference,
    Measure,
    Needs,
    Pair,
    PowerTable,
    Side,
)
from harness.model.lags import Lags
from harness.model.quantity import things
from harness.model.result import RolloutFindings, ScenarioResult, Verdict
from harness.model.run import RunInfo

TOO_FEW = "confidence"
"""The reason of a clean run that only was too short for the confidence asked for: nothing is in doubt."""

ASSUMED_SPREAD = 0.5
"""How much lost calls vary between rollouts of one kind, where no run says it."""


def side(name: str, runs: Sequence[tuple[RunInfo, ScenarioResult]]) -> Side:
    """Runs of one variant on one path as one side: their rollouts count together."""
    infos, results = [info for info, _ in runs], [result for _, result in runs]
    rollouts = [rollout for result in results for rollout in result.rollouts]
    return Side(
        name=name,
        variant=results[0].variant,
        path=results[0].path,
        at=min(info.t0_wall for info in infos),
        rollouts=len(rollouts),
        doubt=next(filter(None, map(_doubt, results)), ""),
        values=_of_rollouts(rollouts) | _of_lags(results),
        facts=_facts(infos),
    )


def _doubt(result: ScenarioResult) -> str:
    """Why its numbers may be too small; a run that dropped calls may have dropped more than was seen."""
    if result.verdict == Verdict.DROPPING:
        of_rollouts = (one.note for one in result.rollouts if not one.dropping)
        return next(filter(None, (*result.doubts, *of_rollouts)), "")
    doubtful = result.verdict == Verdict.INCONCLUSIVE and result.reason != TOO_FEW
    return result.sentence if doubtful else ""


def _of_rollouts(rollouts: Sequence[RolloutFindings]) -> dict[Measure, tuple[float, ...]]:
    p99 = (one.window.latency.p99_ms for one in rollouts if one.window.latency is not None)
    took = (one.complete - one.update for one in rollouts if one.complete is not None)
    asked = [one for one in rollouts if one.window.requests]  # of another nobody knows what it lost
    return {
        Measure.FAILURES: tuple(float(one.own_failures) for one in asked),
        Measure.DROPPING: tuple(float(one.dropping) for one in asked),
        Measure.P99: tuple(p99),
        Measure.DURATION: tuple(took),
    }


def _of_lags(results: Sequence[ScenarioResult]) -> dict[Measure, tuple[float, ...]]:
    known = [result.propagation for result in results if result.propagation is not None]
    return {
        Measure.REMOVAL: tuple(chain.from_iterable(_largest(one.removal) for one in known)),
        Measure.ADDITION: tuple(chain.from_iterable(_largest(one.addition) for one in known)),
    }


def _largest(lags: Lags) -> Iterator[float]:
    """The largest lag of each rollout, at most."""
    return (one.max.latest_s for one in lags.by_rollout if one.max is not None)


def _facts(infos: Sequence[RunInfo]) -> dict[str, str]:
    """What makes runs unlike, beside what is compared; of several runs all that there were."""
    every: dict[str, list[str]] = {}
    for info in infos:
        proxy = info.cluster.proxy
        period = "not known" if proxy.min_sync_period_s is None else f"{proxy.min_sync_period_s:g} s"
        rates = ", ".join(f"{name} {rate:g}/s" for name, rate in sorted(info.streams.items()))
        told = {
            "cluster": info.cluster.kind,
            "Kubernetes": info.cluster.kubernetes or "not known",
            "proxy period": period,
            "load": rates or "not known",
            "disruption": info.disruption or "rolling update",
            "path": info.path,
            "harness": info.harness or "not known",
        }
        for name, words in told.items():
            every.setdefault(name, []).append(words)
    return {name: " and ".join(dict.fromkeys(words)) for name, words in every.items()}


def compare(
    pairs: Sequence[tuple[Side, Side]],
    gates: Sequence[Measure] = (),
    *,
    unmatched: Sequence[str] = (),
    untested: Sequence[str] = (),
) -> Comparison:
    """Each pair's differences. `gates`: the measures that must not have become worse; without any, nothing fails.

    The p-values of all tests that gate are corrected for their number (Holm). `untested`: what should have been
    compared and is not among the pairs, in sentences: with `gates` that passes nothing; `unmatched`: what need not.
    """
    found = _corrected([_pair(first, second, gates) for first, second in pairs])
    sides = {(one.name, one.variant, one.path): one for pair in pairs for one in pair}
    code, why = _gate(found, gates, untested) if gates else (0, [])
    return Comparison(
        sides=tuple(sorted(sides.values(), key=lambda one: one.at)),
        pairs=tuple(found),
        exit_code=code,
        why=tuple(why),
        unmatched=tuple(one for one in (*untested, *unmatched) if one not in why),
    )


def _corrected(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs with the p-values of what gates corrected for the number of all such tests."""
    tests = [one for pair in pairs for one in pair.differences if one.gates]
    corrected = iter(holm([one.p_worse for one in tests]))

    def of_many(one: Difference) -> Difference:
        if not one.gates:
            return one
        return replace(one, p_worse=next(corrected), p_least=min(1.0, one.p_least * len(tests)))

    return [replace(pair, differences=tuple(map(of_many, pair.differences))) for pair in pairs]


def _pair(first: Side, second: Side, gates: Sequence[Measure]) -> Pair:
    told = [_difference(first, second, measure) for measure in Measure]
    return Pair(
        first=first,
        second=second,
        differences=tuple(
            replace(one, gates=one.measure in gates and _can_worsen(one)) for one in told if one is not None
        ),
        untold=tuple(measure for measure, one in zip(Measure, told, strict=True) if one is None),
        unlike=tuple(_unlike(first.facts, second.facts)),
    )


def _unlike(first: Mapping[str, str], second: Mapping[str, str]) -> Iterator[str]:
    for name, words in first.items():
        if second[name] != words:
            yield f"{name}: {words} against {second[name]}"


def _difference(first: Side, second: Side, measure: Measure) -> Difference | None:
    """None where a side has no value."""
    before, after = first.values[measure], second.values[measure]
    if not before or not after:
        return None
    found = _tested(before, after, measure)
    return Difference(
        measure=measure,
        numbers=(len(before), len(after)),
        first=sum(before) / len(before),
        second=sum(after) / len(after),
        difference=found.difference,
        low=found.low if math.isfinite(found.low) else None,
        high=found.high if math.isfinite(found.high) else None,
        p=found.p,
        p_worse=found.p_more,
        p_least=found.p_least,
    )


def _tested(before: Sequence[float], after: Sequence[float], measure: Measure) -> Contrast:
    if measure != Measure.DROPPING:
        return shift(before, after, LEVEL)
    return share_change(round(sum(before)), len(before), round(sum(after)), len(after), LEVEL)


def _can_worsen(one: Difference) -> bool:
    """Where every rollout of the first side drops calls, no share is larger: that tests nothing."""
    return one.measure != Measure.DROPPING or one.first < 1.0


def _gate(pairs: Sequence[Pair], gates: Sequence[Measure], untested: Sequence[str]) -> tuple[int, list[str]]:
    """The exit code, and why: 1 where something became worse; else 3 where that could not have been seen; else 0."""
    worse = [_worse(pair, one) for pair in pairs for one in pair.differences if one.gates and one.regressed]
    if worse:
        return 1, worse
    tests = sum(one.gates for pair in pairs for one in pair.differences)
    blind = [*untested, *chain.from_iterable(_blind(pair, gates, tests) for pair in pairs)]
    return (
        (3, list(dict.fromkeys(blind)))
        if blind
        else (0, ["no regression was shown, and there were enough rollouts to show one"])
    )


def _worse(pair: Pair, one: Difference) -> str:
    return (
        f"{_of(pair)}: {MEASURE_WORDS[one.measure]}: {one.first:g} before, {one.second:g} now "
        f"(p = {one.p_worse:.2g}): a regression"
    )


def _blind(pair: Pair, gates: Sequence[Measure], tests: int) -> Iterator[str]:
    """Why a regression of a pair could not have been seen by any of the measures that gate, however bad it was."""
    for measure in pair.untold:
        if measure in gates:
            yield f"{_of(pair)}: {MEASURE_WORDS[measure]}: not measured in both runs, so it cannot be compared"
    gating = [one for one in pair.differences if one.gates]
    if not gating and any(one.measure in gates for one in pair.differences):
        yield (
            f"{_of(pair)}: {MEASURE_WORDS[Measure.DROPPING]}: in {pair.first.name} every one does, so no "
            f"regression can be shown: gate on {Measure.FAILURES} as well"
        )
    if gating and all(one.blind for one in gating):
        few = " and ".join(map(str, gating[0].numbers))
        yield (
            f"{_of(pair)}: with {few} rollouts and {things(tests, 'test')}, no regression could have been shown, "
            "however bad: run more rollouts"
        )
    for one_side in (pair.first, pair.second):
        if one_side.doubt:
            yield f"{one_side.name} is in doubt: {one_side.doubt}"


def _of(pair: Pair) -> str:
    return f"{pair.second.name} against {pair.first.name}"


def power_table(sides: Sequence[Side] = ()) -> PowerTable:
    """How many rollouts of each kind show what difference: of these runs, or beforehand, of none."""
    spreads = [spread for one in sides if (spread := power.spread_of(one.values[Measure.FAILURES])) is not None]
    spread = max(spreads, default=ASSUMED_SPREAD)
    before = min((one.mean(Measure.DROPPING) or 0.0 for one in sides), default=0.0)
    return PowerTable(
        shares=tuple(Needs(change=one.change, rollouts=one.rollouts) for one in power.shares_needed(before)),
        failures=tuple(Needs(change=one.change, rollouts=one.rollouts) for one in power.failures_needed(spread)),
        spread=spread,
        measured=bool(spreads),
        most=power.NUMBERS[-1],
    )
