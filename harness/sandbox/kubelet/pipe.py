"""Chunks that one task brings -> another that takes them in order, with a bound on what waits between them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Pipe:
    """A bounded queue with an end; once its reader wants no more, what is brought is dropped."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._chunks: deque[bytes] = deque()
        self._ended = self._dropped = False
        self._changed = anyio.Event()

    async def put(self, chunk: bytes) -> None:
        """Brings a chunk; waits while too many are waiting already."""
        while not self.offer(chunk):
            await self._changed.wait()

    def offer(self, chunk: bytes) -> bool:
        """Brings a chunk, unless too many are waiting already."""
        if self._dropped or self._ended:
            return True
        if len(self._chunks) >= self._most:
            return False
        self._chunks.append(chunk)
        self._tell()
        return True

    def end(self) -> None:
        """No more comes: the reader gets what is there, and then the end."""
        self._ended = True
        self._tell()

    def drop(self) -> None:
        """No more is wanted."""
        self._dropped = True
        self._chunks.clear()
        self._tell()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._tell()
                yield chunk
            if self._ended or self._dropped:
                return
            await self._changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
