"""Connections of the plan's own for httpcore: what it asks of the network, seen request by request.

Errors are httpcore's own, with the operating system's as their cause, as from its standard backends.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import anyio
import httpcore
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.tls import TLSAttribute, TLSStream

from harness.load.dial import spoken_to
from harness.load.outcomes import Phase
from harness.load.tcp_info import facts_at_end
from harness.load.tls import learn_handshake

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Iterator

    from harness.load.attempt import Attempt
    from harness.load.dial import Dialer
    from harness.load.ports import LocalEnd


class Flight:
    """A request on its way through httpx: what our sockets find out about it."""

    __slots__ = (
        "attempt",
        "before_bytes",
        "deadline",
        "eof",
        "facts",
        "foreign",
        "read_timeout_s",
        "request_bytes",
        "sent",
    )

    def __init__(self, attempt: Attempt, *, deadline: asyncio.Timeout, read_timeout_s: float) -> None:
        self.attempt, self.deadline, self.read_timeout_s = attempt, deadline, read_timeout_s
        self.eof = False  # the peer closed
        self.foreign = False  # what it said did not begin like HTTP/1
        self.sent = False
        self.before_bytes = self.request_bytes = 0
        self.facts: dict[str, float | None] = {}  # of its connection's end, which may yet be the answer's end

    def sending(self, port: int, *, size: int, before_bytes: int) -> None:
        """`size` bytes go out, `before_bytes` have before; with the first the time for the answer begins."""
        attempt = self.attempt
        self.request_bytes += size
        if self.sent:
            return
        self.sent, self.before_bytes = True, before_bytes
        attempt.phase, attempt.local_port, attempt.reused = Phase.AWAIT, port, attempt.connected is None
        self.deadline.reschedule(asyncio.get_running_loop().time() + self.read_timeout_s)


FLIGHT: ContextVar[Flight] = ContextVar("flight")
"""The request that the running task sends: httpcore connects, writes and reads in the task that asked it to."""


class Backend(httpcore.AsyncNetworkBackend):
    """Connects to where the plan says, whatever host httpcore asks for."""

    def __init__(self, dialer: Dialer, *, clock: Callable[[], float], replaced: Callable[[], None]) -> None:
        self._dialer, self._clock, self._replaced = dialer, clock, replaced

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection; the time-outs are the engine's."""
        with _raising(httpcore.ConnectError):
            attempt = FLIGHT.get().attempt
            dialed = await self._dialer.dial(attempt)
            sock, end = dialed.sock, dialed.end
            twin = sock.dup()
            try:
                stream = await SocketStream.from_socket(sock)
            except BaseException:
                twin.close()
                sock.close()
                self._dialer.release(end)
                raise
        if stream.extra(SocketAttribute.raw_socket, None) is None:
            sock.detach()  # lost already; uvloop has closed the descriptor without telling the socket object
        return _Stream(stream, sock, twin, attempt.local_port or 0, self, end)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await anyio.sleep(seconds)

    def release(self, end: LocalEnd, *, ended_by_both: bool) -> None:
        """The connection with this local end is closed."""
        self._dialer.release(end, ended_by_both=ended_by_both)

    def found_closed(self) -> None:
        """An idle connection turned out to be closed before anything was sent on it."""
        self._replaced()

    def now(self) -> float:
        """Seconds on the run's clock."""
        return self._clock()


class _Stream(httpcore.AsyncNetworkStream):
    """A connection. `twin` is a second descriptor of it: after a reset the loop has closed its own, before we hear."""

    def __init__(
        self,
        stream: SocketStream | TLSStream,
        sock: socket.socket,
        twin: socket.socket,
        port: int,
        backend: Backend,
        end: LocalEnd,
    ) -> None:
        self._stream, self._sock, self._twin, self._port = stream, sock, twin, port
        self._backend, self._end = backend, end
        self._written = 0
        self._looked_closed = False
        self._ended_by_both = True

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _raising(httpcore.ReadError):
            try:
                data = await self._stream.receive(max_bytes)
            except anyio.EndOfStream:
                FLIGHT.get().eof = True
                self._learn_end(is_eof=True)
                return b""
            except BaseException as error:
                self._ended_by_both = not isinstance(error, asyncio.CancelledError)  # by a time-out of ours
                self._learn_end()
                raise
        flight, attempt = FLIGHT.get(), FLIGHT.get().attempt
        if attempt.first_byte is None and not self._shared():
            attempt.first_byte, attempt.phase = self._backend.now(), Phase.ANSWER
            flight.foreign = not data.startswith(b"HTTP/"[: len(data)])
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if buffer:
            FLIGHT.get().sending(self._port, size=len(buffer), before_bytes=self._written)
            self._written += len(buffer)
            with _raising(httpcore.WriteError):
                try:
                    await self._stream.send(buffer)
                except BaseException:
                    self._learn_end()
                    raise

    def _learn_end(self, *, is_eof: bool = False) -> None:
        """Ask the kernel about a connection that ended; of one that requests share it knows nothing of each."""
        flight = FLIGHT.get()
        if not flight.sent or self._shared():
            return
        flight.facts = facts_at_end(
            self._twin,
            request_bytes=None if isinstance(self._stream, TLSStream) else flight.request_bytes,
            before_bytes=flight.before_bytes,
            is_eof=is_eof,
        )

    async def aclose(self) -> None:
        self._twin.close()
        self._backend.release(self._end, ended_by_both=self._ended_by_both)
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        try:
            with _raising(httpcore.ConnectError):
                wrapped = await TLSStream.wrap(
                    self._stream, ssl_context=ssl_context, hostname=server_hostname, standard_compatible=False
                )
        except BaseException:
            await self.aclose()
            raise
        learn_handshake(FLIGHT.get().attempt, wrapped.extra(TLSAttribute.ssl_object, None), self._backend.now())
        return _Stream(wrapped, self._sock, self._twin, self._port, self._backend, self._end)

    def get_extra_info(self, info: str) -> Any:
        match info:
            case "ssl_object":
                return self._stream.extra(TLSAttribute.ssl_object, None)
            case "client_addr":
                return self._stream.extra(SocketAttribute.local_address, None)
            case "is_readable":
                return self._look()
        return None

    def _look(self) -> bool:
        """httpcore looks before it sends; a connection found closed counts once."""
        if not self._looked_closed and spoken_to(self._sock):
            self._looked_closed = True
            self._backend.found_closed()
        return self._looked_closed

    def _shared(self) -> bool:
        """Whether several requests are on this connection at once, so that a byte read may be another's."""
        tls = self._stream.extra(TLSAttribute.ssl_object, None)
        return tls is not None and tls.selected_alpn_protocol() == "h2"


@contextmanager
def _raising(kind: type[Exception]) -> Iterator[None]:
    """Errors of the network as httpcore's `kind`, which httpx knows, with the cause kept."""
    try:
        yield
    except anyio.EndOfStream:
        raise kind from EOFError()
    except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
        raise kind from error
