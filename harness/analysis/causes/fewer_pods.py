"""Lists of endpoints -> when fewer pods were in service than before the rollout that took them.

Those that are left get more requests each. Where they turn the rest away, it is not a pod that stops which does so.
"""

from __future__ import annotations

import numpy as np

from harness.analysis.causes.intervals import Spans
from harness.analysis.observed.observed import Observed


def fewer_in_service(seen: Observed, lag_s: float) -> Spans:
    """By rollout, its position in each span, when fewer pods were listed than just before its update.

    `lag_s`: after which a pod that comes to the list is sent to, seconds.

    >>> from types import SimpleNamespace as Of
    >>> listed = {"old-1": ((0.0, 9.0),), "old-2": ((0.0, 12.0),), "new-1": ((10.0, 99.0),), "new-2": ((13.0, 99.0),)}
    >>> windows = Of(rollouts=(Of(update=8.0, end=60.0),))
    >>> fewer_in_service(Of(endpoints=Of(listed=listed), windows=windows), 1.0)
    ((9.0, 11.0, 0), (12.0, 14.0, 0))
    """
    spans = np.array([span for pod in seen.endpoints.listed.values() for span in pod], dtype=np.float64).reshape(-1, 2)
    moments, starts, ends = np.unique(spans), np.sort(spans[:, 0]), np.sort(spans[:, 1])
    found: list[tuple[float, float, int]] = []
    for position, rollout in enumerate(seen.windows.rollouts):
        inside = moments[(moments > rollout.update) & (moments < rollout.end)]
        at = np.append(rollout.update, inside)
        number = np.searchsorted(starts, at, side="right") - np.searchsorted(ends, at, side="right")
        turns = np.flatnonzero(np.diff(number < number[0], append=False, prepend=False))
        until = np.append(at, rollout.end - lag_s) + lag_s
        found += [(float(at[i]), float(until[j]), position) for i, j in turns.reshape(-1, 2).tolist()]
    return tuple(found)
