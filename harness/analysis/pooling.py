"""Several runs of one variant, each judged -> one result: their rollouts are counted together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, chain
from operator import attrgetter
from typing import Any

from harness.analysis.advice.propagation import pooled_propagation
from harness.analysis.advice.sizing import pooled_sizing
from harness.analysis.budget import spent
from harness.analysis.pooled_load import added, pooled_control, pooled_load, summed
from harness.analysis.races import MOST_RACES
from harness.analysis.statistics import rollout_statistics
from harness.analysis.verdict.verdict import (
    RolloutAccount,
    as_expected,
    background_of,
    causes_of,
    conclusion,
    doubt_of,
    shortfall_of,
)
from harness.model.deed_words import DeedWords, shared_words
from harness.model.race import Races
from harness.model.result import RolloutFindings, ScenarioResult
from harness.model.run import Confidence


def pool(results: Sequence[ScenarioResult], *, confidence: Confidence | None = None, seed: int = 0) -> ScenarioResult:
    """Several runs of one variant as one: their rollouts are counted together, numbered through.

    The verdict is that of one run with all these rollouts, with the doubts of each run. A run that was clean but too
    short to reach the `confidence` by itself is clean; together they may reach it.

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
    words = shared_words(result.words for result in results)
    said = conclusion(
        [_account(rollout) for rollout in rollouts],
        doubts=_doubts(results),
        causes=list(summed(map(causes_of, results)).items()),
        background=_background(results, words),
        confidence=confidence,
        words=words,
        shortfall=max(map(shortfall_of, results)),
    )
    return replace(
        results[0],
        verdict=said.verdict,
        reason=said.reason,
        sentence=said.sentence,
        words=words,
        as_expected=as_expected(said.verdict, results[0].expect),
        requests=added(results, "requests"),
        failed=added(results, "failed"),
        unsent=added(results, "unsent"),
        control=pooled_control([result.control for result in results if result.control is not None]),
        rollouts=rollouts,
        causes=summed(map(attrgetter("causes"), results)),
        by_outcome=summed(map(attrgetter("by_outcome"), results)),
        budget=spent({one.name: one.limit for one in results[0].budget}, rollouts),
        propagation=pooled_propagation([(result.propagation, len(result.rollouts)) for result in results]),
        sizing=pooled_sizing([result.sizing for result in results]),
        statistics=statistics,
        load=pooled_load([result.load for result in results]),
        notes=tuple(dict.fromkeys(chain.from_iterable(map(attrgetter("notes"), results)))),
        failures=tuple(chain.from_iterable(map(attrgetter("failures"), results))),
        races=_races(results),
        doubts=tuple(dict.fromkeys(chain.from_iterable(map(attrgetter("doubts"), results)))),
    )


def _races(results: Sequence[ScenarioResult]) -> Races:
    """The rollouts of all runs that lost most, with the numbers that they have among all."""
    before = [0, *accumulate(len(result.rollouts) for result in results)]
    numbered = [
        replace(race, rollout=race.rollout + offset)
        for result, offset in zip(results, before, strict=False)
        for race in result.races.races
    ]
    most = sorted(numbered, key=lambda race: (-race.failed, race.rollout))[:MOST_RACES]
    rules = dict(chain.from_iterable(result.races.rules.items() for result in results))
    return Races(races=tuple(sorted(most, key=lambda race: race.rollout)), rules=rules)


def _check(results: Sequence[ScenarioResult]) -> None:
    if not results:
        raise ValueError("there is nothing to pool")
    if len({(result.variant, result.path) for result in results}) > 1:
        raise ValueError("only runs of one variant and path can be pooled")


def _statistics(rollouts: Sequence[RolloutFindings], confidence: Confidence | None, seed: int) -> dict[str, Any]:
    failed = [rollout.own_failures for rollout in rollouts]
    return rollout_statistics([rollout.dropping for rollout in rollouts], failed, confidence, seed=seed)


def _account(rollout: RolloutFindings) -> RolloutAccount:
    """What counts against a judged rollout. What was in doubt of it is a doubt of its run."""
    return RolloutAccount(
        rollout=rollout.rollout,
        own_failures=rollout.own_failures,
        unexplained=rollout.dropping and not rollout.own_failures,
    )


def _doubts(results: Sequence[ScenarioResult]) -> tuple[tuple[str, str], ...]:
    """Why runs could not be called clean, each with the run: rollouts have the numbers of their own run there."""
    found = ((i, doubt_of(result)) for i, result in enumerate(results, 1))
    return tuple((doubt[0], f"in run {i} of {len(results)}: {doubt[1]}") for i, doubt in found if doubt is not None)


def _background(results: Sequence[ScenarioResult], words: DeedWords) -> tuple[str, str]:
    """The background of the first run that had one, with how many of them had; empty where none had."""
    found = [(i, said) for i, result in enumerate(results, 1) if (said := background_of(result)) is not None]
    if not found:
        return "", ""
    at, (reason, told) = found[0]
    runs = f"in {len(found)} of {len(results)} runs"
    return reason, f"{runs} requests failed beside the {words.plural}, in run {at}: {told}"
