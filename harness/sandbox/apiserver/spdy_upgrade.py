"""A request to speak SPDY/3.1 on its own connection -> that connection's bytes, to and from a WebSocket of a node.

Go clients with client-go's `NewSPDYExecutor`, and kubectl where a WebSocket fails, ask for it. aiohttp knows no such
upgrade, so the connection is taken from it when its request has been read.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import anyio
from aiohttp import web

from harness.sandbox.hangup import hung_up, knocked
from harness.sandbox.kubelet import spdy

if TYPE_CHECKING:
    from collections.abc import Iterable

_TUNNEL = "SPDY/3.1+"
_OUR_PING = 2  # a server's are even; the node passes over the answers
_VERSION_HEADER = "X-Stream-Protocol-Version"


def protocols(request: web.BaseRequest) -> tuple[str, ...]:
    """What the client offers, as the node's WebSocket names it."""
    lines: Iterable[str] = request.headers.getall(_VERSION_HEADER, [])
    names = [name.strip() for line in lines for name in line.split(",")]
    return tuple(f"{_TUNNEL}{name}" for name in names if name)


async def joined(request: web.BaseRequest, upstream: aiohttp.ClientWebSocketResponse) -> web.StreamResponse:
    """Answers 101 and passes bytes on both ways, until either end closes. Its answer has been given by then."""
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client has gone")
    reader = asyncio.StreamReader(loop=asyncio.get_running_loop())
    taken = _Taken(reader, transport.get_protocol())
    transport.set_protocol(taken)
    writer = asyncio.StreamWriter(transport, taken, reader, asyncio.get_running_loop())
    taken.connection_made(transport)
    version = (upstream.protocol or "").removeprefix(_TUNNEL)
    head = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: SPDY/3.1"]
    head += [f"{_VERSION_HEADER}: {version}"] if version else []
    writer.write(("\r\n".join(head) + "\r\n\r\n").encode())
    try:
        async with anyio.create_task_group() as group:

            async def watch() -> None:
                await hung_up(transport)
                group.cancel_scope.cancel()

            async def up() -> None:
                while chunk := await reader.read(32 * 1024):
                    await upstream.send_bytes(chunk)
                group.cancel_scope.cancel()

            async def knock() -> None:
                writer.write(spdy.ping(_OUR_PING))  # between two messages of the node, each of which is whole frames
                await writer.drain()

            group.start_soon(watch)
            group.start_soon(knocked, knock)
            group.start_soon(up)
            while (message := await upstream.receive()).type is aiohttp.WSMsgType.BINARY:
                writer.write(message.data)
                await writer.drain()
            group.cancel_scope.cancel()
    except* ConnectionError:
        pass  # an end has gone: so does the other
    finally:
        writer.close()
    raise ConnectionResetError("the connection was SPDY's, and is over")


class _Taken(asyncio.StreamReaderProtocol):
    """Reads a connection that began with another protocol, which is told of its end."""

    def __init__(self, reader: asyncio.StreamReader, former: asyncio.BaseProtocol) -> None:
        super().__init__(reader)
        self._former = former

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._former.connection_lost(exc)
