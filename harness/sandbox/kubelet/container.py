"""A program that was started in a container -> its output, its end, and what else runs beside it there."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT
from typing import TYPE_CHECKING

import anyio

from harness.sandbox.kubelet.exec_process import ExecProcess, NotExecuted
from harness.sandbox.kubelet.execution import refusal
from harness.sandbox.kubelet.pipe import Pipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.sandbox.kubelet.logs import Log
    from harness.sandbox.kubelet.runtime_spec import Process
    from harness.sandbox.kubelet.spawn import Child

_TAP_CHUNKS = 256


class RuntimeFailure(Exception):
    """A namespace or a process could not be made; the text is what the tool said."""


@dataclass(frozen=True, slots=True)
class Network:
    """A pod's place in the node's network."""

    namespace: Path
    address: str


class Container:
    """A running program: its process id, its output, and its end."""

    def __init__(self, child: Child, log: Log, process: Process, network: Network) -> None:
        self._child, self.log, self.process, self.network = child, log, process, network
        self.exited = anyio.Event()
        self.exit_code: int | None = None
        self._taps: list[Pipe] = []
        self._closed = False

    def signal(self, name: str) -> None:
        """Sends a signal to the program, as the runtime does: a program that is PID 1 may ignore all but SIGKILL."""
        if not self.exited.is_set():
            os.kill(self._child.pid, signal.Signals[name])

    def begin(self, argv: tuple[str, ...], *, stdin: bool, tty: bool) -> ExecProcess:
        """Starts `argv` inside the container, as somebody else's: who asks for it ends it.

        Raises:
            NotExecuted: the container has no such program, or has ended.
        """
        if self.exited.is_set():
            raise NotExecuted("cannot exec in a stopped container")
        return ExecProcess.start(self._child.pid, replace(self.process, argv=argv, stdin=stdin, tty=tty))

    @contextmanager
    def attached(self) -> Iterator[Pipe]:
        """What the program writes from now on; a reader that falls far behind is cut off, so as not to hold it up."""
        output = Pipe(_TAP_CHUNKS)
        if self._closed:
            output.end()
        self._taps.append(output)
        try:
            yield output
        finally:
            self._taps.remove(output)

    async def write(self, chunk: bytes) -> None:
        """Lets the program read `chunk`, if it reads at all.

        Raises:
            BrokenPipeError: it does not any more.
        """
        if self._child.stdin is not None:
            await self._child.stdin.send(chunk)

    def end_input(self) -> None:
        """Lets the program read the end of its input."""
        self._child.end_input()

    def resize(self, columns: int, rows: int) -> None:
        """Sets the size of the program's terminal, if it has one."""
        self._child.resize(columns, rows)

    async def run(self) -> None:
        """Collects output until the program's end; sets `exit_code` and `exited`."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._collect)
            self.exit_code = await self._child.wait()
            self.exited.set()
        self.log.close()
        self._closed = True
        for tap in self._taps:
            tap.end()
        self._child.close()

    async def exec(self, argv: tuple[str, ...], timeout_s: float | None) -> tuple[int, str]:
        """Runs `argv` inside the container: (exit code, output).

        Raises:
            TimeoutError: it did not end in time; it has been killed.
            RuntimeFailure: it cannot be executed.
        """
        inside = replace(self.process, argv=argv)
        if (why := refusal(argv, inside.env)) is not None:
            raise RuntimeFailure(why)
        namespaces = ["--net", "--uts", "--ipc", "--mount", "--pid", "--root"]
        if inside.user or inside.group:
            namespaces += ["--setuid", str(inside.user), "--setgid", str(inside.group)]
        command = ["nsenter", "--target", str(self._child.pid), *namespaces, "--", *inside.command()]
        async with await anyio.open_process(command, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT) as process:
            with anyio.fail_after(timeout_s):
                try:
                    assert process.stdout is not None
                    output = b"".join([chunk async for chunk in process.stdout])
                    return await process.wait(), output[:10240].decode(errors="replace")
                finally:
                    if process.returncode is None:
                        _kill_tree(process.pid)

    async def _collect(self) -> None:
        async for chunk in self._child.output():
            self.log.feed(chunk)
            for tap in self._taps:
                if not tap.offer(chunk):
                    tap.end()


def _kill_tree(pid: int) -> None:
    """Kills an `nsenter` and the process it forked into the container's PID namespace."""
    with suppress(OSError, ValueError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
