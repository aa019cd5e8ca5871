"""An attempt into a connected TCP socket from the next local end of the plan, or the raw error that it met."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from typing import TYPE_CHECKING

from harness.load.names import Turns, destinations
from harness.load.outcomes import Phase
from harness.load.ports import PortCycle
from harness.load.tcp_info import learn_retransmits

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.load.attempt import Attempt
    from harness.load.names import Address
    from harness.load.plan import Plan
    from harness.load.ports import LocalEnd

PORT_TRIES = 16
"""Local ends tried before a request counts as unsent, where another process holds ports of ours."""


RESENT_S = 0.9
"""A connection that took so long may have needed a second SYN: Linux sends it after 1 s (RFC 6298, 2.1)."""

_LOOK = int(socket.MSG_PEEK | socket.MSG_DONTWAIT)


class Dialer:
    """Connects; asyncio's own way neither reuses an address nor tells the local port of a connection that failed."""

    def __init__(self, plan: Plan, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._resolver = Turns(destinations(plan), clock=clock)
        self._ports = PortCycle(plan.source_addresses, plan.ports)
        self._bind = bool(plan.source_addresses or plan.ports)
        self._next_phase = Phase.HANDSHAKE if plan.url.startswith("https:") else Phase.AWAIT

    async def dial(self, attempt: Attempt) -> tuple[socket.socket, LocalEnd]:
        """A connected, non-blocking socket, and its local end, to be released when it is closed.

        `attempt` learns its phase (the next one, once connected), its local port and when it was connected. Raises
        socket.gaierror and OSError.
        """
        attempt.phase = Phase.RESOLVE
        address = await self._resolver.address()
        attempt.phase = Phase.CONNECT
        for tries_left in reversed(range(PORT_TRIES)):
            end = self._ports.take()
            try:
                return await self._connect(end, address, attempt), end
            except BaseException as error:
                self._ports.release(end)
                taken = isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL)
                if not (taken and self._bind and tries_left):
                    raise
        raise AssertionError("the last try returns or raises")

    def release(self, end: LocalEnd) -> None:
        """The socket with this local end is closed."""
        self._ports.release(end)

    async def _connect(self, end: LocalEnd, address: Address, attempt: Attempt) -> socket.socket:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        start = self._clock()
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._bind:
                # So that a port whose last connection still rests in TIME_WAIT may be bound again.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind(end)
            number = sock.connect_ex(address)
            attempt.local_port = sock.getsockname()[1]  # now: after a failure the kernel has forgotten it
            if number == errno.EINPROGRESS:
                number = await self._established(sock, attempt)
            elif not number:
                attempt.connected = self._clock()
            # Reset, not refused: it was connected, and is so no longer.
            if number in (0, errno.ECONNRESET):
                attempt.phase = self._next_phase
            if number:
                raise OSError(number, os.strerror(number))
            assert attempt.connected is not None
            if attempt.connected - start >= RESENT_S:
                learn_retransmits(attempt, sock)
        except BaseException:
            if self._clock() - start >= RESENT_S:
                learn_retransmits(attempt, sock)
            if attempt.phase is Phase.CONNECT:
                attempt.connected = None
            sock.close()
            raise
        return sock

    async def _established(self, sock: socket.socket, attempt: Attempt) -> int:
        """Wait for the end of the TCP handshake: the error number it ended with, 0 for none."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[None] = loop.create_future()

        def writable() -> None:
            if not answered.done():
                attempt.connected = self._clock()
                answered.set_result(None)

        loop.add_writer(sock, writable)
        try:
            await answered
        finally:
            loop.remove_writer(sock)
        return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def spoken_to(sock: socket.socket) -> bool:
    """Look at an idle connection: whether the peer has closed it, or says something that nobody asked for."""
    try:
        sock.recv(1, _LOOK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
