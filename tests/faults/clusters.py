"""A sandbox -> a cluster that others run, for rows to share or to harm."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ApiClient
from harness.sandbox.embedded import Sandbox
from harness.sandbox.images import WORKER, Image, lookup
from harness.sandbox.settings import Settings

from .clocks import node_clock, worker_clock
from .scene import Target

if TYPE_CHECKING:
    from .fault import Fault

__all__ = ["Target", "alone", "reached"]

OFFSETS_S = (-10.0, -2.0, 2.0, 10.0)


def worker_with_clock(off_s: float, steps_after_s: float | None = None) -> str:
    """The name of the load worker's image whose clock is off by so much, from the beginning or after a while."""
    return f"worker:{'off' if steps_after_s is None else 'steps'}{off_s:+g}".replace("+", "p").replace("-", "m")


def _images() -> tuple[Image, ...]:
    worker = lookup(WORKER)
    assert worker is not None
    found = []
    for off_s in OFFSETS_S:
        for steps_after_s in (None, 6.0):
            place = "/srv/clock"
            env = tuple((k, f"{place}:{v}" if k == "PYTHONPATH" else v) for k, v in worker.env)
            text = worker_clock(off_s, steps_after_s or 0.0)
            name = worker_with_clock(off_s, steps_after_s)
            found.append(replace(worker, name=name, env=env, files=((f"{place}/sitecustomize.py", text),)))
    return tuple(found)


@asynccontextmanager
async def reached(folder: Path, *, node_off_s: float = 0.0) -> AsyncIterator[Target]:
    """A sandbox, and a client of its API that passes every proxy by; its nodes' clocks are off by `node_off_s`."""
    place = str(folder / "clock")
    if node_off_s:
        (folder / "clock").mkdir()
        (folder / "clock" / "sitecustomize.py").write_text(node_clock(node_off_s))
        sys.path.insert(1, place)  # the sandbox's processes get these places, and so find it
    try:
        async with Sandbox.start(Settings(images=_images())) as sandbox:
            if node_off_s:
                sys.path.remove(place)
                place = ""
            async with ApiClient.of_kubeconfig(sandbox.kubeconfig) as client:
                yield Target(sandbox=sandbox, client=client)
    finally:
        if place in sys.path:
            sys.path.remove(place)


@asynccontextmanager
async def alone(fault: Fault, folder: Path) -> AsyncIterator[Target]:
    """A sandbox for one row."""
    async with reached(folder, node_off_s=fault.node_off_s) as target:
        yield target
