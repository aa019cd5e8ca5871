"""Requests that failed and such that did not, in two times -> whether one has a burst that the other does not explain.

A rate over a long time hides what comes at once: twenty losses within a second are few among the requests of a minute.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.analysis.statistics import P_VALUE, excess

SHORTEST = 16
"""Of how many requests in a row a burst is counted, at least; then of twice as many, and so on."""


def has_burst(failed: NDArray[np.float64], good: NDArray[np.float64], quiet: NDArray[np.bool_]) -> bool:
    """Whether more of some requests in a row failed than the rate of other times explains, and than ever did then.

    `failed`, `good`: moments of the sending, in any order. `quiet`: of the requests of the other times, in order of
    time, which failed. The probability is that of the densest of all stretches that were looked at (Bonferroni).
    """
    mine = in_order(failed, good)
    lengths = [SHORTEST << power for power in range(32) if SHORTEST << power < len(mine)]
    looked_at = sum(len(_counts(mine, length)) for length in lengths)
    for length in lengths:
        most = int(_counts(mine, length).max())
        as_usual = int(_counts(quiet, length).max(initial=0))
        if most > as_usual and excess(most, length, int(quiet.sum()), len(quiet)) * looked_at < P_VALUE:
            return True
    return False


def in_order(failed: NDArray[np.float64], good: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of all requests failed, in order of time.

    >>> in_order(np.array([2.0]), np.array([1.0, 3.0])).tolist()
    [False, True, False]
    """
    order = np.argsort(np.concatenate((failed, good)), kind="stable")
    return np.asarray(order < len(failed))


def _counts(failed: NDArray[np.bool_], length: int) -> NDArray[np.int64]:
    """How many failed in each stretch of so many requests; stretches begin half a length apart."""
    if len(failed) < length:
        return np.zeros(0, dtype=np.int64)
    upto = np.concatenate(([0], np.cumsum(failed)))
    starts = np.arange(0, len(failed) - length + 1, length // 2)
    return np.asarray(upto[starts + length] - upto[starts], dtype=np.int64)
