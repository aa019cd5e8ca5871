"""The words of a command -> a process with its output and its end, and nothing of it left, its children included.

It is a session of its own, so that it has no terminal: what asks a question gets the end of the input for an answer.
Whoever leaves that session is found by a variable that all of them inherit.
"""

from __future__ import annotations

import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.abc

from harness import os_errors
from harness.errors import UsageError

_COOKIE = "ROLLOUT_HARNESS_COMMAND"
_PROC = Path("/proc")
_MERCY_S = 5.0
"""From the signal that asks to the one that does not, as docker and others have it shorter or longer."""

_LOOK_S = 0.05
_LAST_OUTPUT_S = 1.0
"""What is in the pipe when the command ends; who else holds it is not waited for."""

_LONGEST_LINE = 8192


async def run_command(
    words: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    timeout_s: float,
    hear: Callable[[str], None],
) -> int | None:
    """Run a command to its end; gives its exit status, negative for a signal's, None where its time was over.

    `hear` takes what it prints, on either output, line by line. When this returns, or is cancelled, no process is left
    that it started.

    Raises:
        UsageError: it cannot be started.
    """
    cookie = uuid.uuid4().hex
    try:
        process = await anyio.open_process(
            list(words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **environment, _COOKIE: cookie},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        seen = os_errors.seen(error) if isinstance(error, OSError) else str(error)
        raise UsageError(f"starting {words[0]} in folder {folder}", seen, "Is it installed, and on PATH?") from None
    try:
        return await _to_its_end(process, timeout_s, hear)
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process.pid, cookie)
            await process.aclose()


async def _to_its_end(process: anyio.abc.Process, timeout_s: float, hear: Callable[[str], None]) -> int | None:
    status: int | None = None
    lines = _Lines(hear)
    read = anyio.Event()

    async def follow() -> None:
        assert process.stdout is not None
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
            async for chunk in process.stdout:
                lines.add(chunk)
        read.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow)
        with anyio.move_on_after(timeout_s):
            status = await process.wait()
            with anyio.move_on_after(_LAST_OUTPUT_S):
                await read.wait()
        tasks.cancel_scope.cancel()
    lines.end()
    return status


class _Lines:
    """Chunks of output as lines; what has no line end is told at the end, for it may be a question."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        self._hear, self._rest = hear, b""

    def add(self, chunk: bytes) -> None:
        """Take in what was read."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        for line in whole:
            self._tell(line)
        while len(self._rest) > _LONGEST_LINE:
            line, self._rest = self._rest[:_LONGEST_LINE], self._rest[_LONGEST_LINE:]
            self._tell(line)

    def end(self) -> None:
        """Tell what is left."""
        if self._rest:
            self._tell(self._rest)
            self._rest = b""

    def _tell(self, line: bytes) -> None:
        self._hear(line.decode(errors="replace").rstrip("\r"))


async def _end(pid: int, cookie: str) -> None:
    """End all that is left of a command: asked at first, and then not."""
    for number, patience_s in ((signal.SIGTERM, _MERCY_S), (signal.SIGKILL, _MERCY_S)):
        left = _left(pid, cookie)
        for one in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(one, number)
        with anyio.move_on_after(patience_s if left else 0.0):
            while _left(pid, cookie):  # noqa: ASYNC110 - a process that is not our child tells no one of its end
                await anyio.sleep(_LOOK_S)
        if not _left(pid, cookie):
            return


def _left(session: int, cookie: str) -> list[int]:
    """The processes of the command that are there: of its session, or with its cookie in their environment."""
    marked = f"{_COOKIE}={cookie}".encode()
    processes = [entry for entry in _PROC.iterdir() if entry.name.isdigit()] if _PROC.is_dir() else []
    return [int(entry.name) for entry in processes if _session(entry) == session or _is_marked(entry, marked)]


def _session(entry: Path) -> int | None:
    """The session of a process that has not ended (proc_pid_stat(5): state, ppid, pgrp, session after the name)."""
    try:
        fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[3])


def _is_marked(entry: Path, marked: bytes) -> bool:
    try:
        return marked in (entry / "environ").read_bytes().split(b"\0")
    except OSError:  # gone, or somebody else's
        return False
