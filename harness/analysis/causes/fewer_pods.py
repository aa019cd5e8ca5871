"""Lists of endpoints -> when fewer pods were in service than before the rollout that took them.

Those that are left get more requests each. Where they turn the rest away, it is not a pod that stops which does so.
"""

from __future__ import annotations

from collections.abc import Iterator

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
    spans = [span for pod in seen.endpoints.listed.values() for span in pod]
    moments = np.array(sorted({moment for span in spans for moment in span}), dtype=np.float64)
    starts, ends = (np.sort(np.array([span[side] for span in spans], dtype=np.float64)) for side in (0, 1))

    def number(at: float) -> int:
        return int(np.searchsorted(starts, at, side="right") - np.searchsorted(ends, at, side="right"))

    def found() -> Iterator[tuple[float, float, int]]:
        for position, rollout in enumerate(seen.windows.rollouts):
            before = number(rollout.update)
            since: float | None = None
            inside = moments[(moments > rollout.update) & (moments < rollout.end)]
            for moment in inside.tolist():
                if number(moment) < before:
                    since = moment if since is None else since
                elif since is not None:
                    yield since, moment + lag_s, position
                    since = None
            if since is not None:
                yield since, rollout.end, position

    return tuple(found())
