"""Values of two groups of rollouts -> whether their means differ, by how much at least and at most: no distribution is
assumed, only that rollouts of one kind are alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from harness.analysis.contrast import Contrast

MOST_EXACT = 20_000
"""Up to so many ways to deal the values out, all are looked at; of more, `SAMPLED` by chance."""

SAMPLED = 10_000


def shift(first: Sequence[float], second: Sequence[float], level: float = 0.95, *, seed: int = 0) -> Contrast:
    """The permutation test of a difference of means, and the interval of all shifts that it would not reject.

    Were the groups alike, every way to deal their values out to them would be as probable as what was seen. Exact where
    all ways are looked at, and valid where they are sampled, as what was seen is counted among them (Phipson and Smyth,
    Stat. Appl. Genet. Mol. Biol. 9, 2010). The interval has its level where one group is the other, shifted. The same
    as `scipy.stats.permutation_test` with 2 x 2 tails, which costs a second to import and gives no interval.

    >>> found = shift([10, 9, 11, 10], [1000, 900, 1100, 1050])
    >>> round(found.difference, 1), round(found.p, 4), found.low > 0
    (1002.5, 0.0286, True)

    Raises:
        ValueError: a group without a value.
    """
    n, m = len(first), len(second)
    if not n or not m:
        raise ValueError("a group without a value has no mean")
    values = np.asarray([*first, *second], dtype=np.float64)
    seen = float(values[n:].mean() - values[:n].mean())
    dealt, exact = ways(n, m, seed)
    sums = dealt @ values
    mean = sums / m - (values.sum() - sums) / n
    close = 1e-9 * max(1.0, float(np.abs(values).max()))
    other = 0 if exact else 1  # what was seen is one of all ways, and not one of those sampled
    p_more, p_less = (
        float((np.count_nonzero(hits) + other) / (len(dealt) + other))
        for hits in (mean >= seen - close, mean <= seen + close)
    )
    low, high = _bounds(seen, mean, dealt[:, n:].sum(axis=1) / m, dealt[:, :n].sum(axis=1) / n, level, other)
    least = 1.0 / math.comb(n + m, m) if exact else 1.0 / (len(dealt) + 1)
    return Contrast(difference=seen, low=low, high=high, p_more=p_more, p_less=p_less, p_least=least)


def ways(n: int, m: int, seed: int = 0) -> tuple[NDArray[np.float64], bool]:
    """Ways to deal n + m values out: one row each, 1 for what the second group gets; and whether these are all."""
    if math.comb(n + m, m) <= MOST_EXACT:
        chosen = np.asarray(list(combinations(range(n + m), m)), dtype=np.int64)
        dealt = np.zeros((len(chosen), n + m))
        np.put_along_axis(dealt, chosen, 1.0, axis=1)
        return dealt, True
    sampled = np.zeros((SAMPLED, n + m))
    sampled[:, n:] = 1.0
    return np.random.default_rng(seed).permuted(sampled, axis=1), False


def _bounds(
    seen: float,
    mean: NDArray[np.float64],
    kept: NDArray[np.float64],
    crossed: NDArray[np.float64],
    level: float,
    other: int,
) -> tuple[float, float]:
    """The shifts at which the one-sided tests begin to reject.

    Take the shift d from the second group: what was seen becomes seen - d, and a way that gives the second group the
    share `kept` of its own values, and the first one `crossed` of theirs in its size, gives mean - d (kept - crossed):
    both linear in d. So each way begins to be as extreme as what was seen at one d, and the bounds are the order
    statistics of those at which enough have begun.
    """
    weight = kept - crossed
    others = weight < 1.0 - 1e-12
    begins = np.sort((seen - mean[others]) / (1.0 - weight[others]))
    total = len(mean) + other
    allowed = math.floor((1.0 - level) / 2.0 * total + 1e-9)
    skipped = allowed - (total - len(begins))  # what was seen itself is as extreme at every d
    if skipped < 0 or not len(begins):
        return -math.inf, math.inf
    return float(begins[min(skipped, len(begins) - 1)]), float(begins[max(-1 - skipped, -len(begins))])
