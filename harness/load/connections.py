"""Attempts into exchanges: on a kept connection where there is one, else on a new one; never a second time."""

from __future__ import annotations

import asyncio
import errno
from typing import TYPE_CHECKING

from harness.load import poller
from harness.load.attempt import HeaderReader, outcome_of
from harness.load.deadlines import Deadlines
from harness.load.dial import Dialer, handshake_end
from harness.load.opening import Opening, Pool
from harness.load.outcomes import Phase, classify, ending
from harness.load.plain import PlainTransport
from harness.load.poller import READ, WRITE, Poller
from harness.load.tls import learn_handshake, learn_trouble, server_name, tls_context
from harness.load.transport import Connection

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from harness.load.attempt import Attempt
    from harness.load.dial import Dialed
    from harness.load.names import Address
    from harness.load.plan import Plan, Stream
    from harness.model.request import Outcome

    Done = Callable[[Attempt, Outcome], None]

TLS_GOODBYE_S = 1.0
"""How long a closed TLS connection waits for the peer's close_notify."""


class AsyncioSender:
    """The default engine: httptools on sockets of our own; TLS, and all without epoll, on those of asyncio."""

    def __init__(self, plan: Plan, *, clock: Callable[[], float]) -> None:
        self.replaced = 0
        self._plan, self._clock = plan, clock
        self._dialer = Dialer(plan, clock=clock)
        self._tls, self._server_name = tls_context(plan), server_name(plan)
        self._own_sockets = self._tls is None and poller.AVAILABLE  # else asyncio's transports
        self._headers = HeaderReader(plan)
        self._pools = {stream.name: Pool(plan, stream, clock) for stream in plan.streams}
        self._poller, self._connecting = Poller(), Deadlines(plan.connect_timeout_s, clock=clock)
        self._opening: set[asyncio.Task[None]] = set()
        self._open_now: set[Connection] = set()
        self._kept: set[Connection] = set()
        self._none_open = asyncio.Event()

    @property
    def named(self) -> tuple[str, ...]:
        """The addresses that a name leads to, as last looked up."""
        return self._dialer.named

    def send(self, stream: Stream, attempt: Attempt, done: Done) -> None:
        """Send on an idle connection, or open one; connections take turns, so that all of them are in use."""
        pool = self._pools[stream.name]
        if pool.kept >= pool.keep and (connection := self._idle(pool)) is not None:
            attempt.reused, attempt.local_port = True, connection.port
            self._exchange(pool, connection, attempt, done)
            return
        opening = Opening(self, pool, attempt, done)
        if self._own_sockets and (address := self._dialer.address()) is not None:
            self._connect(opening, address)
            return
        task = asyncio.get_running_loop().create_task(self._open(opening))
        self._opening.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        task.result()  # an error of our own goes to the loop's handler, which ends the worker

    async def close(self) -> None:
        """Drop the idle connections and those that still say goodbye, and wait until the loop has let go of them."""
        for pool in self._pools.values():
            pool.idle.clear()
            pool.deadlines.close()
        for connection in list(self._open_now):
            connection.abort()
        if self._open_now:
            self._none_open.clear()  # it may have been so before
            await asyncio.wait([asyncio.ensure_future(self._none_open.wait())], timeout=TLS_GOODBYE_S)
        if self._tls is not None:
            # A transport whose handshake failed was never ours to follow; the loop closes it within two turns.
            await asyncio.sleep(0.01)
        self._connecting.close()
        self._poller.close()

    # --- what becomes of a connection in the making

    def begin(self, opening: Opening, connection: Connection) -> None:
        """It is made: send on it what it was opened for."""
        if self._tls is not None:
            learn_handshake(opening.attempt, connection.tls, self._clock())
        if opening.keep:
            self._kept.add(connection)
        self._open_now.add(connection)
        self._exchange(opening.pool, connection, opening.attempt, opening.done)

    def end(self, opening: Opening, connection: Connection) -> None:
        """It was made, and is lost."""
        if opening.dialed is not None:
            self._dialer.release(opening.dialed.end, ended_by_both=not connection.cut)
        if opening.begun:
            self._lose(opening.pool, connection)

    def answered(self, opening: Opening) -> None:
        """The handshake has ended, one way or the other, if it has."""
        dialed = opening.dialed
        assert dialed is not None
        number = handshake_end(dialed.sock)
        if number == errno.EINPROGRESS:
            return
        self._connecting.end(opening)
        dialed.number, opening.attempt.connected = number, self._clock()
        self._poller.release(dialed.sock.fileno())
        self._settle(opening, dialed)

    def unanswered(self, opening: Opening) -> None:
        """The time to connect is over."""
        assert opening.dialed is not None
        self._fail(opening, TimeoutError())

    def _connect(self, opening: Opening, address: Address) -> None:
        try:
            dialed = opening.dialed = self._dialer.start(address, opening.attempt)
        except OSError as error:
            self._fail(opening, error)
            return
        if dialed.number == errno.EINPROGRESS:
            self._connecting.begin(opening)
            self._poller.watch(dialed.sock.fileno(), WRITE, opening.ready)
        else:
            self._settle(opening, dialed)

    def _settle(self, opening: Opening, dialed: Dialed) -> None:
        try:
            self._dialer.settle(dialed, opening.attempt)
        except OSError as error:
            self._fail(opening, error)
        else:
            self._lay(opening, dialed)

    def _lay(self, opening: Opening, dialed: Dialed) -> None:
        """Lay the protocol over a connected socket."""
        opening.dialed, connection = dialed, self._connection(opening, dialed)
        transport = PlainTransport(dialed.sock, self._poller, connection)
        self._poller.watch(dialed.sock.fileno(), READ, transport.ready)
        connection.connection_made(transport)

    def _fail(self, opening: Opening, error: Exception) -> None:
        """Nothing came of it."""
        attempt = opening.attempt
        if opening.dialed is not None:
            self._poller.forget(opening.dialed.sock.fileno())
            self._dialer.give_up(opening.dialed, attempt)
        opening.pool.kept -= opening.keep
        if attempt.phase is Phase.AWAIT:  # connected, and lost again before anything could be sent
            attempt.learn(acked=0)
        opening.done(attempt, self._outcome(attempt, error))

    def _connection(self, opening: Opening, dialed: Dialed) -> Connection:
        port = opening.attempt.local_port
        assert port is not None
        return Connection(
            dialed.sock,
            port,
            clock=self._clock,
            headers=self._headers,
            made=opening.made,
            lost=opening.lost,
            encrypted=self._tls is not None,
        )

    def _idle(self, pool: Pool) -> Connection | None:
        """The idle connection that rested longest and is still open: the client looks before it sends."""
        while pool.idle:
            connection = pool.idle.popleft()
            if not connection.closed():
                return connection
            self.replaced += 1
            connection.close()
        return None

    def _exchange(self, pool: Pool, connection: Connection, attempt: Attempt, done: Done) -> None:
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
            done(attempt, outcome_of(attempt, form.success))

        attempt.wanted = form.wanted
        connection.send(form.data, attempt, ended, pool.deadlines, is_head=form.is_head)

    async def _open(self, opening: Opening) -> None:
        """As `_connect`, where a name must be looked up or TLS be spoken."""
        attempt = opening.attempt
        try:
            async with asyncio.timeout(self._plan.connect_timeout_s) as opening.deadline:
                dialed = await self._dialer.dial(attempt)
                if self._own_sockets:
                    self._lay(opening, dialed)
                else:
                    await self._speak(opening, dialed)
        except Exception as error:
            if opening.begun:
                ending(error)  # what ended the exchange has been told; an error of our own goes on, to `_over`
            else:
                self._fail(opening, error)

    def _outcome(self, attempt: Attempt, error: BaseException) -> Outcome:
        outcome = classify(attempt.phase, error)
        if self._tls is not None:
            learn_trouble(attempt, outcome, error)
        return outcome

    def _lose(self, pool: Pool, connection: Connection) -> None:
        if connection in self._kept:
            self._kept.remove(connection)
            pool.kept -= 1
        self._open_now.discard(connection)
        if not self._open_now:
            self._none_open.set()
        if connection in pool.idle:
            pool.idle.remove(connection)
            self.replaced += 1

    async def _speak(self, opening: Opening, dialed: Dialed) -> None:
        """Lay the protocol over a transport of asyncio's, with TLS where the URL asks for it."""
        loop, connection = asyncio.get_running_loop(), self._connection(opening, dialed)
        opening.dialed = dialed
        try:
            await loop.create_connection(
                lambda: connection,
                sock=dialed.sock,
                ssl=self._tls,
                server_hostname=None if self._tls is None else self._server_name,
                ssl_shutdown_timeout=None if self._tls is None else TLS_GOODBYE_S,
            )
        except BaseException:
            _let_go(dialed.sock, loop)
            self._dialer.release(dialed.end)
            opening.dialed = None
            raise
        if connection.gone:
            _let_go(dialed.sock, loop)


def _let_go(sock: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
    """Forget the descriptor of a connection that was lost while the loop took it over; the loop has closed it.

    uvloop adopts the socket object only after `connection_made`. If the connection is lost before, the object still
    holds the number of a descriptor that is closed, and would close somebody else's with it.
    """
    if not isinstance(loop, asyncio.BaseEventLoop):
        sock.detach()
