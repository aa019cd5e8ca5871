"""Faults of clocks: those of the load worker and of the node are off, or step."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import anyio

from ..clusters import OFFSETS_S, worker_with_clock
from ..fault import (
    AS_IT_IS,
    CLEAN,
    NEVER_DROPPING,
    NEVER_SEAMLESS,
    App,
    Fault,
    Group,
    Holds,
    Phase,
    Where,
)
from ..scene import Scene

STEPPED_S = (-10.0, 10.0)


def row(name: str, what: str, holds: Holds, **more: Any) -> Fault:
    return Fault(name=name, group=Group.CLOCK, phase=Phase.ROLLOUT, what=what, holds=holds, **more)


async def of_the_worker(scene: Scene) -> None:
    """It is off from the beginning: that it is, is looked up here."""
    (worker,) = await scene.until("load worker", scene.workers)
    assert "shift(" in await anyio.Path(f"/proc/{worker}/root/srv/clock/sitecustomize.py").read_text()


async def of_the_node(scene: Scene) -> None:
    """It is off from the beginning: that it is, is looked up here."""
    (pod, *_) = (await scene.api.list(await scene.path("pods"), labelSelector="app=web"))["items"]
    made = datetime.fromisoformat(pod["metadata"]["creationTimestamp"])
    started = datetime.fromisoformat(pod["status"]["startTime"])
    assert made.tzinfo is not None
    assert abs((started - made).total_seconds() - scene.fault.node_off_s) < 2.0, (made, started, datetime.now(UTC))


def _worker(off_s: float) -> tuple[Fault, ...]:
    what = f"the load worker's clock is {abs(off_s):g} s {'ahead' if off_s > 0 else 'behind'}"
    name, image = f"worker-clock{off_s:+g}s", worker_with_clock(off_s)
    return (
        row(name, what, AS_IT_IS, inject=of_the_worker, worker_image=image),
        row(name, what, CLEAN, inject=of_the_worker, worker_image=image, app=App.MITIGATED),
    )


def _stepping_worker(off_s: float) -> Fault:
    what = f"the load worker's clock steps by {off_s:+g} s, 6 s after it started"
    image = worker_with_clock(off_s, 6.0)
    return row(f"worker-clock-steps{off_s:+g}s", what, NEVER_SEAMLESS, inject=of_the_worker, worker_image=image)


def _node(off_s: float) -> tuple[Fault, ...]:
    what = f"the node's clock is {abs(off_s):g} s {'ahead' if off_s > 0 else 'behind'}"
    name = f"node-clock{off_s:+g}s"
    given: dict[str, Any] = {"inject": of_the_node, "node_off_s": off_s, "where": Where.ALONE}
    return (row(name, what, NEVER_SEAMLESS, **given), row(name, what, NEVER_DROPPING, app=App.MITIGATED, **given))


ROWS = (
    *(each for off_s in OFFSETS_S for each in _worker(off_s)),
    *(_stepping_worker(off_s) for off_s in STEPPED_S),
    *(each for off_s in OFFSETS_S for each in _node(off_s)),
)
