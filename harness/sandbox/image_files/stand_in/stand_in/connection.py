"""One client of the stand-in: its requests, answered one after the other."""

from __future__ import annotations

import selectors
import socket

from . import health
from .head import body_length, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .server import Server

FIRST_REQUEST_S = 1.0  # how long a connection without any request so far is waited for at the end
LONGEST_HEAD, CHUNK = 65536, 65536


class Connection:
    """One client: its requests, answered one after the other."""

    def __init__(self, server: Server, taken: socket.socket) -> None:
        self._server, self._socket = server, taken
        self._received = self._unsent = b""
        self._fresh, self._used, self._answering, self._last, self._h2 = True, False, False, False, False
        self._open = True
        server.selector.register(taken, selectors.EVENT_READ, self._ready)
        if server.closing:
            server.later(FIRST_REQUEST_S, self._close_unused)

    def drain(self) -> None:
        """The end has come: an idle connection is closed, one with a request after its answer."""
        if self._answering or self._unsent:
            self._last = True
        elif self._used or self._h2:
            self._close()
        else:
            self._server.later(FIRST_REQUEST_S, self._close_unused)

    def _ready(self, _: socket.socket, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                self._flush()
            if events & selectors.EVENT_READ and self._open:
                self._read()
        except OSError:
            self._close()

    def _read(self) -> None:
        if self._fresh:
            first = self._socket.recv(1, socket.MSG_PEEK)
            self._fresh = False
            if first == b"\x16" and self._server.certificate:
                self._server.selector.unregister(self._socket)
                self._socket = self._server.tls(self._socket)
                self._server.selector.register(self._socket, selectors.EVENT_READ, self._ready)
        while self._open:
            try:
                chunk = self._socket.recv(CHUNK)
            except BlockingIOError:
                return
            except OSError as error:
                if type(error).__name__ in ("SSLWantReadError", "SSLWantWriteError"):
                    return
                raise
            if not chunk:
                self._close()
                return
            self._received += chunk
            self._next()

    def _next(self) -> None:
        if self._h2 or self._received.startswith(health.PREFACE):
            self._frames()
            return
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if self._answering or not end:
            if len(self._received) > LONGEST_HEAD and not end:
                self._close()
            return
        fields = dict(field(line) for line in head.split(b"\r\n")[1:])
        length = body_length(fields, rest)
        if length is None:
            return
        self._received, self._used = rest[length:], True
        first = head.split(b"\r\n", 1)[0]
        keep = first.endswith(b"HTTP/1.1") and fields.get(b"connection", b"").lower() != b"close"
        status = 503 if self._server.stopping and self._server.at_stop == "refuses" else 200
        self._answering = True
        probe = fields.get(b"user-agent", b"").startswith(b"kube-probe/")
        delay_s = 0.0 if probe or status == 503 else self._server.latency_s

        def answer() -> None:
            self._answer(status, keep and status == 200, first.startswith(b"HEAD "))

        if delay_s:
            self._server.later(delay_s, answer)
        else:
            answer()

    def _answer(self, status: int, keep: bool, only_head: bool) -> None:
        if not self._open:
            return
        keep = keep and not self._server.closing
        body = b"stand-in\n" if status == 200 else b"stopping\n"
        reason = "OK" if status == 200 else "Service Unavailable"
        head = f"HTTP/1.1 {status} {reason}\r\nX-Pod: {self._server.pod}\r\nContent-Length: {len(body)}\r\n"
        head += f"Content-Type: text/plain\r\nConnection: {'keep-alive' if keep else 'close'}\r\n\r\n"
        self._answering, self._last = False, not keep
        self._send(head.encode() + (b"" if only_head else body))
        if self._open and self._received and keep:
            self._next()

    def _frames(self) -> None:
        if not self._h2:
            self._h2, self._received = True, self._received[len(health.PREFACE) :]
            self._send(health.first_frame())
        sent, self._received = health.answers(self._received, serving=not self._server.stopping)
        if sent and self._open:
            self._send(sent)

    def _send(self, data: bytes) -> None:
        self._unsent += data
        try:
            self._flush()
        except OSError:
            self._close()

    def _flush(self) -> None:
        if self._unsent:
            try:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
            except BlockingIOError:
                pass
            except OSError as error:
                if type(error).__name__ not in ("SSLWantReadError", "SSLWantWriteError"):
                    raise
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)
        self._server.selector.modify(self._socket, wanted, self._ready)
        if not self._unsent and self._last and not self._answering:
            self._close()

    def _close_unused(self) -> None:
        if self._open and not self._used and not self._answering:
            self._close()

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._server.selector.unregister(self._socket)
            self._socket.close()
            self._server.connections.discard(self)
