"""A connection's bytes -> the SPDY streams that the client opened, each with its own input and output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from harness.sandbox.kubelet import spdy
from harness.sandbox.kubelet.pipe import Pipe

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Mapping

_QUEUED_FRAMES = 16
_MOST_STREAMS = 2048


class SpdyStream:
    """One stream: `input` is what the client sends, to its end; `dropped` is set when it wants no more of it."""

    def __init__(self, number: int, headers: Mapping[str, str], send: Callable[[bytes], Awaitable[None]]) -> None:
        self.number, self.headers, self._send = number, headers, send
        self.input = Pipe(_QUEUED_FRAMES)
        self.dropped = anyio.Event()
        self.ended_here = self.ended_there = False

    async def send(self, chunk: bytes) -> None:
        """Sends a piece. Raises: ConnectionError where the client has gone."""
        if not self.ended_here:
            await self._send(spdy.data(self.number, chunk))

    async def end(self) -> None:
        """Says that no more comes from here."""
        if not self.ended_here:
            self.ended_here = True
            await self._send(spdy.data(self.number, b"", fin=True))

    async def take(self, chunk: bytes, *, fin: bool) -> None:
        """Puts what came before whoever reads it, and waits where that is slow."""
        if chunk and not self.ended_there:
            await self.input.put(chunk)
        if fin:
            self.end_input()

    def end_input(self) -> None:
        """Nothing more comes from the client."""
        self.ended_there = True
        self.input.end()

    def drop(self) -> None:
        """The client wants no more of it, both ways."""
        self.ended_here = True
        self.end_input()
        self.dropped.set()


class SpdySession:
    """The server's end of a connection; `opened` is told of every stream that the client opens."""

    def __init__(self, send: Callable[[bytes], Awaitable[None]], opened: Callable[[SpdyStream], None]) -> None:
        self._write, self._opened = send, opened
        self._framer = spdy.Framer()
        self._streams: dict[int, SpdyStream] = {}
        self._sending = anyio.Lock()

    async def serve(self, chunks: AsyncIterable[bytes]) -> None:
        """Takes frames until the connection ends.

        Raises:
            SpdyError: what came is no SPDY.
            ConnectionError: the client has gone.
        """
        try:
            async for chunk in chunks:
                for frame in self._framer.feed(chunk):
                    await self._meet(frame)
        finally:
            for stream in self._streams.values():
                stream.drop()

    async def _send(self, frame: bytes) -> None:
        async with self._sending:  # a frame is whole, whoever else has something to send
            await self._write(frame)

    async def _meet(self, frame: spdy.Frame) -> None:
        match frame:
            case spdy.SynStream(stream=number, headers=headers, fin=fin):
                await self._open(number, headers, fin=fin)
            case spdy.Data(stream=number, payload=payload, fin=fin):
                if number in self._streams:
                    await self._streams[number].take(payload, fin=fin)
            case spdy.Reset(stream=number):
                if (stream := self._streams.pop(number, None)) is not None:
                    stream.drop()
            case spdy.Ping(number=number) if number % 2:
                await self._send(spdy.ping(number))

    async def _open(self, number: int, headers: Mapping[str, str], *, fin: bool) -> None:
        self._streams = {n: s for n, s in self._streams.items() if not (s.ended_here and s.ended_there)}
        if number in self._streams or len(self._streams) >= _MOST_STREAMS:
            await self._send(spdy.reset(number, spdy.PROTOCOL_ERROR))
            return
        stream = self._streams[number] = SpdyStream(number, headers, self._send)
        await self._send(self._framer.syn_reply(number))
        if fin:
            stream.end_input()
        self._opened(stream)
