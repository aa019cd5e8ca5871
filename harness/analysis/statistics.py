"""Counts -> intervals, bounds and exact tests; the rollout is the unit, since failures cluster inside rollouts.

Only `scipy.special`: importing `scipy.stats` alone costs a second.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, gammaln, pdtrc

from harness.model.run import Confidence

LEVEL = 0.95

P_VALUE = 0.01
"""How improbable it must be that chance alone made one count of failures so much larger than another."""


def clopper_pearson(k: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """The exact two-sided interval of a probability after `k` of `n`.

    Source: Clopper and Pearson, Biometrika 26 (1934), as quantiles of the beta distribution.

    >>> [round(bound, 4) for bound in clopper_pearson(1, 10)]
    [0.0025, 0.445]
    """
    _check(k, n)
    if n == 0:
        return 0.0, 1.0
    tail = (1.0 - level) / 2.0
    low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(betaincinv(k + 1, n - k, 1.0 - tail))
    return low, high


def at_most(k: int, n: int, level: float = LEVEL) -> float:
    """The exact one-sided upper bound of a probability after `k` of `n`.

    >>> round(at_most(0, 10), 3), round(at_most(0, 59), 4), round(at_most(0, 3), 3)
    (0.259, 0.0495, 0.632)
    """
    _check(k, n)
    return 1.0 if k == n else float(betaincinv(k + 1, n - k, level))


def _check(k: int, n: int) -> None:
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no count")


def plan_confidence(max_dropping: float, level: float) -> int:
    """How many rollouts in a row must be clean to say: at most `max_dropping` of all drop calls, with this `level`.

    The smallest n with (1 - max_dropping) ** n <= 1 - level.

    >>> plan_confidence(0.05, 0.95), plan_confidence(0.01, 0.95)
    (59, 299)

    Raises:
        ValueError: a share or a level outside (0, 1).
    """
    if not (0.0 < max_dropping < 1.0 and 0.0 < level < 1.0):
        raise ValueError(f"max_dropping {max_dropping} and level {level} must lie between 0 and 1")
    n = math.ceil(math.log(1.0 - level) / math.log(1.0 - max_dropping) - 1e-9)
    return max(n, 1)


def excess(failed: int, requests: int, control_failed: int, control_requests: int) -> float:
    """How probable it is that chance alone puts so many of all failures into the rollout windows (one-sided).

    Fisher's exact test: given all failures, the number that falls among the `requests` is hypergeometric.

    >>> round(excess(3, 4, 1, 4), 4)
    0.2429
    """
    if requests == 0 or failed == 0:
        return 1.0
    if control_requests == 0:
        return 1.0  # nothing to compare with: no evidence either way
    lowest, highest = failed, min(requests, failed + control_failed)
    terms = _hypergeometric(lowest, highest, failed + control_failed, requests, requests + control_requests)
    return min(1.0, float(terms.sum()))


def poisson_tail(count: int, expected: float) -> float:
    """How probable `count` or more events are where `expected` ones come on average, independent of each other.

    >>> round(poisson_tail(1, 0.5), 4), poisson_tail(0, 3.0)
    (0.3935, 1.0)
    """
    return float(pdtrc(count - 1, expected)) if count > 0 else 1.0


def closeness(moments: Sequence[float] | NDArray[np.float64], whole: float) -> float:
    """The probability that so many moments, spread evenly over a time of length `whole`, lie as close together as
    these, or closer. 1 for fewer than two.

    Source: the range of n uniform variables has the distribution n r^(n-1) - (n-1) r^n (David and Nagaraja, Order
    Statistics, 2003, 2.3).

    >>> closeness([1.0], 10.0), round(closeness([3.0, 4.0], 10.0), 2), closeness([0.0, 10.0], 10.0)
    (1.0, 0.19, 1.0)
    """
    n = len(moments)
    if n < 2:
        return 1.0
    share = float(np.ptp(moments)) / whole
    return float(n * share ** (n - 1) - (n - 1) * share**n)


def _hypergeometric(lowest: int, highest: int, marked: int, drawn: int, whole: int) -> NDArray[np.float64]:
    """P(X = x) for x = lowest..highest: x of the `marked` are among the `drawn` of the `whole`."""

    def choose(n: int, k: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1), dtype=np.float64)

    x = np.arange(lowest, highest + 1, dtype=np.float64)
    total = choose(whole, np.asarray([drawn], dtype=np.float64))
    return np.exp(choose(marked, x) + choose(whole - marked, drawn - x) - total)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """p-values corrected for their number, in the same order. Source: Holm, Scand. J. Statist. 6 (1979).

    >>> holm([0.01, 0.04, 0.03])
    (0.03, 0.06, 0.06)
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected = [0.0] * len(p_values)
    worst = 0.0
    for rank, i in enumerate(order):
        worst = max(worst, min(1.0, p_values[i] * (len(p_values) - rank)))
        corrected[i] = round(worst, 12)
    return tuple(corrected)


def bootstrap_mean(
    values: Sequence[float], level: float = LEVEL, *, seed: int = 0, resamples: int = 2000
) -> tuple[float, float]:
    """A percentile interval of the mean of `values` (failed requests per rollout), by drawing rollouts again.

    Source: Efron, Ann. Statist. 7 (1979). With fewer than two values there is no interval: the value itself, twice.
    """
    if len(values) < 2:
        value = float(values[0]) if values else 0.0
        return value, value
    draws = np.random.default_rng(seed).choice(np.asarray(values, dtype=np.float64), size=(resamples, len(values)))
    low, high = np.quantile(draws.mean(axis=1), [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return float(low), float(high)


def visible_excess(requests: int, control_failed: int, control_requests: int, expected: int, p: float = 0.01) -> int:
    """The smallest number of failures beyond the `expected` ones that the excess test would have shown."""
    extra = 1
    while extra < requests - expected and excess(expected + extra, requests, control_failed, control_requests) >= p:
        extra = extra + max(1, extra // 8)
    return extra


def rollout_statistics(
    dropping: Sequence[bool], failed: Sequence[int], confidence: Confidence | None, *, seed: int = 0
) -> dict[str, Any]:
    """What n rollouts say of all rollouts.

    `rollouts, dropping`; `interval` (two-sided) and `at_most` (one-sided) of the share that drops calls; `level`;
    `failed_per_rollout: {mean, interval}`; `needed` (clean rollouts for the confidence asked for) and `enough`.
    """
    n, k = len(dropping), sum(dropping)
    level = LEVEL if confidence is None else confidence.level
    mean = sum(failed) / n if n else 0.0
    facts: dict[str, Any] = {
        "rollouts": n,
        "dropping": k,
        "level": level,
        "interval": list(clopper_pearson(k, n, level)),
        "at_most": at_most(k, n, level) if n else 1.0,
        "failed_per_rollout": {"mean": mean, "interval": list(bootstrap_mean(failed, level, seed=seed))},
    }
    if confidence is not None:
        needed = plan_confidence(confidence.max_dropping, confidence.level)
        facts |= {"needed": needed, "enough": k == 0 and n >= needed}
    return facts
