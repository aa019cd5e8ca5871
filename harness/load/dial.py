"""An attempt into a connected TCP socket from the next local end of the plan, or the raw error that it met."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from typing import TYPE_CHECKING

from harness.load.names import Turns, destinations
from harness.load.outcomes import Phase
from harness.load.ports import CUT_REST_S, REST_S, PortCycle
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

_TAKEN = (errno.EADDRINUSE, errno.EADDRNOTAVAIL)
_NONBLOCK = getattr(socket, "SOCK_NONBLOCK", 0)  # macOS has it not
_STREAM = socket.SOCK_STREAM | _NONBLOCK
_CONNECTED = (1, 8)  # tcpi_state: TCP_ESTABLISHED, TCP_CLOSE_WAIT
_LOOK = int(socket.MSG_PEEK | socket.MSG_DONTWAIT)


class Dialed:
    """A connection of which the SYN is out, or more, if it could be `sent`.

    `number`: how connect(2) ended so far, EINPROGRESS, 0 or its error.
    """

    __slots__ = ("began", "end", "number", "sent", "sock")

    def __init__(self, sock: socket.socket, end: LocalEnd, began: float, number: int, *, sent: bool) -> None:
        self.sock, self.end, self.began, self.number, self.sent = sock, end, began, number, sent


class Dialer:
    """Connects; asyncio's own way neither reuses an address nor tells the local port of a connection that failed."""

    def __init__(self, plan: Plan, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._resolver = Turns(destinations(plan), clock=clock)
        self._ports = PortCycle(plan.source_addresses, plan.ports, clock=clock)
        self._bind = bool(plan.source_addresses or plan.ports)
        self._next_phase = Phase.HANDSHAKE if plan.url.startswith("https:") else Phase.AWAIT

    @property
    def named(self) -> tuple[str, ...]:
        """The addresses that a name leads to, as last looked up; empty where it connects to none."""
        return self._resolver.named

    async def dial(self, attempt: Attempt) -> Dialed:
        """A connected, non-blocking socket; its local end is to be released when it is closed.

        `attempt` learns its phase (the next one, once connected), its local port and when it was connected. Raises
        socket.gaierror and OSError.
        """
        attempt.phase = Phase.RESOLVE
        dialed = self.start(await self._resolver.address(), attempt)
        try:
            if dialed.number == errno.EINPROGRESS:
                dialed.number = await self._established(dialed.sock, attempt)
            self.settle(dialed, attempt)
        except BaseException:
            self.give_up(dialed, attempt)
            raise
        return dialed

    def address(self) -> Address | None:
        """Where to connect to next, None where that must be looked up first."""
        return self._resolver.fixed()

    def start(self, address: Address, attempt: Attempt) -> Dialed:
        """Send the SYN of a connection, without waiting for an answer. Raises OSError."""
        attempt.phase = Phase.CONNECT
        for tries_left in reversed(range(PORT_TRIES)):
            end = self._ports.take()
            try:
                return self._connect(end, address, attempt)
            except BaseException as error:
                self._ports.release(end)
                taken = isinstance(error, OSError) and error.errno in _TAKEN
                if not (taken and self._bind and tries_left):
                    raise
        raise AssertionError("the last try returns or raises")

    def settle(self, dialed: Dialed, attempt: Attempt) -> None:
        """The handshake has ended, with `dialed.number`. Raises OSError where that is none that connected."""
        number = dialed.number
        # Reset, not refused: it was connected, and is so no longer. EPIPE: the peer had said that it is done before.
        if number in (0, errno.ECONNRESET, errno.EPIPE):
            attempt.phase = self._next_phase
        if number:
            raise OSError(number, os.strerror(number))
        assert attempt.connected is not None
        if attempt.connected - dialed.began >= RESENT_S:
            learn_retransmits(attempt, dialed.sock)

    def give_up(self, dialed: Dialed, attempt: Attempt) -> None:
        """It did not come about, or nobody waits for it any more."""
        if self._clock() - dialed.began >= RESENT_S:
            learn_retransmits(attempt, dialed.sock)
        if unanswered := attempt.phase is Phase.CONNECT:
            attempt.connected = None
            # A RST deletes the node's entry; a refusal by ICMP comes from the node itself, which makes none.
            unanswered = dialed.sent and dialed.number != errno.ECONNREFUSED
        dialed.sock.close()
        self._ports.release(dialed.end, rest_s=REST_S if unanswered else 0.0)

    def release(self, end: LocalEnd, *, ended_by_both: bool = True) -> None:
        """The socket with this local end is closed; `ended_by_both`: the peer's kernel knows."""
        self._ports.release(end, rest_s=0.0 if ended_by_both else CUT_REST_S)

    def _connect(self, end: LocalEnd, address: Address, attempt: Attempt) -> Dialed:
        sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, _STREAM)
        if not _NONBLOCK:
            sock.setblocking(False)
        began = self._clock()
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._bind:
                # So that a port whose last connection still rests in TIME_WAIT may be bound again.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind(end)
            number = sock.connect_ex(address)
            attempt.local_port = end[1] or sock.getsockname()[1]  # now: a failure makes the kernel forget it
            if sent := number in (0, errno.EINPROGRESS):
                number = handshake_end(sock)  # nobody is as near as a peer on the same machine: it has answered already
            if number in _TAKEN:
                raise OSError(number, os.strerror(number))
        except BaseException:
            sock.close()
            raise
        if number != errno.EINPROGRESS:
            attempt.connected = self._clock()
        return Dialed(sock, end, began, number, sent=sent)

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


def _is_connected(sock: socket.socket) -> bool:
    try:
        if hasattr(socket, "TCP_INFO"):
            return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] in _CONNECTED
        sock.getpeername()  # macOS
    except OSError:
        return False
    return True


def handshake_end(sock: socket.socket) -> int:
    """How the TCP handshake ended: an error number, 0 for well, EINPROGRESS for not yet."""
    if _is_connected(sock):
        return 0
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or errno.EINPROGRESS


def spoken_to(sock: socket.socket) -> bool:
    """Look at an idle connection: whether the peer has closed it, or says something that nobody asked for."""
    try:
        sock.recv(1, _LOOK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
