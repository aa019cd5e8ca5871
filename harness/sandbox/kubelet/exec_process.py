"""A command line -> a process beside a container's own, in its namespaces, with its streams, its end and its removal.

It leads a session of its own, so that all that it started can be found and ended when whoever asked for it goes away.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from harness.sandbox.kubelet.descriptors import Descriptor, pipe_to, terminal

if TYPE_CHECKING:
    from harness.sandbox.kubelet.runtime_spec import Process

_NAMESPACES = ("--net", "--uts", "--ipc", "--mount", "--pid", "--root")
_SESSION_FIELD = 3  # of /proc/PID/stat, after the name in parentheses
_KILL_AGAIN_AFTER_S, _KILL_TRIES = 0.05, 40


class NotExecuted(Exception):
    """There is no such program in the container; the text is the container runtime's."""


class ExecProcess:
    """A running process: `stdin` where it reads, `stdout`, and `stderr` where that is apart."""

    def __init__(
        self, process: subprocess.Popen[bytes], stdin: Descriptor | None, stdout: Descriptor, stderr: Descriptor | None
    ) -> None:
        self._process, self.stdin, self.stdout, self.stderr = process, stdin, stdout, stderr
        self._pidfd = os.pidfd_open(process.pid)

    @classmethod
    def start(cls, target: int, process: Process) -> ExecProcess:
        """Starts `process` in the namespaces of the process `target`.

        Raises:
            NotExecuted: the container has no such program, or has ended.
        """
        why = _why_not(Path(f"/proc/{target}/root"), process)
        if why:
            raise NotExecuted(why)
        try:
            return cls._on_terminal(target, process) if process.tty else cls._on_pipes(target, process)
        except FileNotFoundError:
            raise NotExecuted("cannot exec in a stopped container") from None

    @classmethod
    def _on_terminal(cls, target: int, process: Process) -> ExecProcess:
        if "TERM" not in dict(process.env):
            process = replace(process, env=(*process.env, ("TERM", "xterm")))
        master, slave = terminal(process.user, process.group, Path(f"/proc/{target}/root/dev/pts"))
        try:
            started = subprocess.Popen(_command(target, process), stdin=slave, stdout=slave, stderr=slave, cwd="/")
        finally:
            os.close(slave)
        both = Descriptor(master)
        return cls(started, both, both, None)

    @classmethod
    def _on_pipes(cls, target: int, process: Process) -> ExecProcess:
        given: list[int] = []
        kept: list[int] = []
        stdin = subprocess.DEVNULL
        if process.stdin:
            stdin, writing = pipe_to(process.user, process.group)
            given.append(stdin)
            kept.append(writing)
        outputs = [pipe_to(process.user, process.group) for _ in range(2)]
        kept += [reading for reading, _ in outputs]
        given += [writing for _, writing in outputs]
        try:
            (_, out), (_, err) = outputs
            started = subprocess.Popen(_command(target, process), stdin=stdin, stdout=out, stderr=err, cwd="/")
        except OSError:
            for fd in kept:
                os.close(fd)
            raise
        finally:
            for fd in given:
                os.close(fd)
        *before, stdout, stderr = (Descriptor(fd) for fd in kept)
        return cls(started, before[0] if before else None, stdout, stderr)

    def end_input(self) -> None:
        """Lets the process read the end of its input; a terminal has none."""
        if self.stdin is not None and self.stdin is not self.stdout:
            self.stdin.close()

    async def wait(self) -> int:
        """The exit code: 128 + n where signal n killed it."""
        await anyio.wait_readable(self._pidfd)
        code = self._process.wait()
        return code if code >= 0 else 128 - code

    async def close(self) -> None:
        """Gives back its streams, and kills it with all of its session if it still runs."""
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        for _ in range(_KILL_TRIES):
            if self._process.poll() is not None:
                break
            await anyio.to_thread.run_sync(self._kill)
            with anyio.move_on_after(_KILL_AGAIN_AFTER_S):
                await anyio.wait_readable(self._pidfd)
        else:
            self._process.kill()
            self._process.wait()
        os.close(self._pidfd)

    def _kill(self) -> None:
        """Kills what leads the session and who belongs to it; `nsenter` then ends by itself.

        In its first moments it has no child yet, and its child no session: so this is done again until it has ended.
        """
        pid = self._process.pid
        try:
            leaders = {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
        except OSError:
            return
        for other in (*leaders, *_sessions(leaders)):
            with suppress(ProcessLookupError):
                os.kill(other, signal.SIGKILL)


def _sessions(leaders: set[int]) -> list[int]:
    """The processes of these sessions."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # it has ended meanwhile
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[_SESSION_FIELD]) in leaders:
                    found.append(int(entry.name))
    return found


def _command(target: int, process: Process) -> list[str]:
    who = ["--setuid", str(process.user), "--setgid", str(process.group)] if process.user or process.group else []
    session = ["setsid", *(("--ctty",) if process.tty else ())]
    return ["nsenter", "--target", str(target), *_NAMESPACES, *who, "--", *session, *process.command()]


def _why_not(root: Path, process: Process) -> str:
    """Why the program cannot be run, in runc's words; empty where it can."""
    program = process.argv[0]
    if "/" not in program:
        path = dict(process.env).get("PATH", "")
        if not any(_is_program(root / folder.lstrip("/") / program) for folder in path.split(":") if folder):
            return f'exec: "{program}": executable file not found in $PATH'
        return ""
    inside = root / str(Path(process.working_dir) / program).lstrip("/")
    if not os.path.lexists(inside):
        return f'exec: "{program}": stat {program}: no such file or directory'
    return "" if _is_program(inside) else f'exec: "{program}": permission denied'


def _is_program(path: Path) -> bool:
    """Whether it can be executed; a link may lead to elsewhere in the container, so it is believed."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    return stat.S_ISLNK(mode) or bool(stat.S_ISREG(mode) and mode & 0o111)
