"""Connections that waited and were cut in one moment -> whether some of them show who cut the others.

A listener that closes resets all that wait in its queue at once. Where some of those went to a pod that was stopping,
so did all, however late the data plane was to hear that it had left.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOMENT_S = 0.02
"""How far apart a client sees two ends of one moment at most: its loop looks every 5 ms, and has many to look at."""


AT_ONCE_S = 0.005
"""How far apart it sees two that one server ended at once, as a rule: one look of its loop."""


def moments_of(ascending: NDArray[np.float64], apart_s: float = MOMENT_S) -> NDArray[np.int64]:
    """The number of the moment, from 0, to which each of them belongs: no two neighbours in one are farther apart.

    >>> import numpy as np
    >>> moments_of(np.array([7.0, 7.01, 7.02, 9.0])).tolist()
    [0, 0, 0, 1]
    """
    return np.concatenate(([0], np.cumsum(np.diff(ascending) > apart_s)))[: len(ascending)]


def cut_with_others(
    waited: NDArray[np.bool_], ended: NDArray[np.float64], others: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Which of those that `waited` ended in one moment with one of the `others` among them. `ended`: seconds.

    >>> import numpy as np
    >>> waited, ended = np.array([True, True, True, False]), np.array([7.000, 7.001, 9.0, 9.0])
    >>> cut_with_others(waited, ended, np.array([True, False, False, True])).tolist()
    [True, True, False, False]
    """
    found = np.zeros_like(waited)
    (those,) = np.nonzero(waited)
    those = those[np.argsort(ended[those], kind="stable")]
    moment = moments_of(ended[those])
    found[those] = np.isin(moment, moment[others[those]])
    return found
