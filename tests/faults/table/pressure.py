"""Faults of what the machine gives the harness: readers of its output, memory, files, processors."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..fault import (
    AS_IT_IS,
    CLEAN,
    DROPPING,
    INCONCLUSIVE,
    NEVER_SEAMLESS,
    NONE,
    App,
    Fault,
    Group,
    Holds,
    Inject,
    Left,
    Phase,
    Records,
)
from ..scene import Scene

_PIPE_IS_FULL_S, _STEP_BYTES = 4.0, 4096


def row(name: str, phase: Phase, what: str, inject: Inject, holds: Holds, **more: Any) -> Fault:
    return Fault(name=name, group=Group.PROCESS, phase=phase, what=what, inject=inject, holds=holds, **more)


async def nobody_reads(scene: Scene) -> None:
    """Its stdout and stderr are closed at the other end, as `| head` leaves them."""
    assert scene.process is not None
    assert scene.process.stdout is not None
    assert scene.process.stderr is not None
    await scene.process.stdout.aclose()
    await scene.process.stderr.aclose()


async def nobody_reads_for_a_while(scene: Scene) -> None:
    """Its stderr is full, as a terminal's is after Ctrl-S: what it writes there would wait."""
    scene.deaf = True
    pipe = os.open(f"/proc/{scene.pid}/fd/2", os.O_WRONLY | os.O_NONBLOCK)
    try:
        while _filled(pipe):  # what was read just before makes room again
            await scene.lasting(0.1)
        await scene.lasting(_PIPE_IS_FULL_S)
    finally:
        os.close(pipe)
        scene.deaf = False


def _filled(pipe: int) -> int:
    """Fill it; how many bytes that took."""
    taken = 0
    with suppress(BlockingIOError):
        while True:
            taken += os.write(pipe, b"\n" * _STEP_BYTES)
    return taken


async def no_memory(scene: Scene) -> None:
    """It may have no more memory than it has now."""
    pages = int((Path("/proc") / str(scene.pid) / "statm").read_text().split()[0])
    used = pages * resource.getpagesize()
    resource.prlimit(scene.pid, resource.RLIMIT_AS, (used, used))


async def no_descriptors(scene: Scene) -> None:
    """It may open no more files than it has now."""
    used = max(int(place) for place in os.listdir(f"/proc/{scene.pid}/fd")) + 1  # noqa: PTH208 - names alone
    resource.prlimit(scene.pid, resource.RLIMIT_NOFILE, (used, used))


async def others_compute(scene: Scene) -> None:
    """Every processor of the machine is wanted twice more, for 3 s."""
    burners = [
        await scene.beside("timeout", "3", "sh", "-c", "while :; do :; done") for _ in range(2 * (os.cpu_count() or 1))
    ]
    for burner in burners:
        await burner.wait()


ROWS = (
    row("nobody-reads", Phase.ROLLOUT, "stdout and stderr are closed", nobody_reads, AS_IT_IS),
    row(
        "nobody-reads",
        Phase.ROLLOUT,
        "stdout and stderr are closed",
        nobody_reads,
        CLEAN,
        app=App.MITIGATED,
    ),
    row(
        "output-blocked",
        Phase.ROLLOUT,
        "nobody reads stderr for 4 s, and it is full",
        nobody_reads_for_a_while,
        NEVER_SEAMLESS,
    ),
    row(
        "output-blocked",
        Phase.ROLLOUT,
        "nobody reads stderr for 4 s, and it is full",
        nobody_reads_for_a_while,
        CLEAN,
        app=App.MITIGATED,
    ),
    row(
        "no-memory",
        Phase.ROLLOUT,
        "the harness may have no more memory than it has",
        no_memory,
        Holds(
            verdicts=(DROPPING, INCONCLUSIVE, NONE),
            codes=(1, 2, 3),
            records=Records.ANY,
            cluster=Left.NAMED,
            within_s=60,
        ),
    ),
    row(
        "no-descriptors",
        Phase.ROLLOUT,
        "the harness may open no more files",
        no_descriptors,
        Holds(
            verdicts=(DROPPING, INCONCLUSIVE, NONE),
            codes=(1, 2, 3),
            records=Records.ANY,
            cluster=Left.NAMED,
            within_s=140,
        ),
    ),
    row(
        "busy-machine", Phase.ROLLOUT, "others want every processor twice more for 3 s", others_compute, NEVER_SEAMLESS
    ),
)
