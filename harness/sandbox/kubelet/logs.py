"""Bytes that containers write -> lines with their times, the newest of them kept, and streams of them for readers."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_KEPT_BYTES = 1_000_000
_PIECE_BYTES = 16_384  # a longer line is kept in pieces, as containerd does it


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a container's output, without its end, or a piece of a long one that goes on in the next."""

    at: datetime
    text: bytes
    goes_on: bool = False

    def render(self, *, timestamp: bool) -> bytes:
        """The line as the API sends it."""
        stamp = f"{self.at.strftime('%Y-%m-%dT%H:%M:%S.%f')}000Z ".encode() if timestamp else b""
        return stamp + self.text + (b"" if self.goes_on else b"\n")


class Log:
    """The output of one run of a container: at most a megabyte of the newest lines."""

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque()
        self._bytes = self._dropped = 0
        self._torn = b""
        self._news = anyio.Event()
        self.closed = False

    def feed(self, chunk: bytes) -> None:
        """Takes what the container wrote."""
        *whole, torn = (self._torn + chunk).split(b"\n")
        now = datetime.now(UTC)
        lines = [line for text in whole for line in _pieces(now, text)]
        while len(torn) > _PIECE_BYTES:
            lines.append(LogLine(now, torn[:_PIECE_BYTES], goes_on=True))
            torn = torn[_PIECE_BYTES:]
        self._torn = torn
        self._lines.extend(lines)
        self._bytes += sum(len(line.text) for line in lines)
        while self._bytes > _KEPT_BYTES and len(self._lines) > 1:
            self._bytes -= len(self._lines.popleft().text)
            self._dropped += 1
        if lines:
            self._tell()

    def close(self) -> None:
        """Notes that the container ended: readers that follow come to their end."""
        if self._torn:
            self.feed(b"\n")
        self.closed = True
        self._tell()

    def last(self, count: int) -> tuple[LogLine, ...]:
        """The newest `count` lines."""
        return tuple(self._lines)[-count:] if count else ()

    async def read(self, *, tail: int | None, since: datetime | None, follow: bool) -> AsyncIterator[LogLine]:
        """The lines kept, the last `tail` of them not older than `since`; with `follow` also what is yet to come."""
        lines = tuple(self._lines) if tail is None else self.last(tail)
        at = self._dropped + len(self._lines)
        for line in lines:
            if since is None or line.at >= since:
                yield line
        while follow:
            news, new = self._news, tuple(self._lines)[max(0, at - self._dropped) :]
            at = self._dropped + len(self._lines)
            for line in new:
                yield line
            if not new:
                if self.closed:
                    return
                await news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = anyio.Event()


async def rendered(
    lines: AsyncIterator[LogLine], *, timestamps: bool, limit_bytes: int | None = None
) -> AsyncIterator[bytes]:
    """The lines as the API sends them, at most so many bytes in all; a line's pieces have one time before them."""
    begins, left = True, limit_bytes
    async for line in lines:
        text = line.render(timestamp=timestamps and begins)
        begins = not line.goes_on
        yield text[:left]
        if left is not None and (left := left - len(text)) <= 0:
            return


def _pieces(at: datetime, text: bytes) -> list[LogLine]:
    starts = range(0, max(len(text), 1), _PIECE_BYTES)
    return [LogLine(at, text[n : n + _PIECE_BYTES], goes_on=n + _PIECE_BYTES < len(text)) for n in starts]
