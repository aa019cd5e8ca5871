"""Intervals in which something was possible, and moments -> for each moment, how many pods it was possible of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Spans = tuple[tuple[float, float, int], ...]
"""[start, end] of one possibility, and the position of the pod that it is about."""

NOBODY = -1
"""No pod, or more than one."""


def frozen(*arrays: NDArray[np.generic]) -> None:
    """Make arrays read-only: a record is frozen only if what it holds is."""
    for array in arrays:
        array.setflags(write=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """For each of some moments: by how many pods a possibility holds, and which pod's, where it is only one's."""

    count: NDArray[np.int64]
    pod: NDArray[np.int64]

    def __post_init__(self) -> None:
        frozen(self.count, self.pod)


def cover(spans: Spans, moments: NDArray[np.float64]) -> Cover:
    """How many spans hold each moment; both ends count.

    >>> import numpy as np
    >>> found = cover(((0.0, 2.0, 7), (1.0, 3.0, 8)), np.array([0.5, 1.5, 2.5, 9.0]))
    >>> found.count.tolist(), found.pod.tolist()
    ([1, 2, 1, 0], [7, -1, 8, -1])
    """
    if not spans:
        return Cover(count=np.zeros(len(moments), dtype=np.int64), pod=np.full(len(moments), NOBODY, dtype=np.int64))
    starts, ends = sorted((s[0], s[2]) for s in spans), sorted((s[1], s[2]) for s in spans)
    begun = np.searchsorted(np.array([s[0] for s in starts]), moments, side="right")
    over = np.searchsorted(np.array([s[0] for s in ends]), moments, side="left")
    sums = [np.concatenate(([0], np.cumsum([s[1] for s in side]))) for side in (starts, ends)]
    count = begun - over
    return Cover(count=count, pod=np.where(count == 1, sums[0][begun] - sums[1][over], NOBODY))


def cover_of_own_pod(
    spans: Spans, own: NDArray[np.int64], since: NDArray[np.float64], until: NDArray[np.float64]
) -> Cover:
    """How many spans hold each moment of `until`; where a request's own pod is known, only that pod's spans count.

    A pod's own span counts where it touches [since, until].

    >>> import numpy as np
    >>> at = np.array([1.0, 1.0, 1.0])
    >>> found = cover_of_own_pod(((0.0, 2.0, 7), (0.5, 3.0, 8)), np.array([7, 9, NOBODY]), at, at)
    >>> found.count.tolist(), found.pod.tolist()
    ([1, 0, 2], [7, 9, -1])
    """
    anyone = cover(spans, until)
    known = own != NOBODY
    if not known.any():
        return anyone
    touched = np.zeros(len(own), dtype=bool)
    for start, end, position in spans:
        touched |= (own == position) & (until >= start) & (since <= end)
    return Cover(count=np.where(known, touched, anyone.count), pod=np.where(known, own, anyone.pod))
