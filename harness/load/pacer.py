"""A rate and a start into the exact times at which requests are to start, and which of them are due."""

import math
from dataclasses import dataclass


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
