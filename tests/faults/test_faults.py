"""Every row of the table: the fault happens in a real run, and what the row says holds.

The quick rows run in `make test`, all of them by `make faults`, which writes docs/reliability.md of what was seen.
"""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from zlib import crc32

import pytest
from stalled import again_where_stalled, unless_stalled

from .clusters import Target, alone
from .fault import INCONCLUSIVE, Fault, Where
from .holding import seen
from .page import line
from .proxy import Proxy
from .scene import Scene, play
from .table import ROWS

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(360), again_where_stalled]


def _row(fault: Fault) -> object:
    return pytest.param(fault, id=fault.id, marks=() if fault.quick else pytest.mark.slow)


@pytest.mark.parametrize("fault", [_row(fault) for fault in ROWS])
async def test_what_must_hold_holds(
    fault: Fault, target: Target, tmp_path: Path, repository: Path, record_property: pytest.RecordProperty
) -> None:
    name = f"f{crc32(fault.id.encode()):08x}"
    async with AsyncExitStack() as held:
        cluster: Target | None = target
        if fault.where is Where.ALONE:
            cluster = await held.enter_async_context(alone(fault, tmp_path))
        elif fault.where is Where.EMBEDDED:
            cluster = None
        proxy = None
        if cluster is not None:
            proxy = await held.enter_async_context(Proxy.before(cluster.sandbox.kubeconfig))
        scene = Scene(fault=fault, name=name, folder=tmp_path, target=cluster, proxy=proxy)
        await play(scene, repository)
        found = await seen(scene)
        if cluster is target:
            await cluster.forget(f"rollout-{name}-")
    if found.wrong and INCONCLUSIVE not in fault.holds.verdicts:
        unless_stalled(found.reason)
    record_property("fault", json.dumps(asdict(line(fault, found))))
    assert not found.wrong, "\n".join([*found.wrong, "", "its stderr:", *scene.stderr[-25:]])


def test_names_are_told_apart() -> None:
    names = [fault.id for fault in ROWS]
    assert len(names) == len(set(names))


def test_there_are_at_least_60_kinds_of_fault() -> None:
    assert len({fault.name for fault in ROWS}) >= 60
