"""Bytes that containers write -> lines with their times, those of the newest file kept, and streams for readers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_FRAME_BYTES = 46  # time, stream and tag before a line in the file, as the CRI has them
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """`containerLogMaxSize` and `containerLogMonitorInterval` of a kubelet.

    The size is a tenth of its default, since all of a file is kept in memory: rotation is met in every longer run.
    """

    max_bytes: int = 1 << 20
    look_s: float = 10.0


_USUAL = Rotation()


class _File:
    """One log file: its lines, and the one that took its place."""

    def __init__(self) -> None:
        self.lines: list[LogLine] = []
        self.size = 0
        self.newer: _File | None = None


class Log:
    """The output of one run of a container, in a file that is rotated as a kubelet does it.

    Every `containerLogMonitorInterval` (10 s) a file that has outgrown `containerLogMaxSize` makes room for a new one,
    and only the newest is read by whoever comes then; who follows reads the old one to its end, and goes on in the new.
    Sources: pkg/kubelet/logs/container_log_manager.go; "Log rotation" in Kubernetes' documentation of logging.
    """

    def __init__(self, rotation: Rotation = _USUAL) -> None:
        self._rotation = rotation
        self._file = _File()
        self._looked = time.monotonic()
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
        self._rotate()
        self._file.lines += lines
        self._file.size += sum(len(line.text) + _FRAME_BYTES for line in lines)
        if lines:
            self._tell()

    def _rotate(self) -> None:
        """Looked at as something is written or read, which is when it can be told."""
        if (now := time.monotonic()) - self._looked < self._rotation.look_s:
            return
        self._looked = now
        if self._file.size > self._rotation.max_bytes:
            self._file.newer = self._file = _File()

    def close(self) -> None:
        """Notes that the container ended: readers that follow come to their end."""
        if self._torn:
            self.feed(b"\n")
        self.closed = True
        self._tell()

    def last(self, count: int) -> tuple[LogLine, ...]:
        """The newest `count` lines."""
        return tuple(self._file.lines[-count:]) if count else ()

    async def read(self, *, tail: int | None, since: datetime | None, follow: bool) -> AsyncIterator[LogLine]:
        """The lines kept, the last `tail` of them not older than `since`; with `follow` also what is yet to come."""
        if not self.closed:
            self._rotate()
        file = self._file
        at = len(file.lines)
        for line in tuple(file.lines) if tail is None else self.last(tail):
            if since is None or line.at >= since:
                yield line
        while follow:
            news, new = self._news, file.lines[at:]
            at += len(new)
            for line in new:
                yield line
            if new:
                continue
            if file.newer is not None:
                file, at = file.newer, 0
            elif self.closed:
                return
            else:
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
