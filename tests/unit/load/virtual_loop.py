"""A loop whose time goes on only when it is told to, so that what is due when does not hang on the machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest


class Timer:
    """A call that is due then."""

    def __init__(self, loop: Loop, due: float, call: Callable[[], None]) -> None:
        self.loop, self.due, self.call = loop, due, call

    def cancel(self) -> None:
        if self in self.loop.timers:
            self.loop.timers.remove(self)


class Loop:
    """What `asyncio.get_running_loop` gives from now on, as far as timers go; `set` counts them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.timers, self.set = 0.0, list[Timer](), 0
        monkeypatch.setattr(asyncio, "get_running_loop", lambda: self)

    def time(self) -> float:
        return self.now

    def call_later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        self.set += 1
        self.timers.append(Timer(self, self.now + delay_s, call))
        return self.timers[-1]

    def call_soon(self, call: Callable[[], None]) -> Timer:
        return self.call_later(0.0, call)

    def until(self, end: float) -> None:
        """Go on to then; what is called may take time of its own."""
        while due := [timer for timer in self.timers if timer.due <= max(end, self.now)]:
            first = min(due, key=lambda timer: timer.due)
            self.timers.remove(first)
            self.now = max(self.now, first.due)
            first.call()
        self.now = max(self.now, end)
