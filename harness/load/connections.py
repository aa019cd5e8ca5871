"""Attempts into exchanges: on a kept connection where there is one, else on a new one; never a second time."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from harness.load.attempt import HeaderReader, outcome_of
from harness.load.dial import Dialer
from harness.load.outcomes import Phase, classify
from harness.load.tls import learn_handshake, learn_trouble, server_name, tls_context
from harness.load.transport import Connection
from harness.load.wire import forms

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from harness.load.attempt import Attempt
    from harness.load.plan import Plan, Stream
    from harness.load.ports import LocalEnd
    from harness.model.request import Outcome

    Done = Callable[[Attempt, Outcome], None]

TLS_GOODBYE_S = 1.0
"""How long a closed TLS connection waits for the peer's close_notify."""


class _Pool:
    """The connections of one stream. `kept`: how many of `keep` there are, those being opened too. What goes out while
    all of them are busy has a connection of its own, which is closed after it."""

    __slots__ = ("forms", "idle", "keep", "kept", "read_timeout_s")

    def __init__(self, plan: Plan, stream: Stream) -> None:
        self.keep = stream.connections
        self.forms = forms(plan, stream)
        self.read_timeout_s = plan.read_timeout_of(stream)
        self.idle: deque[Connection] = deque()
        self.kept = 0


class AsyncioSender:
    """The default engine: asyncio protocols and httptools. Sees every raw outcome."""

    def __init__(self, plan: Plan, *, clock: Callable[[], float]) -> None:
        self.replaced = 0
        self._plan, self._clock = plan, clock
        self._dialer = Dialer(plan, clock=clock)
        self._tls, self._server_name = tls_context(plan), server_name(plan)
        self._headers = HeaderReader(plan)
        self._pools = {stream.name: _Pool(plan, stream) for stream in plan.streams}
        self._opening: set[asyncio.Task[None]] = set()
        self._open_now: dict[Connection, asyncio.Future[None]] = {}
        self._kept: set[Connection] = set()

    def send(self, stream: Stream, attempt: Attempt, done: Done) -> None:
        """Send on an idle connection, or open one; connections take turns, so that all of them are in use."""
        pool = self._pools[stream.name]
        if pool.kept >= pool.keep and (connection := self._idle(pool)) is not None:
            attempt.reused, attempt.local_port = True, connection.port
            self._exchange(pool, connection, attempt, done)
            return
        keep = pool.kept < pool.keep
        pool.kept += keep
        task = asyncio.get_running_loop().create_task(self._open(pool, attempt, done, keep=keep))
        self._opening.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        task.result()  # an error of our own goes to the loop's handler, which ends the worker

    async def close(self) -> None:
        """Drop the idle connections and those that still say goodbye, and wait until the loop has let go of them."""
        for pool in self._pools.values():
            pool.idle.clear()
        lost = list(self._open_now.values())
        for connection in list(self._open_now):
            connection.abort()
        if lost:
            await asyncio.wait(lost, timeout=TLS_GOODBYE_S)
        if self._tls is not None:
            # A transport whose handshake failed was never ours to follow; the loop closes it within two turns.
            await asyncio.sleep(0.01)

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
        form = pool.forms[attempt.seq % len(pool.forms)]

        def ended(connection: Connection, attempt: Attempt, error: BaseException | None) -> None:
            if error is not None:
                connection.abort()
                done(attempt, self._outcome(attempt, error))
                return
            if self._tls is not None and not attempt.reused:
                self._tls.keep_of(connection.tls)
            if connection.reusable and connection in self._kept:
                pool.idle.append(connection)
            else:
                connection.close()
            assert attempt.status is not None
            done(attempt, outcome_of(attempt.status, form.success))

        connection.send(form.data, attempt, ended, pool.read_timeout_s, is_head=form.is_head)

    async def _open(self, pool: _Pool, attempt: Attempt, done: Done, *, keep: bool) -> None:
        begun = False

        def made(connection: Connection) -> None:
            nonlocal begun
            if deadline.expired():
                connection.close()
                return
            # At once, not when this task wakes up: a server may speak first.
            deadline.reschedule(None)
            begun = True
            if self._tls is not None:
                learn_handshake(attempt, connection.tls, self._clock())
            if keep:
                self._kept.add(connection)
            self._open_now[connection] = asyncio.get_running_loop().create_future()
            self._exchange(pool, connection, attempt, done)

        try:
            async with asyncio.timeout(self._plan.connect_timeout_s) as deadline:
                sock, end = await self._dialer.dial(attempt)

                def lost(connection: Connection) -> None:
                    self._dialer.release(end)
                    if begun:
                        self._lose(pool, connection)

                connection = Connection(
                    sock,
                    clock=self._clock,
                    headers=self._headers,
                    made=made,
                    lost=lost,
                    encrypted=self._tls is not None,
                )
                await self._speak(sock, connection, end)
        except Exception as error:
            if not begun:
                pool.kept -= keep
                if attempt.phase is Phase.AWAIT:  # connected, and lost again before anything could be sent
                    attempt.learn(acked=0)
                done(attempt, self._outcome(attempt, error))

    def _outcome(self, attempt: Attempt, error: BaseException) -> Outcome:
        outcome = classify(attempt.phase, error)
        if self._tls is not None:
            learn_trouble(attempt, outcome, error)
        return outcome

    def _lose(self, pool: _Pool, connection: Connection) -> None:
        if connection in self._kept:
            self._kept.remove(connection)
            pool.kept -= 1
        self._open_now.pop(connection).set_result(None)
        if connection in pool.idle:
            pool.idle.remove(connection)
            self.replaced += 1

    async def _speak(self, sock: socket.socket, connection: Connection, end: LocalEnd) -> None:
        """Lay the protocol, and TLS where the URL asks for it, over a connected socket."""
        loop, encrypted = asyncio.get_running_loop(), self._tls is not None
        try:
            await loop.create_connection(
                lambda: connection,
                sock=sock,
                ssl=self._tls,
                server_hostname=self._server_name if encrypted else None,
                ssl_shutdown_timeout=TLS_GOODBYE_S if encrypted else None,
            )
        except BaseException:
            _let_go(sock, loop)
            self._dialer.release(end)
            raise
        if connection.gone:
            _let_go(sock, loop)


def _let_go(sock: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
    """Forget the descriptor of a connection that was lost while the loop took it over; the loop has closed it.

    uvloop adopts the socket object only after `connection_made`. If the connection is lost before, the object still
    holds the number of a descriptor that is closed, and would close somebody else's with it.
    """
    if not isinstance(loop, asyncio.BaseEventLoop):
        sock.detach()
