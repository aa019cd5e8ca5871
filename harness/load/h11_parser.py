"""Bytes of HTTP/1.1 answers into the calls that httptools makes of them, by h11: where httptools is not installed.

They differ in what no server in order sends: h11 takes bare line feeds, folded headers and a length that is said twice,
and refuses transfer codings beside `chunked`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import h11

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_HEAD_BYTES = 1024 * 1024
"""httptools knows no bound; h11 wants one, and its own of 16 KiB is less than some servers send."""

_ASKED = h11.Request(
    method="GET", target="/", headers=[("Host", "-"), ("Connection", "upgrade"), ("Upgrade", "whatever")]
)
"""h11 takes an answer only for a request, and 101 only for one that asks for it.

Whoever asked with HEAD stops at the end of the headers.
"""


_BEGIN = b"HTTP/"


class HttpParserError(Exception):
    """The bytes are not HTTP."""


class Hears(Protocol):
    """What is told of an answer, in this order; each interim answer has a beginning, headers and an end of its own."""

    def on_message_begin(self) -> None: ...
    def on_header(self, name: bytes, value: bytes) -> None: ...
    def on_headers_complete(self) -> None: ...
    def on_body(self, body: bytes) -> None: ...
    def on_message_complete(self) -> None: ...


class HttpResponseParser:
    """One connection's answers, one after the other."""

    def __init__(self, protocol: Hears) -> None:
        self._protocol = protocol
        self._status, self._keeps_alive = 0, False
        self._begun, self._first = False, b""
        self._connection: h11.Connection | None = None

    def feed_data(self, data: bytes) -> None:
        """Take in more bytes. Raises HttpParserError; what came before the fault has been told."""
        try:
            if not self._begun:
                data = self._begin(data)
            if not data:  # h11 takes none for the end of the connection
                return
            assert self._connection is not None
            self._connection.receive_data(data)
            while (event := self._connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                self._tell(event)
                if isinstance(event, h11.EndOfMessage):
                    rest, _ = self._connection.trailing_data
                    self._begun, self._first = False, b""
                    self._protocol.on_message_complete()
                    self.feed_data(rest)
                    return
        except h11.ProtocolError as error:
            raise HttpParserError(str(error)) from None

    def get_status_code(self) -> int:
        """The newest answer's."""
        return self._status

    def should_keep_alive(self) -> bool:
        """Whether the connection can carry another exchange after this answer."""
        return self._keeps_alive

    def _begin(self, data: bytes) -> bytes:
        """What of it belongs to the answer. h11 waits for whole lines; what cannot become one is known by its begin."""
        if not self._first:
            if not (data := data.lstrip(b"\r\n")):
                return b""
            self._connection = _asked()
            self._protocol.on_message_begin()
        self._first += data[: len(_BEGIN) - len(self._first)]
        self._begun = len(self._first) == len(_BEGIN)
        if not _BEGIN.startswith(self._first):
            raise HttpParserError(f"it begins with {self._first!r}")
        return data

    def _tell(self, event: object) -> None:
        hears = self._protocol
        if isinstance(event, h11.InformationalResponse | h11.Response):
            self._status = event.status_code
            self._keeps_alive = _keeps_alive(event)
            for name, value in event.headers:
                hears.on_header(name, value)
            hears.on_headers_complete()
            if isinstance(event, h11.InformationalResponse):
                hears.on_message_complete()
                if event.status_code == 101:
                    raise HttpParserError("another protocol, which nobody asked for")
                hears.on_message_begin()
        elif isinstance(event, h11.Data):
            hears.on_body(bytes(event.data))


def _asked() -> h11.Connection:
    """One for each answer: h11's own rules for when another may follow are not those of servers."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD_BYTES)
    connection.send(_ASKED)
    connection.send(h11.EndOfMessage())
    return connection


def _keeps_alive(answer: h11.InformationalResponse | h11.Response) -> bool:
    """RFC 9112, 9.3; an answer that only the end of the connection ends cannot be followed by another (6.3)."""
    options = _options(answer.headers, b"connection")
    if b"close" in options or (answer.http_version < b"1.1" and b"keep-alive" not in options):
        return False
    bodiless = answer.status_code < 200 or answer.status_code in (204, 304)
    framed = any(name in (b"content-length", b"transfer-encoding") for name, _ in answer.headers)
    return bodiless or framed


def _options(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> set[bytes]:
    return {option.strip().lower() for name, value in headers if name == wanted for option in value.split(b",")}
