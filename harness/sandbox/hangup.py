"""A connection -> the moment at which its other end has closed it, also while nothing is read from it.

An event loop notices an end by reading, and does not read where what came before waits to be taken. So a client that
left in the middle of its input would never be missed. Over TCP its end can even wait behind what cannot be delivered;
so something is sent from time to time, which a kernel whose program has gone answers with a reset.
"""

from __future__ import annotations

import os
import select
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

_LOOK_EVERY_S = 0.25
_SEND_EVERY_S = 2.0
_GONE = select.POLLRDHUP | select.POLLHUP | select.POLLERR


async def hung_up(transport: asyncio.BaseTransport | None) -> None:
    """Returns when the other end has closed the connection, or it is closed here."""
    poll = select.poll()
    while transport is not None and not transport.is_closing():
        fd = transport.get_extra_info("socket").fileno()
        if fd < 0:
            return
        poll.register(fd, select.POLLRDHUP)
        if any(happened & _GONE for _, happened in poll.poll(0)):
            return
        poll.unregister(fd)
        await anyio.sleep(_LOOK_EVERY_S)


async def knocked(knock: Callable[[], Awaitable[None]]) -> None:
    """Sends something from time to time, until that fails."""
    while True:
        await anyio.sleep(_SEND_EVERY_S)
        try:
            await knock()
        except ConnectionError:
            return


def cut(transport_socket: Any) -> None:
    """Ends a connection at once, with what waits to be sent: closing it would wait until the other end takes that."""
    if transport_socket is None:
        return
    with suppress(OSError), socket.socket(fileno=os.dup(transport_socket.fileno())) as same:  # it has ended already
        same.shutdown(socket.SHUT_RDWR)
