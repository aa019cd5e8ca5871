"""A connected TCP socket into what asyncio calls a transport, as far as `transport.Connection` needs one.

It does at once what loops put off: it closes when it is told to, and says so before `close` returns.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from harness.load.poller import READ, WRITE

if TYPE_CHECKING:
    import socket

    from harness.load.poller import Poller
    from harness.load.transport import Connection

READ_BYTES = 65536


class PlainTransport:
    """Reads and writes for a Connection until one side ends it."""

    __slots__ = ("_closing", "_connection", "_poller", "_sock", "_unwritten")

    def __init__(self, sock: socket.socket, poller: Poller, connection: Connection) -> None:
        self._sock, self._poller, self._connection = sock, poller, connection
        self._unwritten = b""
        self._closing = False

    def is_closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._closing

    def get_extra_info(self, name: str) -> None:
        """There is nothing but the socket."""

    def write(self, data: bytes) -> None:
        """Write it all; what the kernel does not take yet goes out when it does."""
        if self._closing:
            return
        if self._unwritten:
            self._unwritten += data
            return
        try:
            written = self._sock.send(data)
        except BlockingIOError:
            written = 0
        except OSError as error:
            self._break_soon(error)
            return
        if written < len(data):
            self._unwritten = data[written:]
            self._poller.change(self._sock.fileno(), READ | WRITE, self.ready)

    def ready(self) -> None:
        """There may be something to read, or room to write."""
        if self._unwritten:
            self._write_on()
            if self._closing:
                return
        try:
            data = self._sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._close(error)
            return
        if data:
            self._connection.data_received(data)
        else:
            self._connection.eof_received()
            self._close(None)

    def close(self) -> None:
        """Close in good order. What was not written is lost: whoever closes has the answer."""
        self._close(None)

    def abort(self) -> None:
        """The same; a kernel that has unread bytes sends RST by itself."""
        self._close(None)

    def _write_on(self) -> None:
        try:
            written = self._sock.send(self._unwritten)
        except BlockingIOError:
            return
        except OSError as error:
            self._break_soon(error)
            return
        self._unwritten = self._unwritten[written:]
        if not self._unwritten:
            self._poller.change(self._sock.fileno(), READ, self.ready)

    def _break_soon(self, error: OSError) -> None:
        """Not at once: whoever writes is in the middle of beginning an exchange."""
        self._closing = True
        self._poller.release(self._sock.fileno())
        asyncio.get_running_loop().call_soon(self._end, error)

    def _close(self, error: OSError | None) -> None:
        if self._closing:
            return
        self._closing = True
        self._poller.forget(self._sock.fileno())
        self._end(error)

    def _end(self, error: OSError | None) -> None:
        """The connection may ask the kernel about its end, so the socket is closed last."""
        if self._sock.fileno() >= 0:
            self._connection.connection_lost(error)
            self._sock.close()
