"""A port of this machine -> one connection to the server that listens there, and how it ends."""

from __future__ import annotations

import asyncio


class Client:
    """One connection that asks for one path after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def connected(cls) -> Client:
        """To the server, wherever it listens here."""
        return cls(*await asyncio.open_connection("127.0.0.1", 8080))

    def ask(self, path: str) -> None:
        """Send a request."""
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: web\r\n\r\n".encode())

    async def answer(self) -> str:
        """`answered`, or how the connection ended before."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
            return "answered" if head.split(b" ", 2)[1] == b"200" else head.split(b" ", 2)[1].decode()
        except asyncio.IncompleteReadError:
            return "eof"
        except ConnectionError:
            return "reset"

    async def answered(self) -> None:
        """A whole answer, all of the two bytes of its body."""
        await self.answer()
        await self._reader.readexactly(2)

    @property
    def closed(self) -> bool:
        """Whether the server has closed it."""
        return self._reader.at_eof()

    async def first_byte(self) -> bytes:
        """What comes first; nothing where the server closes."""
        return await self._reader.read(1)

    async def drained(self) -> str:
        """How it ends, whatever comes before."""
        try:
            while await self._reader.read(65536):
                pass
        except ConnectionError:
            return "reset"
        return "eof"

    def close(self) -> None:
        """From this side."""
        self._writer.close()
