"""Faults of the disk: a folder that takes nothing, is full, goes away, or is written to by others."""

from __future__ import annotations

import os
import resource
import shutil
from contextlib import suppress
from typing import Any

import anyio

from ..fault import AS_IT_IS, DROPPING, INCONCLUSIVE, NONE, REFUSED, App, Fault, Group, Holds, Inject, Phase, Records
from ..scene import Scene

DISK = "size=8m"
MEASURING = (Phase.CONTROL, Phase.ROLLOUT, Phase.QUIET)


def row(name: str, phase: Phase, what: str, inject: Inject, holds: Holds, **more: Any) -> Fault:
    return Fault(name=name, group=Group.DISK, phase=phase, what=what, inject=inject, holds=holds, **more)


async def as_it_is(_: Scene) -> None:
    """The folder is like that from the beginning."""


def fill(scene: Scene) -> None:
    """Take what room the disk has, down to the last byte."""
    with (scene.out / "others.bin").open("ab", buffering=0) as others:
        for size in (65536, 4096, 1):
            with suppress(OSError):  # no space left
                while True:
                    others.write(b"x" * size)
    assert os.statvfs(scene.out).f_bavail == 0


async def full(scene: Scene) -> None:
    fill(scene)


async def full_for_a_while(scene: Scene) -> None:
    fill(scene)
    await scene.lasting(1.0)
    (scene.out / "others.bin").unlink(missing_ok=True)


async def removed(scene: Scene) -> None:
    """As `rm -rf` leaves it; what is written while it goes is removed too."""
    await scene.lasting(0.2)
    for _ in range(20):
        shutil.rmtree(scene.out, ignore_errors=True)
        if not scene.out.exists():
            return
    raise AssertionError("it cannot be removed")


async def truncated(scene: Scene) -> None:
    """Half of the rows are gone, and writing goes on behind."""
    await scene.lasting(0.3)
    rows = scene.record / "requests.csv"
    os.truncate(rows, rows.stat().st_size // 2)


async def no_run_json(scene: Scene) -> None:
    (scene.record / "run.json").unlink()


async def renamed(scene: Scene) -> None:
    """Somebody tidies up."""
    scene.record.rename(scene.out / "old")


async def no_rows(scene: Scene) -> None:
    (scene.record / "requests.csv").unlink()


async def garbled_run_json(scene: Scene) -> None:
    (scene.record / "run.json").write_bytes(b'{"format": 1, "exp\0\xff')


async def timeline_emptied(scene: Scene) -> None:
    await scene.lasting(0.3)
    os.truncate(scene.record / "timeline.jsonl", 0)


async def limited(scene: Scene) -> None:
    """No file may become longer than the longest is now."""
    longest = max(path.stat().st_size for path in scene.record.iterdir())
    resource.prlimit(scene.pid, resource.RLIMIT_FSIZE, (longest, longest))


async def results_in_the_way(scene: Scene) -> None:
    for folder in (scene.record, scene.out):
        (folder / "result.json").mkdir()


async def used_twice(scene: Scene) -> None:
    """The same command again, for the same folder; it must be refused, and this run go on."""
    with anyio.fail_after(30):
        assert await scene.again() == 2


def _early(**more: Any) -> Holds:
    given = {"records": Records.ANY, **more}
    return Holds(verdicts=(INCONCLUSIVE, NONE), codes=(2, 3), says="error: ", **given)


def _late(**more: Any) -> Holds:
    given = {"records": Records.READABLE, **more}
    return Holds(verdicts=(DROPPING, INCONCLUSIVE), codes=(1, 3), **given)


_GONE = Holds(verdicts=(NONE, INCONCLUSIVE), codes=(2, 3), records=Records.ANY, says="error: ")

ROWS = (
    row("out-read-only", Phase.START, "--out is read-only", as_it_is, REFUSED, tmpfs="size=8m,ro"),
    row("out-tiny", Phase.START, "--out has room for 16 KB", as_it_is, REFUSED, tmpfs="size=16k", quick=True),
    row("out-used-twice", Phase.CONTROL, "another run is to write to --out", used_twice, AS_IT_IS),
    row("disk-full", Phase.DEPLOY, "the disk is full", full, _early(), tmpfs=DISK),
    row("disk-full", Phase.CONTROL, "the disk is full", full, _early(), tmpfs=DISK),
    row("disk-full", Phase.ROLLOUT, "the disk is full", full, _late(), tmpfs=DISK, quick=True),
    row("disk-full", Phase.QUIET, "the disk is full", full, _late(), tmpfs=DISK),
    row("disk-full", Phase.CLEAN_UP, "the disk is full", full, _late(), tmpfs=DISK),
    row("disk-full", Phase.JUDGING, "the disk is full", full, _late(), tmpfs=DISK),
    row("disk-full-a-while", Phase.ROLLOUT, "the disk is full for a second", full_for_a_while, _late(), tmpfs=DISK),
    row(
        "disk-full-a-while",
        Phase.ROLLOUT,
        "the disk is full for a second",
        full_for_a_while,
        Holds(verdicts=(INCONCLUSIVE,), codes=(3,), records=Records.READABLE),
        tmpfs=DISK,
        app=App.MITIGATED,
    ),
    *(
        row("out-removed", phase, "the folder of the run is removed", removed, _GONE)
        for phase in (Phase.DEPLOY, *MEASURING, Phase.CLEAN_UP)
    ),
    row("rows-truncated", Phase.QUIET, "half of requests.csv is cut off", truncated, _late()),
    row(
        "rows-truncated",
        Phase.QUIET,
        "half of requests.csv is cut off",
        truncated,
        Holds(verdicts=(INCONCLUSIVE,), codes=(3,), records=Records.READABLE),
        app=App.MITIGATED,
    ),
    row("run-json-removed", Phase.ROLLOUT, "run.json is removed", no_run_json, _late()),
    row("run-json-garbled", Phase.ROLLOUT, "run.json is overwritten with something else", garbled_run_json, _late()),
    row("rows-removed", Phase.ROLLOUT, "requests.csv is removed", no_rows, _late(records=Records.ANY)),
    row("record-renamed", Phase.ROLLOUT, "the folder of the record is renamed", renamed, _late(records=Records.ANY)),
    row(
        "timeline-emptied",
        Phase.QUIET,
        "timeline.jsonl is emptied",
        timeline_emptied,
        Holds(verdicts=(INCONCLUSIVE,), codes=(3,), records=Records.READABLE),
        app=App.MITIGATED,
    ),
    row("file-size-limit", Phase.ROLLOUT, "no file may become longer than it is", limited, _late()),
    row(
        "results-in-the-way",
        Phase.QUIET,
        "folders are called result.json",
        results_in_the_way,
        Holds(verdicts=(DROPPING, INCONCLUSIVE, NONE), codes=(3,), records=Records.READABLE, says="error: "),
    ),
)
