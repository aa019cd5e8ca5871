"""How many rollouts of each of two kinds drop calls -> whether the shares differ, by how much at least and at most."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlog1py, xlogy

from harness.analysis.contrast import Contrast

_GRID = 101
_STEPS = 30
_CLOSE = 1e-9


def share_change(a: int, n: int, b: int, m: int, level: float = 0.95) -> Contrast:
    """`a` of `n` against `b` of `m`: Barnard's exact test with the pooled statistic, and the interval that it inverts.

    Exact whatever the true shares are: the numbers of rollouts are fixed, and those that drop calls are not, so nothing
    is conditioned on them, as Fisher's test does, which needs more rollouts to see the same. Sources: Suissa and
    Shuster, J. R. Statist. Soc. A 148 (1985); the interval as Chan and Zhang, Biometrics 55 (1999).

    >>> found = share_change(0, 3, 3, 3)
    >>> round(found.p_more, 4), round(found.p, 3), found.low > 0
    (0.0156, 0.031, True)

    Raises:
        ValueError: no rollout of one kind, or more that drop than there are.
    """
    _check(a, n, b, m)
    z = _statistic(n, m)
    more, less = z >= z[a, b] - _CLOSE, z <= z[a, b] + _CLOSE
    tail = (1.0 - level) / 2.0
    return Contrast(
        difference=b / m - a / n,
        low=_bound(more, tail, rising=True),
        high=_bound(less, tail, rising=False),
        p_more=_largest(more, 0.0),
        p_less=_largest(less, 0.0),
        p_least=_largest(z >= z[a, m] - _CLOSE, 0.0),
    )


def _check(a: int, n: int, b: int, m: int) -> None:
    if not (n and m and 0 <= a <= n and 0 <= b <= m):
        raise ValueError(f"{a} of {n} and {b} of {m} are no counts")


def alike(a: int, n: int, b: int, m: int) -> float:
    """The two-sided p-value of the same test, without its interval, which takes a hundred times as long.

    >>> round(alike(0, 3, 3, 3), 3), round(alike(0, 2, 2, 2), 3)
    (0.031, 0.125)

    Raises:
        ValueError: as `share_change`.
    """
    _check(a, n, b, m)
    z = _statistic(n, m)
    more, less = z >= z[a, b] - _CLOSE, z <= z[a, b] + _CLOSE
    return min(1.0, 2.0 * min(_largest(more, 0.0), _largest(less, 0.0)))


@cache
def fewest_to_differ(level: float = 0.95) -> int:
    """How many rollouts each of two variants needs so that all against none can be told apart at all.

    >>> fewest_to_differ()
    3
    """
    n = 1
    while alike(0, n, n, n) > 1.0 - level:
        n += 1
    return n


def power(n: int, first: float, second: float, alpha: float = 0.05) -> float:
    """How probable it is that `n` rollouts of each show, one-sided, that the second share is larger than the first."""
    weights = _pmf(n, np.asarray([first, second]))
    return float(weights[0] @ _rejected(n, alpha) @ weights[1])


@lru_cache(maxsize=64)
def _rejected(n: int, alpha: float) -> NDArray[np.bool_]:
    """The tables of `n` against `n` whose one-sided p-value is at most `alpha`: those from some value of the statistic
    on, which is searched for."""
    z = np.round(_statistic(n, n), 9)
    values = np.unique(z[z > 0])
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        if _largest(z >= values[middle], 0.0) <= alpha:
            high = middle
        else:
            low = middle + 1
    return np.asarray(z >= values[low]) if low < len(values) else np.zeros(z.shape, dtype=np.bool_)


def _statistic(n: int, m: int) -> NDArray[np.float64]:
    """How extreme each table is: the difference of its shares by the pooled standard error; 0 where all are alike."""
    a, b = np.arange(n + 1)[:, None], np.arange(m + 1)[None, :]
    pooled = (a + b) / (n + m)
    error = np.sqrt(pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m))
    return np.divide(b / m - a / n, error, out=np.zeros(error.shape), where=error > 0)


def _pmf(n: int, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """The binomial distribution of `n` for each share, a row each."""
    k = np.arange(n + 1)
    choose = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    p = np.clip(shares, 0.0, 1.0)[:, None]
    return np.asarray(np.exp(choose + xlogy(k, p) + xlog1py(n - k, -p)))


def _largest(region: NDArray[np.bool_], difference: float) -> float:
    """The largest probability of a region of tables, over all first shares with the second so much larger."""
    return max(_around(region, difference))


def _around(region: NDArray[np.bool_], difference: float) -> Iterator[float]:
    """On a grid of first shares, and then on a finer one around its best."""
    low, high = max(0.0, -difference), min(1.0, 1.0 - difference)
    for _ in range(2):
        firsts = np.linspace(low, high, _GRID)
        found = ((_pmf(region.shape[0] - 1, firsts) @ region) * _pmf(region.shape[1] - 1, firsts + difference)).sum(
            axis=1
        )
        best = int(found.argmax())
        yield min(1.0, float(found[best]))
        low, high = firsts[max(best - 1, 0)], firsts[min(best + 1, _GRID - 1)]


def _bound(region: NDArray[np.bool_], tail: float, *, rising: bool) -> float:
    """The difference at which the tail's largest probability is `tail`; it rises, or falls, with the difference."""
    low, high = -1.0, 1.0
    if _largest(region, low if rising else high) > tail:
        return low if rising else high
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        if (_largest(region, middle) > tail) == rising:
            high = middle
        else:
            low = middle
    return low if rising else high
