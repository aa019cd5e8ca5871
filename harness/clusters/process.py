"""A command line -> a load worker that is a child process of the harness."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio
import anyio.abc

from harness.errors import LoadError
from harness.model.round_trip import RoundTrip

WORKER_COMMAND = (sys.executable, "-P", "-m", "harness.load")
_END_TIMEOUT_S = 5.0


class ProcessWorker:
    """A worker whose plan goes in through stdin; closing stdin stops it."""

    node = None

    def __init__(self, process: anyio.abc.Process) -> None:
        self._process = process

    async def lines(self) -> AsyncIterator[bytes]:
        """What it prints. Raises LoadError when it ends with an error."""
        assert self._process.stdout is not None
        torn = b""
        async for chunk in self._process.stdout:
            *whole, torn = (torn + chunk).split(b"\n")
            for line in whole:
                yield line
        status = await self._process.wait()
        if status:
            raise LoadError("running a load worker", f"the load worker ended with {status}{await self._stderr()}")

    async def stop(self) -> None:
        """Close its stdin."""
        if self._process.stdin is not None:
            await self._process.stdin.aclose()

    async def begin(self, at_s: float) -> None:
        """Nothing: it goes by our clock, and its plan says when."""

    async def accompany(self, now: Callable[[], float], timed: Callable[[RoundTrip], None]) -> None:
        """Nothing: it ends when its stdin does, or when its parent is another one."""

    async def _stderr(self) -> str:
        assert self._process.stderr is not None
        text = b"".join([chunk async for chunk in self._process.stderr]).decode(errors="replace").strip()
        return f" ({text.splitlines()[-1]})" if text else ""


@asynccontextmanager
async def process_worker(command: Sequence[str], plan: str) -> AsyncIterator[ProcessWorker]:
    """Start `command` and hand it the plan; it is killed if it has not ended when the block is left.

    Raises:
        LoadError: it cannot be started.
    """
    try:
        process = await anyio.open_process(list(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:
        raise LoadError("starting a load worker", str(error)) from error
    try:
        assert process.stdin is not None
        with contextlib.suppress(anyio.BrokenResourceError):  # it ended before it read the plan: lines() tells how
            await process.stdin.send(plan.encode() + b"\n")
        yield ProcessWorker(process)
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)


async def _end(process: anyio.abc.Process) -> None:
    assert process.stdin is not None
    await process.stdin.aclose()
    if process.returncode is None:
        process.terminate()
        with anyio.move_on_after(_END_TIMEOUT_S):
            await process.wait()
    if process.returncode is None:
        process.kill()
    await process.aclose()
