"""A difference that matters -> how many rollouts of each kind show it, with the probability that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.analysis import proportions
from harness.analysis.permutation import ways

ALPHA = 0.05
WANTED = 0.8
NUMBERS = (3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 50)
"""The numbers of rollouts that are tried."""

FEWEST = 5
"""Of fewer rollouts the spread is not known: two that lost the same would have none."""

SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)
FACTORS = (1.5, 2.0, 3.0, 5.0, 10.0)

_SIMULATED, _MOST_WAYS = 400, 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """How many rollouts of each kind show a change, one-sided: None where more than the largest number tried."""

    change: str
    rollouts: int | None


def shares_needed(before: float = 0.0) -> tuple[Needed, ...]:
    """For shares of dropping rollouts that grow from `before`: exact."""
    return tuple(
        Needed(
            change=f"{100 * before:.0f} % to {100 * after:.0f} %",
            rollouts=_first(lambda n, after=after: proportions.power(n, before, after, ALPHA)),  # type: ignore[misc]
        )
        for after in SHARES
        if after > before
    )


def failures_needed(spread: float, *, seed: int = 0) -> tuple[Needed, ...]:
    """For failures per rollout that grow by a factor: simulated, of gamma-distributed ones that vary by `spread` of
    their mean (their coefficient of variation), before and after."""
    return tuple(
        Needed(
            change=f"x {factor:g}",
            rollouts=_first(lambda n, factor=factor: _power(n, spread, factor, seed)),  # type: ignore[misc]
        )
        for factor in FACTORS
    )


def spread_of(values: Sequence[float]) -> float | None:
    """The coefficient of variation; None of nothing but zeros, or of so few that they may be alike by chance."""
    known = np.asarray(values, dtype=np.float64)
    if len(known) < FEWEST or not known.mean():
        return None
    return float(known.std(ddof=1) / known.mean())


def _first(power: Callable[[int], float]) -> int | None:
    return next((n for n in NUMBERS if power(n) >= WANTED), None)


def _power(n: int, spread: float, factor: float, seed: int) -> float:
    """The share of simulated comparisons whose permutation test is significant."""
    shape = 1.0 / max(spread, 0.01) ** 2
    drawn = np.random.default_rng(seed).gamma(shape, 1.0 / shape, size=(_SIMULATED, 2 * n))
    drawn[:, n:] *= factor
    dealt, exact = ways(n, n, seed)
    if len(dealt) > _MOST_WAYS:
        dealt, exact = np.random.default_rng(seed).choice(dealt, _MOST_WAYS, axis=0), False
    seen = drawn[:, n:].sum(axis=1)
    sums = drawn @ dealt.T
    extreme = (sums >= seen[:, None] - 1e-9 * np.abs(seen)[:, None]).sum(axis=1)
    other = 0 if exact else 1
    return float(((extreme + other) / (len(dealt) + other) <= ALPHA).mean())
