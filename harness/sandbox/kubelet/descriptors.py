"""File descriptors of pipes and terminals -> bytes as they come, without a thread for each."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import termios
from contextlib import suppress
from pathlib import Path

import anyio

_UNLOCK, _NUMBER = 0x40045431, 0x80045430  # TIOCSPTLCK, TIOCGPTN
CHUNK_BYTES = 32 * 1024  # what Kubernetes' own servers pass on at once


class Descriptor:
    """One end of a pipe, or the master of a terminal; closed once, however often it is asked to."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._open = True
        os.set_blocking(fd, False)

    async def receive(self) -> bytes:
        """What has been written to it; nothing at its end."""
        while self._open:
            try:
                return os.read(self._fd, CHUNK_BYTES)
            except BlockingIOError:
                with suppress(anyio.ClosedResourceError):
                    await anyio.wait_readable(self._fd)
            except OSError as error:
                if error.errno == errno.EIO:  # a terminal that no process holds open any more
                    return b""
                raise
        return b""

    async def send(self, chunk: bytes) -> None:
        """Writes all of it.

        Raises:
            BrokenPipeError: nobody reads any more.
        """
        rest = memoryview(chunk)
        while rest:
            if not self._open:
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:
                with suppress(anyio.ClosedResourceError):
                    await anyio.wait_writable(self._fd)
            except OSError as error:
                if error.errno == errno.EIO:
                    raise BrokenPipeError(error.errno, error.strerror) from None
                raise

    def resize(self, columns: int, rows: int) -> None:
        """Sets a terminal's size; its programs get SIGWINCH."""
        if self._open:
            fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows & 0xFFFF, columns & 0xFFFF, 0, 0))

    def close(self) -> None:
        """Closes it; who waits for it is told."""
        if self._open:
            self._open = False
            anyio.notify_closing(self._fd)
            os.close(self._fd)


def terminal(user: int = 0, group: int = 0, devices: Path = Path("/dev/pts")) -> tuple[int, int]:
    """A new terminal of the devpts at `devices`, owned by `user`: (master, slave)."""
    master = os.open(devices / "ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(master, _UNLOCK, struct.pack("i", 0))
        (number,) = struct.unpack("I", fcntl.ioctl(master, _NUMBER, bytes(4)))
        slave = os.open(devices / str(number), os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        os.close(master)
        raise
    _give(slave, user, group)
    return master, slave


def pipe_to(user: int, group: int) -> tuple[int, int]:
    """A pipe whose writing end `user` may open again, as /dev/stdout does: (reading, writing)."""
    reading, writing = os.pipe()
    _give(writing, user, group)
    return reading, writing


def _give(fd: int, user: int, group: int) -> None:
    if user or group:
        with suppress(PermissionError):  # without root there is nobody else to give it to
            os.fchown(fd, user, group)
