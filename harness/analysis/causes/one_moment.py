"""Connections that waited and were cut in one moment -> whether some of them show who cut the others.

A listener that closes resets all that wait in its queue at once. Where some of those went to a pod that was stopping,
so did all, however late the data plane was to hear that it had left.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOMENT_S = 0.02
"""How far apart a client sees two ends of one moment at most: its loop looks every 5 ms, and has many to look at."""


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
    moment = np.concatenate(([0], np.cumsum(np.diff(ended[those]) > MOMENT_S)))[: len(those)]
    found[those] = np.isin(moment, moment[others[those]])
    return found
