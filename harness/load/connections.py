"""Attempts into exchanges: on a kept connection where there is one, else on a new one; never a second time."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections import deque
from typing import TYPE_CHECKING

from harness.load.attempt import HeaderReader, outcome_of
from harness.load.names import Resolver, destination
from harness.load.outcomes import Phase, classify
from harness.load.ports import PortCycle
from harness.load.transport import Connection
from harness.load.wire import request_bytes, server_name, tls_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.load.attempt import Attempt
    from harness.load.plan import Plan, Stream
    from harness.model.request import Outcome

    Done = Callable[[Attempt, Outcome], None]

PORT_TRIES = 16
"""Local ends tried before a request counts as unsent, where another process holds ports of ours."""


class _Pool:
    """The connections of one stream. `alive` counts those being opened too."""

    __slots__ = ("alive", "idle", "keep", "read_timeout_s", "request", "stream")

    def __init__(self, plan: Plan, stream: Stream) -> None:
        self.stream = stream
        self.keep = stream.connections
        self.request = request_bytes(plan, stream)
        self.read_timeout_s = plan.read_timeout_of(stream)
        self.idle: deque[Connection] = deque()
        self.alive = 0


class AsyncioSender:
    """The default engine: asyncio protocols and httptools. Sees every raw outcome."""

    def __init__(self, plan: Plan, *, clock: Callable[[], float]) -> None:
        self.replaced = 0
        self._plan, self._clock = plan, clock
        self._resolver = Resolver(*destination(plan), clock=clock)
        self._ports = PortCycle(plan.source_addresses, plan.ports)
        self._bind = bool(plan.source_addresses or plan.ports)
        self._tls, self._server_name = tls_context(plan), server_name(plan)
        self._headers = HeaderReader(plan)
        self._pools = {stream.name: _Pool(plan, stream) for stream in plan.streams}
        self._opening: set[asyncio.Task[None]] = set()

    def send(self, stream: Stream, attempt: Attempt, done: Done) -> None:
        """Send on an idle connection, or open one; connections take turns, so that all of them are in use."""
        pool = self._pools[stream.name]
        if pool.alive >= pool.keep and (connection := self._idle(pool)) is not None:
            attempt.reused, attempt.local_port = True, connection.port
            self._exchange(pool, connection, attempt, done)
            return
        pool.alive += 1
        task = asyncio.get_running_loop().create_task(self._open(pool, attempt, done))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def close(self) -> None:
        """Close the idle connections."""
        for pool in self._pools.values():
            while pool.idle:
                pool.idle.popleft().close()

    def _idle(self, pool: _Pool) -> Connection | None:
        """The idle connection that rested longest and is still open: the client looks before it sends."""
        while pool.idle:
            connection = pool.idle.popleft()
            if not connection.closed():
                return connection
            self.replaced += 1
            connection.close()
        return None

    def _exchange(self, pool: _Pool, connection: Connection, attempt: Attempt, done: Done) -> None:
        def ended(connection: Connection, attempt: Attempt, error: BaseException | None) -> None:
            if error is None and connection.reusable and pool.alive <= pool.keep:
                pool.idle.append(connection)
            else:
                connection.close()
            if error is None:
                assert attempt.status is not None
                done(attempt, outcome_of(attempt.status, self._plan.success))
            else:
                done(attempt, classify(attempt.phase, error))

        connection.send(pool.request, attempt, ended, pool.read_timeout_s)

    async def _open(self, pool: _Pool, attempt: Attempt, done: Done) -> None:
        try:
            async with asyncio.timeout(self._plan.connect_timeout_s):
                connection = await self._connect(pool, attempt)
        except Exception as error:
            pool.alive -= 1
            done(attempt, classify(attempt.phase, error))
            return
        self._exchange(pool, connection, attempt, done)

    async def _connect(self, pool: _Pool, attempt: Attempt) -> Connection:
        """A connection ready to send on; `attempt` learns its phase, local port and when TCP was connected."""
        address = await self._resolver.address()
        attempt.phase = Phase.CONNECT
        for turn in range(PORT_TRIES):
            end = self._ports.take()
            sock = self._socket(address)
            try:
                await self._connect_socket(sock, end, address, attempt)
                return await self._speak(sock, pool, end, attempt)
            except BaseException as error:
                sock.close()
                self._ports.release(end)
                taken = isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL)
                if not taken or turn + 1 == PORT_TRIES:
                    raise
        raise AssertionError("unreachable")

    def _socket(self, address: tuple[str, int]) -> socket.socket:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        return socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)

    async def _connect_socket(
        self, sock: socket.socket, end: tuple[str, int], address: tuple[str, int], attempt: Attempt
    ) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._bind:
            # A port whose last connection still rests in TIME_WAIT may be bound again.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(end)
        number = sock.connect_ex(address)
        attempt.local_port = sock.getsockname()[1]  # now: after a failure the kernel has forgotten it
        if number == errno.EINPROGRESS:
            number = await self._established(sock, attempt)
        else:
            attempt.connected = self._clock()
        if number:
            attempt.connected = None
            raise OSError(number, os.strerror(number))

    async def _established(self, sock: socket.socket, attempt: Attempt) -> int:
        """Wait for the end of the handshake; the error number it ended with, 0 for none."""
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

    async def _speak(self, sock: socket.socket, pool: _Pool, end: tuple[str, int], attempt: Attempt) -> Connection:
        """Lay the protocol, and TLS where the URL asks for it, over a connected socket."""

        def lost(connection: Connection) -> None:
            pool.alive -= 1
            self._ports.release(end)
            if connection in pool.idle:
                pool.idle.remove(connection)
                self.replaced += 1

        connection = Connection(
            sock, clock=self._clock, headers=self._headers, lost=lost, is_head=self._plan.method == "HEAD"
        )
        if self._tls is not None:
            attempt.phase = Phase.HANDSHAKE
        await asyncio.get_running_loop().create_connection(
            lambda: connection,
            sock=sock,
            ssl=self._tls,
            server_hostname=self._server_name if self._tls is not None else None,
        )
        return connection
