"""A result -> the same, its lists no longer than a reader can use; what was left out of them is counted.

Numbers, verdict and statistics are those of the whole run, whatever is left out of the lists.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import floor
from typing import TypeVar

from harness.model.lags import Lag, Lags
from harness.model.result import Chart, FailureBin, Outage, RolloutFindings, ScenarioResult

_Item = TypeVar("_Item")

_BY_ROLLOUT = ("rollouts", "outages", "ended pods")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many of each a result may list: rollouts, outages and ended pods of all of them together, lags on each side,
    pods of the chart, and bars of it, which are made wider until they are so few."""

    rollouts: int = 1000
    outages: int = 2000
    takers: int = 3000
    lags: int = 1000
    pods: int = 2000
    bars: int = 3000

    def halved(self) -> Bounds:
        """Half of each."""
        return Bounds(**{name: getattr(self, name) // 2 for name in self.__slots__})


USUAL = Bounds()


def bounded(result: ScenarioResult, bounds: Bounds = USUAL) -> ScenarioResult:
    """The result within the bounds; `left_out` has by list how much is not in it. One that is within them is the same.

    What stays: rollouts that dropped calls or are in doubt before others, outages with the most failed requests, the
    longest lags, the pods that came first. What stays keeps its order.
    """
    rollouts = _chosen(result.rollouts, bounds.rollouts, lambda one: (one.dropping, bool(one.note)))
    ended = _first_ended(rollouts, bounds.takers)
    rollouts = [
        replace(one, outages=tuple(outages), takers=takers)
        if len(outages) < len(one.outages) or len(takers) < len(one.takers)
        else one
        for one, outages, takers in zip(rollouts, _worst(rollouts, bounds.outages), ended, strict=True)
    ]
    pods = result.chart.pods[: bounds.pods]
    left_out = _lacking(result, rollouts)
    left_out["pods of the chart"] = len(result.chart.pods) - len(pods)
    propagation = result.propagation
    if propagation is not None:
        removal, addition = (_bounded_lags(side, bounds) for side in (propagation.removal, propagation.addition))
        left_out["removal lags"] = len(propagation.removal.pods) - len(removal.pods)
        left_out["addition lags"] = len(propagation.addition.pods) - len(addition.pods)
        propagation = replace(propagation, removal=removal, addition=addition)
    earlier = Counter(result.left_out) + Counter(left_out)
    return replace(
        result,
        rollouts=tuple(rollouts),
        propagation=propagation,
        chart=_wider(replace(result.chart, pods=pods), bounds.bars),
        left_out=dict(earlier),
    )


def left_out_words(result: ScenarioResult) -> str:
    """What was left out, in a sentence; empty where nothing was."""
    if not result.left_out:
        return ""
    told = ", ".join(f"{count:,} {name}" for name, count in result.left_out.items())
    return (
        f"too much to list: {told} are left out; all numbers are of the whole run, and failures.csv has every failure"
    )


def _chosen(items: Sequence[_Item], most: int, rank: Callable[[_Item], object]) -> list[_Item]:
    """So many of the items, those of the highest rank, in their order."""
    if len(items) <= most:
        return list(items)
    ranked = sorted(range(len(items)), key=lambda at: rank(items[at]), reverse=True)  # type: ignore[arg-type,return-value]
    return [items[at] for at in sorted(ranked[:most])]


def _worst(rollouts: Sequence[RolloutFindings], most: int) -> list[list[Outage]]:
    """By rollout its outages, as far as they are among the worst of all."""
    known = [(at, outage) for at, one in enumerate(rollouts) for outage in one.outages]
    found: list[list[Outage]] = [[] for _ in rollouts]
    for at, outage in _chosen(known, most, lambda pair: (pair[1].requests, pair[1].end - pair[1].start)):
        found[at].append(outage)
    return found


def _first_ended(rollouts: Sequence[RolloutFindings], most: int) -> list[dict[str, str]]:
    """By rollout the pods that ended in it: all of the first rollouts, until they are too many."""
    found: list[dict[str, str]] = []
    for one in rollouts:
        found.append(dict(list(one.takers.items())[:most]))
        most -= len(found[-1])
    return found


def _lacking(result: ScenarioResult, kept: Sequence[RolloutFindings]) -> dict[str, int]:
    def counts(rollouts: Sequence[RolloutFindings]) -> tuple[int, ...]:
        return len(rollouts), sum(len(one.outages) for one in rollouts), sum(len(one.takers) for one in rollouts)

    before, after = counts(result.rollouts), counts(kept)
    return {name: had - has for name, had, has in zip(_BY_ROLLOUT, before, after, strict=True)}


def _bounded_lags(side: Lags, bounds: Bounds) -> Lags:
    if len(side.pods) <= bounds.lags and len(side.by_rollout) <= bounds.rollouts:
        return side
    longest = heapq.nlargest(bounds.rollouts, side.by_rollout, key=lambda one: one.max.latest_s if one.max else -1.0)
    return replace(
        side,
        pods=tuple(_chosen(side.pods, bounds.lags, _latest_s)),
        by_rollout=tuple(sorted(longest, key=lambda one: one.rollout)),
    )


def _latest_s(lag: Lag) -> float:
    return lag.lag.latest_s if lag.lag is not None else -1.0


def _wider(chart: Chart, most: int) -> Chart:
    """The chart with bars twice as wide, as often as it takes: what failed is in one of them still."""
    bars, bin_s = chart.failures, chart.bin_s
    while len(bars) > max(most, 1) and len({one.t for one in bars}) > 1:
        bin_s *= 2
        sums: Counter[tuple[float, str, str]] = Counter()
        for one in bars:
            sums[round(floor(one.t / bin_s + 1e-9) * bin_s, 6), one.stream, one.outcome] += one.failed
        bars = tuple(
            FailureBin(t=t, stream=stream, outcome=outcome, failed=failed)
            for (t, stream, outcome), failed in sums.items()
        )
    return replace(chart, failures=bars, bin_s=round(bin_s, 6))
