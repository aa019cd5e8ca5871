"""One HTTP/1.1 exchange at a time on a TCP connection into an answer or the exception that ended it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from harness.load.dial import spoken_to
from harness.load.outcomes import Phase, ProtocolError
from harness.load.parser import UNREADABLE, HttpResponseParser
from harness.load.tcp_info import facts_at_end

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

    from harness.load.attempt import Attempt, HeaderReader
    from harness.load.deadlines import Deadlines
    from harness.load.plain import PlainTransport

    Done = Callable[["Connection", Attempt, BaseException | None], None]
    """Called once per exchange; with None when the answer is complete."""


class Connection(asyncio.Protocol):
    """A connected socket, and the exchange that is on it, if any.

    The parser knows where an answer ends, except for one without a length, which ends with the connection (RFC 9112,
    6.3), and answers to HEAD, which have no body.
    """

    __slots__ = (
        "_attempt",
        "_clock",
        "_deadlines",
        "_done",
        "_encrypted",
        "_framed",
        "_headers",
        "_is_head",
        "_lost",
        "_made",
        "_parser",
        "_request",
        "_sock",
        "_transport",
        "_written",
        "cut",
        "gone",
        "port",
        "reusable",
    )

    def __init__(
        self,
        sock: socket.socket,
        port: int,
        *,
        clock: Callable[[], float],
        headers: HeaderReader,
        made: Callable[[Connection], None],
        lost: Callable[[Connection], None],
        encrypted: bool = False,
    ) -> None:
        self._sock, self._clock, self._headers, self._is_head = sock, clock, headers, False
        self._made, self._lost = made, lost
        self._transport: asyncio.Transport | PlainTransport | None = None
        self._attempt: Attempt | None = None
        self._done: Done | None = None
        self._parser: HttpResponseParser | None = None
        self._encrypted = encrypted
        self._framed = False
        self._request = b""
        self._written = 0  # bytes of all requests so far
        self._deadlines: Deadlines | None = None
        self.port = port
        self.reusable = True
        self.gone = False
        self.cut = False  # by us, without a word of the peer's

    # --- what the engine does

    def send(
        self, request: bytes, attempt: Attempt, done: Done, deadlines: Deadlines, *, is_head: bool = False
    ) -> None:
        """Send a request; `done` is called when its end is known, at the latest when its time is over."""
        assert self._transport is not None
        self._attempt, self._done, self._request, self._is_head = attempt, done, request, is_head
        self._written += len(request)
        if self._parser is None:
            self._parser = HttpResponseParser(self)
        attempt.phase = Phase.AWAIT
        self._deadlines = deadlines
        deadlines.begin(self)
        self._transport.write(request)

    def expire(self) -> None:
        """The time of its exchange is over."""
        self.cut = True
        self._finish(TimeoutError())

    @property
    def tls(self) -> ssl.SSLObject | None:
        """What TLS knows of it; None for a connection in the clear, and for one that is lost."""
        return None if self._transport is None else self._transport.get_extra_info("ssl_object")

    def closed(self) -> bool:
        """Look at an idle connection: whether the peer has closed it, or says something nobody asked for."""
        if not self.reusable or self._transport is None or self._transport.is_closing():
            return True
        return spoken_to(self._sock)

    def close(self) -> None:
        """Close in good order."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Drop it, with what may still wait to be sent."""
        if self._transport is not None:
            self._transport.abort()

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport | PlainTransport) -> None:
        self._transport = cast("asyncio.Transport | PlainTransport", transport)  # uvloop's is one by its methods only
        self._made(self)

    def data_received(self, data: bytes) -> None:
        attempt = self._attempt
        if attempt is None:
            self.reusable = False  # bytes that nobody asked for
            self.close()
            return
        if attempt.first_byte is None:
            attempt.first_byte = self._clock()
            attempt.phase = Phase.ANSWER
        try:
            assert self._parser is not None
            self._parser.feed_data(data)
        except UNREADABLE as error:
            if self._attempt is not None:  # else the answer was complete, and what follows it is nobody's
                self._finish(ProtocolError(str(error)))
            else:
                self.reusable = False
        if self._attempt is None and not self.reusable:
            self.close()

    def eof_received(self) -> None:
        attempt = self._attempt
        if attempt is not None:
            attempt.close_delimited = attempt.bytes is not None and not self._framed
            self.reusable = False
            self._finish(None if attempt.close_delimited else EOFError())

    def connection_lost(self, exc: Exception | None) -> None:
        self.reusable = False
        self._read_rest()
        if self._attempt is not None:
            if exc is None:
                self.eof_received()
            else:
                self._finish(exc)
        self._parser = self._transport = None
        self.gone = True
        self._lost(self)

    def _read_rest(self) -> None:
        """What was received before the connection broke still counts.

        A server may answer and close before it has read the request: then our write fails while its answer waits to
        be read. Nothing waits in any other case, and of a TLS connection what waits cannot be read any more.
        """
        if self._attempt is None or self._encrypted:
            return
        try:
            while self._attempt is not None and (data := self._sock.recv(65536)):
                self.data_received(data)
        except OSError:
            return

    # --- the parser

    def on_message_begin(self) -> None:
        self._framed = False
        if self._attempt is None:
            self.reusable = False  # a second answer right behind the first, which the next request must not get

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._attempt is not None and self._headers.read(self._attempt, name, value):
            self._framed = True

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        status = self._parser.get_status_code()
        attempt = self._attempt
        if attempt is None or 100 <= status < 200:
            return  # an interim answer, or a change to another protocol, which ends in an error
        attempt.status = status
        attempt.bytes = 0
        if not self._parser.should_keep_alive():
            self.reusable = False
        if self._is_head:
            self._complete()

    def on_body(self, body: bytes) -> None:
        if self._attempt is None:
            self.reusable = False  # an answer to HEAD that has a body all the same
        elif self._attempt.bytes is not None:
            self._attempt.bytes += len(body)
            if self._attempt.wanted is not None:
                self._attempt.wanted.read(body)

    def on_message_complete(self) -> None:
        if self._attempt is not None and self._attempt.status is not None:
            self._complete()

    def _complete(self) -> None:
        if self._is_head:
            self._parser = None  # it still waits for a body
        self._finish(None)

    def _finish(self, error: BaseException | None) -> None:
        attempt, done = self._attempt, self._done
        if attempt is None or done is None:
            return
        self._attempt = self._done = None
        if self._deadlines is not None:
            self._deadlines.end(self)
            self._deadlines = None
        if error is not None:
            self.reusable = False
            if not isinstance(error, ProtocolError):
                attempt.learn(**self._facts_at_end(is_eof=isinstance(error, EOFError)))
        done(self, attempt, error)

    def _facts_at_end(self, *, is_eof: bool) -> dict[str, float | None]:
        """Ask the kernel about the connection; its descriptor is open until `connection_lost` has returned."""
        size = len(self._request)
        return facts_at_end(
            self._sock,
            request_bytes=None if self._encrypted else size,
            before_bytes=self._written - size,
            is_eof=is_eof,
        )
