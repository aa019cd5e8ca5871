"""A rate and a start into the exact times at which requests are to start, which are due, and which come too late."""

import math
from dataclasses import dataclass

from harness.model.request import ON_TIME_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """An absolute schedule: request n starts at `start_s + n / rate_per_s`, whatever became of the earlier ones.

    Times are computed from n, never added up, so they do not drift. `end_s` (exclusive) ends it; None: it goes on.

    >>> pace = Schedule(start_s=10.0, rate_per_s=4.0)
    >>> pace.at(2), pace.due(0, 10.6), pace.wait_s(3, 10.6)
    (10.5, range(0, 3), 0.15000000000000036)
    """

    start_s: float
    rate_per_s: float
    end_s: float | None = None

    def at(self, n: int) -> float:
        """When request n is to start."""
        return self.start_s + n / self.rate_per_s

    def due(self, n: int, now_s: float) -> range:
        """The requests from n on whose time has come at `now_s`: all that were missed, to be caught up at once."""
        until = now_s if self.end_s is None else min(now_s, math.nextafter(self.end_s, -math.inf))
        stop = max(n, math.floor((until - self.start_s) * self.rate_per_s))
        # The division above is rounded; `at` is what counts.
        while stop > n and self.at(stop - 1) > until:
            stop -= 1
        while self.at(stop) <= until:
            stop += 1
        return range(n, stop)

    def over(self, n: int) -> bool:
        """Whether request n is no longer part of the schedule."""
        return self.end_s is not None and self.at(n) >= self.end_s

    def wait_s(self, n: int, now_s: float) -> float:
        """Seconds from `now_s` until request n is due, 0 when it is already, infinity when there is no request n."""
        return math.inf if self.over(n) else max(0.0, self.at(n) - now_s)


LATEST_S = 1.0
"""A request this late is not sent: the backlog of a stall, sent all at once, would be a load nobody asked for."""

BEHIND_S, FOR_S = 0.1, 0.25
"""What is so late all the time, for so long, does not catch up from a stall: it cannot keep up."""

CALM_S = 1.0
"""From then on what is not on time is not sent, until that was not needed for so long."""


class Patience:
    """How late a request may be and still be sent.

    A worker that is given more than it can send would be late with everything, and the later the longer; so it sends on
    time what it can, and says of the rest that it was not sent.
    """

    def __init__(self) -> None:
        self._behind_since: float | None = None
        self._short_until = -math.inf

    def bears(self, lag_s: float, now_s: float) -> bool:
        """Whether a request that is due since `lag_s` is still to be sent; to be asked of each."""
        if lag_s <= BEHIND_S:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = now_s
        overloaded = self._behind_since is not None and now_s - self._behind_since >= FOR_S
        if lag_s > ON_TIME_S and (overloaded or now_s < self._short_until):
            self._short_until = now_s + CALM_S
            return False
        return lag_s <= LATEST_S
