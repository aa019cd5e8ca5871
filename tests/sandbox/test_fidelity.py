"""The sandbox held against recordings of a real Kubernetes: the same is done to it, and what must hold holds.

All recordings are replayed on one sandbox, each in a namespace of its own, some at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest
from needs import missing

from harness.clusters.sandbox import sandbox_cluster
from harness.errors import HarnessError
from harness.model.cluster_settings import SandboxSettings
from harness.traces.comparison import compare
from harness.traces.replay import replay, script
from harness.traces.sidebyside import side_by_side
from harness.traces.trace import Trace, read_trace

if TYPE_CHECKING:
    from harness.clusters.cluster import Cluster

RECORDINGS = Path(__file__).parents[3] / "shared" / "traces"
FILES = sorted(RECORDINGS.glob("*.jsonl"))
AT_A_TIME = 4

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.sandbox,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not FILES, reason=f"recordings are not here: {RECORDINGS.name} beside the checkout"),
    pytest.mark.skipif(bool(missing()), reason=" ".join(missing())),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A recording, what the sandbox made of it, and what went wrong."""

    recorded: Trace
    file: Path
    error: HarnessError | None


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def replays(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Replayed]:
    folder = tmp_path_factory.mktemp("replayed")
    recorded = sorted(map(read_trace, FILES), key=lambda trace: -trace.marks[-1].t)  # the longest first
    limit, done = anyio.CapacityLimiter(AT_A_TIME), dict[str, Replayed]()
    async with sandbox_cluster(SandboxSettings(), {}) as cluster, anyio.create_task_group() as tasks:
        for trace in recorded:
            tasks.start_soon(_replay, cluster, trace, folder / f"{trace.name}.jsonl", limit, done)
    return done


async def _replay(
    cluster: Cluster, trace: Trace, file: Path, limit: anyio.CapacityLimiter, done: dict[str, Replayed]
) -> None:
    error = None
    async with limit:
        with file.open("xb") as lines:
            try:
                await replay(cluster, script(trace), lines)
            except HarnessError as failed:
                error = failed
    done[trace.name] = Replayed(recorded=trace, file=file, error=error)


@pytest.mark.parametrize("name", [file.stem for file in FILES])
async def test_the_sandbox_does_what_the_real_cluster_did(name: str, replays: dict[str, Replayed]) -> None:
    replayed = replays[name]
    if replayed.error is not None:
        raise replayed.error
    comparison = compare(replayed.recorded, read_trace(replayed.file))
    text = side_by_side(comparison, width=120, only_differences=True)
    assert not comparison.differences, f"recorded against replayed:\n{text}"
