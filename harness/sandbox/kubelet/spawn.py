"""A command line -> the first process of a new PID namespace, as a direct child whose exit code is its own.

`unshare --fork` would stand between: it cannot pass on that its child was killed by SIGKILL. So the calling thread asks
the kernel to put its next child into a new PID namespace, makes that child, and turns back.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio

from harness.sandbox.kubelet.descriptors import Descriptor, terminal
from harness.sandbox.own_namespace import NEW_PID, enter, unshare

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class Child:
    """A running child: its process id, what it writes, what it reads, and its end."""

    def __init__(self, process: subprocess.Popen[bytes], stdout: Descriptor, stdin: Descriptor | None) -> None:
        self._process, self._stdout, self.stdin = process, stdout, stdin
        self._pidfd = os.pidfd_open(process.pid)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    async def output(self) -> AsyncIterator[bytes]:
        """Standard output and error, as they are written, until nobody holds them open any more."""
        while chunk := await self._stdout.receive():
            yield chunk

    async def wait(self) -> int:
        """The exit code: 128 + n for a child killed by signal n."""
        await anyio.wait_readable(self._pidfd)
        code = self._process.wait()
        return code if code >= 0 else 128 - code

    def resize(self, columns: int, rows: int) -> None:
        """Sets the size of the terminal that it runs on, if it does."""
        if self.stdin is self._stdout:
            self._stdout.resize(columns, rows)

    def end_input(self) -> None:
        """Lets it read the end of its input; a terminal has none."""
        if self.stdin is not None and self.stdin is not self._stdout:
            self.stdin.close()

    def close(self) -> None:
        """Gives back what the kernel kept for a child that has ended."""
        self._stdout.close()
        self.end_input()
        os.close(self._pidfd)


def spawn(command: list[str], *, stdin: bool = False, tty: bool = False) -> Child:
    """Starts `command` as the first process of a new PID namespace.

    It has no input unless `stdin` says that some may come; with `tty` it leads a session on a terminal of its own.

    Raises:
        OSError: the kernel refused.
    """
    if tty:
        master, slave = terminal()
        both = Descriptor(master)
        return Child(_started(["setsid", "--ctty", *command], slave, slave), both, both)
    reading, writing = os.pipe()
    if not stdin:
        nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        return Child(_started(command, nothing, writing), Descriptor(reading), None)
    given, giving = os.pipe()
    return Child(_started(command, given, writing), Descriptor(reading), Descriptor(giving))


def _started(command: list[str], stdin: int, stdout: int) -> subprocess.Popen[bytes]:
    """Starts it on these descriptors, and leaves them to it."""
    try:
        with _next_child_in_new_pid_namespace():
            return subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stdout, cwd="/")
    finally:
        for fd in {stdin, stdout}:
            os.close(fd)


@contextmanager
def _next_child_in_new_pid_namespace() -> Iterator[None]:
    own = os.open("/proc/self/ns/pid", os.O_RDONLY)
    try:
        unshare(NEW_PID)
        try:
            yield
        finally:
            enter(own, NEW_PID)
    finally:
        os.close(own)
