"""Descriptors into calls when they are ready: an epoll of our own, for which the loop waits as for one descriptor.

All that is ready is had by one system call in one turn of the loop, and a descriptor costs one call to be waited for:
loops make objects of their own for each, which at thousands of connections a second is most of their work.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Ready = Callable[[], None]

READ, WRITE = select.POLLIN, select.POLLOUT  # of the same value as EPOLLIN and EPOLLOUT, epoll(7)

AVAILABLE = hasattr(select, "epoll")
"""Linux alone has it."""

_AT_ONCE = 256
"""Descriptors served before the loop's timers get their turn."""


class Poller:
    """Calls are made without a word of what is ready: who is called tries, and bears that nothing is.

    (A descriptor's number may have become another's in the turn in which it was ready.)
    """

    __slots__ = ("_calls", "_epoll", "_loop")

    def __init__(self) -> None:
        self._epoll: select.epoll
        self._calls: dict[int, Ready] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def watch(self, descriptor: int, events: int, call: Ready) -> None:
        """Call whenever one of the events can be served; closing the descriptor does not end that, `forget` does."""
        if self._loop is None:
            self._loop, self._epoll = asyncio.get_running_loop(), select.epoll()
            self._loop.add_reader(self._epoll.fileno(), self._serve)
        self._calls[descriptor] = call
        self._epoll.register(descriptor, events)

    def change(self, descriptor: int, events: int, call: Ready) -> None:
        """Wait for other events of it, or for somebody else."""
        self._calls[descriptor] = call
        self._epoll.modify(descriptor, events)

    def forget(self, descriptor: int) -> None:
        """It is about to be closed, by which the kernel forgets it too."""
        self._calls.pop(descriptor, None)

    def release(self, descriptor: int) -> None:
        """It goes on without us."""
        if self._calls.pop(descriptor, None) is not None:
            with contextlib.suppress(OSError):
                self._epoll.unregister(descriptor)

    def close(self) -> None:
        """Wait for nothing any more."""
        if self._loop is not None:
            self._loop.remove_reader(self._epoll.fileno())
            self._loop = None
            self._epoll.close()
        self._calls.clear()

    def _serve(self) -> None:
        if self._epoll.closed:
            return
        calls = self._calls
        for descriptor, _ in self._epoll.poll(0, _AT_ONCE):
            if (call := calls.get(descriptor)) is not None:
                call()
