"""When a loop's timer was due, and when it ran, into how late the loop may have been in seeing something."""

from __future__ import annotations

import math

TICK_S = 0.001
"""The resolution of uvloop's timers; anything shorter would spin."""

LOOK_S = 0.005
"""A timer is due at least this often, so that no longer pause of the loop goes unseen."""


class Lateness:
    """How late one event loop is, by a timer that it always has.

    Whatever held the loop up (a slow callback, garbage collection, a host that gave the processor to others) held its
    timer up too. A timer that is overdue now tells of a pause that has not ended. One that was late tells of a pause in
    which other events waited as well; the loop polls between two timers, so after the next but one all have had their
    turn.

    >>> lateness = Lateness()
    >>> lateness.ran(1.0, next_s=1.005)
    >>> lateness.ran(1.055, next_s=1.060)  # 50 ms late
    >>> round(lateness.at(1.056), 6), round(lateness.at(1.071), 6)
    (0.051, 0.066)
    """

    __slots__ = ("_due", "_pauses")

    def __init__(self) -> None:
        self._due = math.inf
        self._pauses = math.inf, math.inf

    def ran(self, now_s: float, *, next_s: float) -> None:
        """The timer has run, callback and all, and is set for `next_s`."""
        self._pauses = self._pauses[1], self._overdue_since(now_s)
        self._due = next_s

    def lost(self) -> None:
        """There is no timer any more."""
        self._due = math.inf

    def at(self, now_s: float) -> float | None:
        """Seconds by which what is seen now may be late; None without a timer."""
        if self._due == math.inf:
            return None
        return max(0.0, now_s - min(*self._pauses, self._overdue_since(now_s)))

    def _overdue_since(self, now_s: float) -> float:
        """When the timer should have run; infinity where it is on time."""
        return self._due if now_s - self._due > TICK_S else math.inf
