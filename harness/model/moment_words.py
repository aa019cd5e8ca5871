"""A moment, and what changed about a pod around it -> the words for what was so then: of `explain` and of the reports.

All times are seconds on the run's clock. A change of the data plane lies between two times: `earliest` and `latest`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def told_to_stop(told: float, t: float) -> str:
    """How long the pod had been in deletion.

    >>> told_to_stop(8.0, 8.25)
    'told to stop 0.25 s before'
    """
    return f"told to stop {t - told:.2f} s before"


def listing(spans: Sequence[tuple[float, float]], t: float) -> str:
    """Whether the pod was in the EndpointSlice for traffic, where it was in these spans, ascending.

    >>> listing([(1.0, 8.5)], 8.0), listing([(1.0, 8.5)], 9.0), listing([(1.0, 8.5)], 0.5), listing([], 1.0)
    ('in the EndpointSlice for 7.00 s, removed 0.50 s later', 'out of the EndpointSlice for 0.50 s', \
'not in the EndpointSlice yet (added 0.50 s later)', 'never in the EndpointSlice')
    """
    if not spans:
        return "never in the EndpointSlice"
    last = next((span for span in reversed(spans) if span[0] <= t), None)
    if last is None:
        return f"not in the EndpointSlice yet (added {spans[0][0] - t:.2f} s later)"
    if last[1] <= t:
        return f"out of the EndpointSlice for {t - last[1]:.2f} s"
    until = f", removed {last[1] - t:.2f} s later" if math.isfinite(last[1]) else ""
    return f"in the EndpointSlice for {t - last[0]:.2f} s{until}"


def still_sent_to(earliest: float, latest: float, t: float) -> str:
    """What the data plane did with a pod that was to get no more: the last new connection went to it between the two.

    >>> still_sent_to(8.5, 9.0, 8.0)
    'still sent new connections to it, for up to 1.00 s more'
    """
    if t > latest:
        return f"had sent it its last new connection {t - latest:.2f} s before or earlier"
    may = "still sent" if t <= earliest else "may still have sent"
    return f"{may} new connections to it, for up to {latest - t:.2f} s more"


def not_yet_sent_to(earliest: float, latest: float, t: float) -> str:
    """The same of a pod that came: the first new connection went to it between the two.

    >>> not_yet_sent_to(8.5, 9.0, 8.0)
    'had not sent to it yet: the first new connection came 0.50 s later'
    """
    if t < earliest:
        return f"had not sent to it yet: the first new connection came {earliest - t:.2f} s later"
    return "may already have sent new connections to it" if t < latest else "sent new connections to it"
