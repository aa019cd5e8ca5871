"""Errors by which stopping pods turned requests away -> those of requests that they had in hand, and gave up.

A server may answer all that it works on with an error as it is told to stop. What it turns away came later, and needs
another cure: that it is not sent there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.analysis.causes.intervals import NOBODY, Spans, cover
from harness.analysis.causes.one_moment import MOMENT_S, moments_of

MANY = 3
"""So many errors that ended at once ..."""

ALONE_S = 0.2
"""... and none so shortly before or after them, are no coincidence of answers that are given one by one."""

Mask = NDArray[np.bool_]
Times = NDArray[np.float64]


def in_hand(turned: Mask, sent: Times, ended: Times, own: NDArray[np.int64], stopping: Spans) -> Mask:
    """Which of those that a stopping pod `turned` away it had taken before it was told to stop.

    Surely those that were sent before that can have been, whichever of those that were stopping as the answer came it
    was. Or before the pod gave its first error, by clearly more than any took that came after that; where none
    did, than the quickest took, for what is turned away is answered at once. Or that ended at once with several others.

    >>> import numpy as np
    >>> both, told = np.array([True, True]), ((5.0, 9.0, 0), (7.0, 9.0, 1))
    >>> in_hand(both, np.array([4.0, 6.0]), np.array([8.0, 8.0]), np.array([NOBODY, NOBODY]), told).tolist()
    [True, False]
    >>> in_hand(both, np.array([7.7, 7.99]), np.array([8.0, 8.0]), np.array([1, 1]), told).tolist()
    [True, False]
    """
    if not turned.any():
        return turned.copy()
    first, took = _first_error(turned, ended, np.where(own != NOBODY, own, cover(stopping, ended).pod)), ended - sent
    known = turned & np.isfinite(first)
    later = known & (sent > first)
    prompt_s = float(took[later].max() if later.any() else max(took[turned].min(), MOMENT_S))
    before = known & (sent < first - prompt_s - MOMENT_S)
    at_once = _at_once(turned, ended) & (took > MOMENT_S)
    return _before_they_were_told(turned, sent, ended, own, stopping) | before | at_once


def _first_error(turned: Mask, ended: Times, of: NDArray[np.int64]) -> Times:
    """Per failure, when the pod `of` which it is turned the first away; infinite where that is not known."""
    known = turned & (of != NOBODY)
    first = np.full(max(int(of.max()), NOBODY) + 2, np.inf)  # the last is NOBODY's
    np.minimum.at(first, of[known], ended[known])
    return np.where(known, first[of], np.inf)


def _at_once(turned: Mask, ended: Times) -> Mask:
    """Which of them ended with several others in one moment, and without any around that."""
    (those,) = np.nonzero(turned)
    those = those[np.argsort(ended[those], kind="stable")]
    moment = moments_of(ended[those], ALONE_S)
    count = np.bincount(moment)
    last = np.cumsum(count) - 1
    lasts = ended[those[last]] - ended[those[last - count + 1]]
    found = np.zeros_like(turned)
    found[those] = ((count >= MANY) & (lasts <= MOMENT_S))[moment]
    return found


def _before_they_were_told(turned: Mask, sent: Times, ended: Times, own: NDArray[np.int64], stopping: Spans) -> Mask:
    found = turned.copy()
    for start, end, pod in stopping:
        may_be = (ended >= start) & (ended <= end) & ((own == pod) | (own == NOBODY))
        found &= ~(may_be & (sent >= start))
    return found
