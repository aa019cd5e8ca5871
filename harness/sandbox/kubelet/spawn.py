"""A command line -> the first process of a new PID namespace, as a direct child whose exit code is its own.

`unshare --fork` would stand between: it cannot pass on that its child was killed by SIGKILL. So the calling thread asks
the kernel to put its next child into a new PID namespace, makes that child, and turns back.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_CLONE_NEWPID = 0x20000000
_CHUNK_BYTES = 65536
_libc = ctypes.CDLL(None, use_errno=True)


class Child:
    """A running child: its process id, what it writes, and its end."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        self._process = process
        self._stdout = process.stdout
        os.set_blocking(self._stdout.fileno(), False)
        self._pidfd = os.pidfd_open(process.pid)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    async def output(self) -> AsyncIterator[bytes]:
        """Standard output and error, as they are written, until nobody holds them open any more."""
        while True:
            await anyio.wait_readable(self._stdout.fileno())
            chunk = os.read(self._stdout.fileno(), _CHUNK_BYTES)
            if not chunk:
                return
            yield chunk

    async def wait(self) -> int:
        """The exit code: 128 + n for a child killed by signal n."""
        await anyio.wait_readable(self._pidfd)
        code = self._process.wait()
        return code if code >= 0 else 128 - code

    def close(self) -> None:
        """Gives back what the kernel kept for a child that has ended."""
        self._stdout.close()
        os.close(self._pidfd)


def spawn(command: list[str]) -> Child:
    """Starts `command` as the first process of a new PID namespace, without input.

    Raises:
        OSError: the kernel refused.
    """
    with _next_child_in_new_pid_namespace():
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/"
        )
    return Child(process)


@contextmanager
def _next_child_in_new_pid_namespace() -> Iterator[None]:
    own = os.open("/proc/self/ns/pid", os.O_RDONLY)
    try:
        _checked(_libc.unshare(_CLONE_NEWPID))
        try:
            yield
        finally:
            _checked(_libc.setns(own, _CLONE_NEWPID))
    finally:
        os.close(own)


def _checked(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
