"""Standard streams as they are, closed, full or unread -> streams that never stop a measurement.

What cannot be written is let go, and remembered: only a command whose product stands on standard output fails by it.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from harness.redaction import door

_PIECE_BYTES = 4096  # PIPE_BUF: a pipe that select calls writable takes as much without blocking
_PATIENCE_S = 0.3  # less than what counts as a stall of the harness, which a run would be in doubt by


class _Outlet(io.RawIOBase):
    """A descriptor whose writes never raise. `patience_s`: how long to wait for a reader; None: as long as it takes."""

    def __init__(self, descriptor: int, patience_s: float | None) -> None:
        self._descriptor, self._patience_s = descriptor, patience_s
        self._stuck = False
        self.failure: OSError | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]
        size = len(data)
        if self.failure is None:
            try:
                return self._written(memoryview(data)[:_PIECE_BYTES]) or size
            except OSError as failure:
                self.failure = failure
        return size

    def _written(self, piece: memoryview) -> int:
        """How much went out; all of it is let go where nobody reads."""
        while True:
            patience_s = 0.0 if self._stuck else self._patience_s
            if not select.select([], [self._descriptor], [], patience_s)[1]:
                self._stuck = True
                return len(piece)
            self._stuck = False
            try:
                return os.write(self._descriptor, piece)
            except BlockingIOError:
                continue  # it does not block, and another writer was quicker


@dataclass(frozen=True, slots=True)
class Streams:
    """Standard output and standard error of this process."""

    out: _Outlet
    err: _Outlet

    def lost_output(self) -> OSError | None:
        """Why not all of standard output was written; None where it was, or where its reader had enough."""
        with _no_more_of(sys.stdout):
            sys.stdout.flush()
        failure = self.out.failure
        return None if failure is None or failure.errno == errno.EPIPE else failure


@contextmanager
def lasting_streams() -> Iterator[Streams]:
    """Put lasting streams in the place of `sys.stdout` and `sys.stderr`; a closed stream is one to nowhere.

    Where something else than the process's own stands there, such as a test's, it stays.
    """
    before = sys.stdout, sys.stderr
    closed = sys.stdout is None or sys.stdout.closed
    _fill_descriptors()
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: PTH123, SIM115 - as long as the process
    streams = Streams(_Outlet(1, None), _Outlet(2, _PATIENCE_S))
    if closed:
        streams.out.failure = OSError(errno.EBADF, "it is closed")
    if before[0] is sys.__stdout__:
        sys.stdout = _text(streams.out, before[0])
    if before[1] is sys.__stderr__:
        sys.stderr = _text(streams.err, before[1])
    try:
        yield streams
    finally:
        for stream in (sys.stdout, sys.stderr):
            with _no_more_of(stream):
                stream.flush()
        sys.stdout, sys.stderr = before


def _fill_descriptors() -> None:
    """Leave none of 0 to 2 free, so that no file that is opened later, such as a record, gets what is printed."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free: this one
            os.set_inheritable(descriptor, True)


class _Text(io.TextIOWrapper):
    """Text on its way to people: what is known to be secret by now does not get there, whoever prints it."""

    def write(self, text: str, /) -> int:
        """Write it; as long as the text that was given, for who counts."""
        super().write(door().by_value(text))
        return len(text)


def _text(outlet: _Outlet, before: object) -> io.TextIOWrapper:
    """What a locale cannot write is written as an escape, rather than not at all."""
    encoding = getattr(before, "encoding", None) or "utf-8"
    at_once = outlet.fileno() == 2 or outlet.isatty()
    return _Text(
        io.BufferedWriter(outlet),  # type: ignore[type-var]
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=at_once,
    )


@contextmanager
def _no_more_of(stream: object) -> Iterator[None]:
    """A stream that somebody closed in the meantime has nothing to flush."""
    with suppress(ValueError):
        yield
