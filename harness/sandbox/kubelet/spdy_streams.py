"""The SPDY streams that a client opened -> the streams of a command: what clients before WebSockets speak.

Source: k8s.io/kubelet `pkg/cri/streaming/remotecommand/httpstream.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import anyio.abc

from harness.sandbox.kubelet.remotecommand import Channel, Streams
from harness.sandbox.kubelet.spdy_session import SpdySession, SpdyStream

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable

    from harness.sandbox.kubelet.records import Object
    from harness.sandbox.kubelet.remotecommand import Options

TUNNEL = "SPDY/3.1+"
"""Before a protocol's name: its SPDY frames go through a WebSocket."""
PROTOCOLS = tuple(f"{TUNNEL}{version}channel.k8s.io" for version in ("v5.", "v4.", "v3.", "v2.", ""))
_IN_JSON = PROTOCOLS[:2]
_WITHOUT_RESIZE = PROTOCOLS[3:]
_CREATION_TIMEOUT_S = 30.0


class SpdyStreams(Streams):
    """The streams of one command over one connection, each opened by the client with its `streamtype`."""

    def __init__(
        self, protocol: str, options: Options, chunks: AsyncIterable[bytes], send: Callable[[bytes], Awaitable[None]]
    ) -> None:
        super().__init__(in_json=protocol in _IN_JSON)
        self._chunks = chunks
        self._session = SpdySession(send, self._opened)
        self._streams: dict[Channel, SpdyStream] = {}
        resizes = options.tty and protocol not in _WITHOUT_RESIZE
        wanted = (options.stdin, options.stdout, options.stderr, True, resizes)
        self._expected = {channel for channel, is_wanted in zip(Channel, wanted, strict=True) if is_wanted}
        self._complete = anyio.Event()
        self._group: anyio.abc.TaskGroup | None = None

    async def serve(self) -> None:
        """Takes what the client sends, until it goes."""
        async with anyio.create_task_group() as self._group:
            await self._session.serve(self._chunks)
            self._group.cancel_scope.cancel()

    async def write(self, channel: Channel, chunk: bytes) -> None:
        """Sends it, as soon as the client has opened all its streams: it may wait for each before it looks at any.

        Raises: ConnectionError where the client has gone, or does not open them.
        """
        with anyio.move_on_after(_CREATION_TIMEOUT_S) as waiting:
            await self._complete.wait()
        if waiting.cancelled_caught:
            raise ConnectionAbortedError("timed out waiting for client to create streams")
        await self._streams[channel].send(chunk)

    async def finish(self, status: Object) -> None:
        """Tells how the command ended, and ends every stream."""
        await super().finish(status)
        for channel in (Channel.STDOUT, Channel.STDERR, Channel.ERROR):
            if channel in self._streams:
                await self._streams[channel].end()

    def _opened(self, stream: SpdyStream) -> None:
        kind = stream.headers.get("streamtype", "").upper()
        if kind not in Channel.__members__ or Channel[kind] in self._streams or self._group is None:
            stream.drop()
            return
        channel = Channel[kind]
        self._streams[channel] = stream
        if self._expected <= self._streams.keys():
            self._complete.set()
        if channel in (Channel.STDIN, Channel.RESIZE):
            self._group.start_soon(self._take_all, channel, stream)

    async def _take_all(self, channel: Channel, stream: SpdyStream) -> None:
        async for chunk in stream.input:
            await self._take(channel, chunk)
        if channel is Channel.STDIN:
            self.stdin.end()
