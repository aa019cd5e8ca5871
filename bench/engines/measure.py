"""A generator under way -> CPU time per request, the server's count against the kernel's; a worker's own lags."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engines.generators import Command, Generator, Load, worker
from engines.server import Server
from harness.load import parse_line
from harness.model.request import Request

FIRST = ("chrt", "--rr", "1") if os.geteuid() == 0 and shutil.which("chrt") else ()
"""Whatever keeps a rate goes before what else runs on the machine, as a worker of ours does; so does nginx."""

_COMES_UP_S = 30.0
_SETTLES_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a worker of ours kept its schedule: lags of all requests that it sent, in ms."""

    requests: int
    failed: int
    unsent: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu: float
    """Of one core, its start included."""


@contextlib.contextmanager
def _started(command: Command, folder: Path, *, first: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            (*(FIRST if first else ()), *command.words),
            env=os.environ | dict(command.environment),
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
        )
        try:
            assert process.stdin is not None
            process.stdin.write(command.stdin.encode())
            process.stdin.flush()
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
            process.communicate()


def cpu_us(generator: Generator, load: Load, server: Server, seconds: float) -> tuple[float, float] | None:
    """CPU microseconds per request, user and system, and requests a second; None where it cannot send such a load.

    Only of the time in which it sends: neither its start nor its end. The kernel's account of each of its threads
    (schedstat, in ns) is the same for all generators, and so is nginx's count of requests.
    """
    with tempfile.TemporaryDirectory() as name:
        command = generator.command(load, Path(name))
        if command is None:
            return None
        before = server.requests()
        with _started(command, Path(name), first=generator.paced) as process:
            _await_requests(process, server, before, Path(name))
            spent, had, at = _cpu_ns(process.pid), server.requests(), time.monotonic()
            time.sleep(seconds)
            spent, had, took = _cpu_ns(process.pid) - spent, server.requests() - had, time.monotonic() - at
    return spent / 1e3 / max(had, 1), had / took


def _await_requests(process: subprocess.Popen[bytes], server: Server, before: int, folder: Path) -> None:
    deadline = time.monotonic() + _COMES_UP_S
    while server.requests() < before + 200:
        if time.monotonic() > deadline or process.poll() is not None:
            said = (folder / "stderr").read_text(errors="replace")[-2000:]
            raise SystemExit(f"{process.args} did not send 200 requests within {_COMES_UP_S:g} s; it said:\n{said}")
        time.sleep(0.1)
    time.sleep(_SETTLES_S)


def _cpu_ns(pid: int) -> int:
    """Of all its threads that live."""
    return sum(int(task.read_text().split()[0]) for task in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def pace(load: Load, seconds: float, *, core: int | None = None) -> Pace:
    """Have a worker follow a whole plan, on one core where one is named, and read what it wrote."""
    with tempfile.TemporaryDirectory() as name:
        command = worker(load, Path(name), duration_s=seconds, starts_in_s=2.0)
        with _started(command, Path(name)) as process:
            if core is not None:
                os.sched_setaffinity(process.pid, {core})
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        # Afterwards, so that reading does not take the worker's CPU.
        lines = (parse_line(line) for line in (Path(name) / "stdout").read_text().splitlines())
        requests = [line for line in lines if isinstance(line, Request)]
    lags_ms = sorted((r.started - r.scheduled) * 1000 for r in requests if r.started is not None)
    return Pace(
        requests=len(requests),
        failed=sum(r.outcome.failed for r in requests),
        unsent=sum(r.started is None for r in requests),
        p50_ms=lags_ms[len(lags_ms) // 2],
        p99_ms=lags_ms[len(lags_ms) * 99 // 100],
        max_ms=lags_ms[-1],
        cpu=(usage.ru_utime + usage.ru_stime) / seconds,
    )
