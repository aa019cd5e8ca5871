"""Failed and answered requests of one stream -> outages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.model.result import Outage


def outages(
    stream: str, answered: NDArray[np.float64], failed: NDArray[np.float64], start: float, end: float
) -> tuple[Outage, ...]:
    """The outages of one stream from the ascending moments at which its requests were due.

    An outage reaches from the last request before that was answered to the first one after; without one before, from
    `start`, without one after, to `end`. Requests of other streams do not end it: they fail differently.

    Worked example, answered at 1.0, 1.1 and 1.5, failed at 1.2, 1.3, 1.4 and 1.6, the window being [0, 2):

        1.0   1.1   1.2   1.3   1.4   1.5   1.6
         ok    ok     x     x     x    ok     x
               |<----- 3 failed ----->|         from 1.1 to 1.5
                                       |<- 1 failed, until 2.0: from 1.5 to the end

    >>> import numpy as np
    >>> found = outages("new", np.array([1.0, 1.1, 1.5]), np.array([1.2, 1.3, 1.4, 1.6]), 0.0, 2.0)
    >>> [(outage.start, outage.end, outage.requests) for outage in found]
    [(1.1, 1.5, 3), (1.5, 2.0, 1)]
    """
    if not len(failed):
        return ()
    after = np.searchsorted(answered, failed, side="right")
    gaps, counts = np.unique(after, return_counts=True)
    n = len(answered)
    return tuple(
        Outage(
            stream=stream,
            start=float(answered[gap - 1]) if gap else start,
            end=float(answered[gap]) if gap < n else end,
            requests=count,
        )
        for gap, count in zip(gaps.tolist(), counts.tolist(), strict=True)
    )
