"""Time-outs of one length into calls: one timer for all of them, which is seldom set anew."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

_SOONEST_S = 0.001


class Expires(Protocol):
    """Something that waits."""

    def expire(self) -> None:
        """Its time is over. It may begin to wait again."""


class Deadlines:
    """Who waits, in the order in which they began, which is that in which their time is over.

    The timer is set for the first; who comes later, or does not wait any more, leaves it as it is.
    """

    __slots__ = ("_clock", "_ends", "_length_s", "_timer")

    def __init__(self, length_s: float, *, clock: Callable[[], float]) -> None:
        self._length_s, self._clock = length_s, clock
        self._ends: dict[Expires, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, waiting: Expires) -> None:
        """Call its `expire` once the time is over, unless it ends before."""
        self._ends[waiting] = self._clock() + self._length_s
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._length_s, self._look)

    def end(self, waiting: Expires) -> None:
        """It waits no longer."""
        self._ends.pop(waiting, None)

    def close(self) -> None:
        """Nobody's time is over any more."""
        self._ends.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        now = self._clock()
        over = []
        for waiting, end in self._ends.items():
            if end > now:
                break
            over.append(waiting)
        for waiting in over:
            if self._ends.pop(waiting, None) is not None:  # one that is over may end another
                waiting.expire()
        self._timer = None  # not before: who begins anew comes after those that wait already
        for end in self._ends.values():
            wait_s = max(_SOONEST_S, end - self._clock())
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._look)
            break
