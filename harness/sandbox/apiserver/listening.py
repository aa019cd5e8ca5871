"""Two handlers -> a port of the loopback with TLS and a unix socket, that can be shut for a while and opened again."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from harness.sandbox.apiserver.requests import BODY_LIMIT_BYTES

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.http_parser import RawRequestMessage
    from aiohttp.streams import StreamReader
    from aiohttp.web_protocol import RequestHandler

    Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_SOCKET_MODE = 0o600
_BACKLOG = 128
_HANDSHAKE_TIMEOUT_S = 10.0  # as Go's HTTP server has it
_NEXT_TRY_S = 0.1
# For a connection without a request, which one with half a request's headers is too: kube-apiserver's IdleTimeout.
_IDLE_TIMEOUT_S = 90.0
_LARGEST_HEADERS_BYTES = 1024 * 1024  # as Go's HTTP server has it; selectors in paths can be long


class Listening:
    """The ways into a server that is up."""

    def __init__(
        self,
        guarded: web.ServerRunner,
        trusted: web.ServerRunner,
        context: ssl.SSLContext,
        inside: Callable[[], socket.socket] | None,
    ) -> None:
        self._guarded, self._trusted = guarded, trusted
        self._door = Door(guarded, context)
        self._doors = (self._door,) if inside is None else (self._door, Door(guarded, context, inside))

    @property
    def port(self) -> int:
        """Where it listens with TLS."""
        return self._door.port

    @classmethod
    async def open(
        cls,
        guarded: Handler,
        context: ssl.SSLContext,
        trusted: Handler,
        path: Path,
        *,
        idle_timeout_s: float = _IDLE_TIMEOUT_S,
        inside: Callable[[], socket.socket] | None = None,
    ) -> Listening:
        """Opens the ways in: `guarded` behind TLS on a free port, `trusted` on the socket, for this user alone.

        `inside` makes one more socket for `guarded`, as for the network of a sandbox's pods.
        """
        listening = cls(await _runner(guarded, idle_timeout_s), await _runner(trusted, idle_timeout_s), context, inside)
        await web.UnixSite(listening._trusted, str(path)).start()
        path.chmod(_SOCKET_MODE)  # noqa: ASYNC240  (a metadata call on a tmpfs, once)
        for door in listening._doors:
            door.open()
        return listening

    async def interrupt(self, span_s: float) -> None:
        """Cuts every connection over TLS and refuses new ones for `span_s` seconds, as when an API server restarts.

        It comes back after that time, also where whoever asked for it went away in between.
        """
        await asyncio.shield(asyncio.ensure_future(self._away(span_s)))

    async def _away(self, span_s: float) -> None:
        for door in self._doors:
            await door.shut()
        server = self._guarded.server
        for connection in tuple(server.connections if server is not None else ()):
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(span_s)
        for door in self._doors:
            door.open()

    async def close(self) -> None:
        """Ends every connection and site."""
        for door in self._doors:
            await door.shut()
        for runner in (self._guarded, self._trusted):
            await runner.cleanup()


class Door:
    """A port with TLS that knows the handshakes under way on it: an aiohttp site knows them only when they are over."""

    def __init__(
        self, runner: web.ServerRunner, context: ssl.SSLContext, made: Callable[[], socket.socket] | None = None
    ) -> None:
        self._runner, self._context, self._made = runner, context, made
        self._accepting: asyncio.Task[None] | None = None
        self._handshakes: dict[asyncio.Task[None], socket.socket] = {}
        self.port = 0

    def open(self) -> None:
        """Listens, on the port that it had before if it had one."""
        made = self._made or (lambda: socket.create_server(("127.0.0.1", self.port), backlog=_BACKLOG))
        listener = made()
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        self._accepting = asyncio.get_running_loop().create_task(self._accept(listener))

    async def shut(self) -> None:
        """Refuses new connections, and cuts those whose handshake is under way."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)
            self._accepting = None
        under_way = dict(self._handshakes)
        for task, connection in under_way.items():
            with suppress(OSError):  # it has gone by itself
                connection.shutdown(socket.SHUT_RDWR)
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with listener:
            while True:
                try:
                    connection, _ = await loop.sock_accept(listener)
                except OSError:  # no descriptors, or it was cut before it was taken
                    await asyncio.sleep(_NEXT_TRY_S)
                    continue
                task = loop.create_task(self._shake_hands(connection))
                self._handshakes[task] = connection
                task.add_done_callback(self._handshakes.pop)

    async def _shake_hands(self, connection: socket.socket) -> None:
        server = self._runner.server
        assert server is not None
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                server, connection, ssl=self._context, ssl_handshake_timeout=_HANDSHAKE_TIMEOUT_S
            )
        except (OSError, asyncio.CancelledError):  # no TLS, or not in time: the client's affair
            connection.close()


class _Connection(web.RequestHandler):
    """A connection on which what is no HTTP is answered in two words, and not told as a fault of the server."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status >= 500 or request.writer.output_size > 0:
            return super().handle_error(request, status, exc, message)
        phrase = f"{status} {HTTPStatus(status).phrase}"
        response = web.Response(status=status, text=f"{phrase}: malformed HTTP request")
        response.force_close()
        return response


class _Server(web.Server):
    """Makes a connection of ours of each."""

    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    """A request whose body may be as large as the real API takes."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=BODY_LIMIT_BYTES)


async def _runner(handler: Handler, idle_timeout_s: float) -> web.ServerRunner:
    server = _Server(
        handler,
        request_factory=_request,
        handler_cancellation=True,
        keepalive_timeout=idle_timeout_s,
        auto_decompress=False,  # a body is what it is: the real API does not unpack it either, and small ones swell
        max_line_size=_LARGEST_HEADERS_BYTES,
        max_field_size=_LARGEST_HEADERS_BYTES,
    )
    runner = web.ServerRunner(server, access_log=None)
    await runner.setup()
    return runner
