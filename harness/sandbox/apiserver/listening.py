"""Two handlers -> a port of the loopback with TLS and a unix socket, that can be shut for a while and opened again."""

from __future__ import annotations

import asyncio
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


class Listening:
    """The sites of a server that is up."""

    def __init__(self, guarded: web.ServerRunner, trusted: web.ServerRunner, context: ssl.SSLContext) -> None:
        self._guarded, self._trusted, self._context = guarded, trusted, context
        self._site: web.TCPSite | None = None
        self.port = 0

    @classmethod
    async def open(cls, guarded: Handler, context: ssl.SSLContext, trusted: Handler, socket: Path) -> Listening:
        """Opens both ways in: `guarded` behind TLS on a free port, `trusted` on the socket, for this user alone."""
        listening = cls(await _runner(guarded), await _runner(trusted), context)
        await web.UnixSite(listening._trusted, str(socket)).start()
        socket.chmod(_SOCKET_MODE)  # noqa: ASYNC240  (a metadata call on a tmpfs, once)
        await listening._start()
        return listening

    async def interrupt(self, span_s: float) -> None:
        """Cuts every connection over TLS and refuses new ones for `span_s` seconds, as when an API server restarts.

        It comes back after that time, also where whoever asked for it went away in between.
        """
        await asyncio.shield(asyncio.ensure_future(self._away(span_s)))

    async def _away(self, span_s: float) -> None:
        if self._site is not None:
            await self._site.stop()
        server = self._guarded.server
        for connection in tuple(server.connections if server is not None else ()):
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(span_s)
        await self._start()

    async def close(self) -> None:
        """Ends every connection and site."""
        for runner in (self._guarded, self._trusted):
            await runner.cleanup()

    async def _start(self) -> None:
        self._site = web.TCPSite(self._guarded, "127.0.0.1", self.port, ssl_context=self._context, reuse_address=True)
        await self._site.start()
        self.port = self._guarded.addresses[0][1]


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


async def _runner(handler: Handler) -> web.ServerRunner:
    server = web.Server(handler, request_factory=_request, handler_cancellation=True)
    runner = web.ServerRunner(server, access_log=None)
    await runner.setup()
    return runner
