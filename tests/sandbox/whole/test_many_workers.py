"""Load workers in Pods of two nodes whose logs are rotated: every row comes back."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import anyio
import pytest
from wholecluster import Cluster, cluster_of

from harness.clusters import pod_log
from harness.clusters.cluster import Given
from harness.clusters.kubeconfig import KubeconfigCluster
from harness.clusters.pod import PodWorker
from harness.kube.client import Kube
from harness.kube.connection import from_kubeconfig
from harness.kube.errors import NoAnswer
from harness.load import SIGN_PORT, Plan, Stream
from harness.model.request import COLUMNS
from harness.model.run import ClusterFacts
from harness.runner.load_session import LoadSession
from harness.runner.load_workers import load_workers, plans
from harness.sandbox.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]


class Paper:
    """A run directory that keeps the rows, and what run.json is told."""

    def __init__(self) -> None:
        self.rows: list[list[bytes]] = []
        self.told: dict[str, Any] = {}

    def requests(self, rows: list[bytes]) -> None:
        self.rows += [row.split(b",") for row in rows]

    def update(self, **changes: Any) -> None:
        self.told |= changes

    def worker_second(self, _: dict[str, Any]) -> None:
        """Seconds are not kept."""


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Each log breaks off once, and is asked for again after rotations; how many lines the workers were asked for."""
    stream, again, asked, cut = Kube.stream, PodWorker._again, [], set()

    @asynccontextmanager
    async def broken(kube: Kube, path: str, *more: Any, **options: Any) -> AsyncIterator[AsyncIterator[bytes]]:
        async with stream(kube, path, *more, **options) as lines:
            yield some(path, lines)

    async def some(path: str, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        number = 0
        async for line in lines:
            number += 1
            if number == 200 and path not in cut:
                cut.add(path)
                raise NoAnswer("GET log", "cut")
            yield line

    async def counted(worker: PodWorker, start: int, end: int) -> list[str]:
        lines = await again(worker, start, end)
        asked.append(len(lines))
        return lines

    monkeypatch.setattr(Kube, "stream", broken)
    monkeypatch.setattr(PodWorker, "_again", counted)
    monkeypatch.setattr(pod_log, "_PAUSE_S", 3.5)
    return asked


async def loaded(
    cluster: Cluster, nginx: Callable[..., Any], *, rate: float, for_s: float
) -> tuple[Paper, LoadSession]:
    """What four workers record of a pod of nginx."""
    await cluster.create(nginx("web"))
    pod = await cluster.pod("web", lambda pod: (pod.get("status") or {}).get("phase") == "Running")
    streams = (Stream(name="kept", rate_per_s=4 * rate, connections=16),)
    plan = Plan(
        url=f"http://{pod['status']['podIP']}/",
        streams=streams,
        own_clock=True,
        sign_port=SIGN_PORT,
        start_s=1.0,
        duration_s=for_s,
    )
    paper, zero = Paper(), time.monotonic()
    async with from_kubeconfig(cluster.sandbox.kubeconfig) as kube:
        on = KubeconfigCluster(kube, ClusterFacts(kind="context"), Given())
        async with load_workers(on, "default", plans(plan, 4), {}) as workers:
            session = LoadSession(
                workers, cast("Any", paper), lambda: time.monotonic() - zero, own_clock=True, stopping=True
            )
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(session.follow)
                await session.begin(1.0, deadline_s=60.0)
    return paper, session


async def test_no_row_is_lost_over_rotations_and_logs_that_break_off_between_them(
    nginx: Callable[..., Any], fetched: list[int]
) -> None:
    await no_row_is_lost(nginx, rate=50.0, for_s=12.0, limit_bytes=20_000, look_s=1.0)
    assert sum(fetched) > 100, "what stood in the files that were rotated away came from the workers"


@pytest.mark.slow
async def test_no_row_of_120_000_is_lost_over_three_rotations_of_a_mebibyte(nginx: Callable[..., Any]) -> None:
    await no_row_is_lost(nginx, rate=500.0, for_s=60.0, limit_bytes=1 << 20, look_s=10.0)


async def no_row_is_lost(
    nginx: Callable[..., Any], *, rate: float, for_s: float, limit_bytes: int, look_s: float
) -> None:
    """... and all begin in step."""
    settings = Settings(nodes=2, container_log_max_bytes=limit_bytes, container_log_look_s=look_s)
    async with cluster_of(settings) as cluster:
        paper, session = await loaded(cluster, nginx, rate=rate, for_s=for_s)
    wanted = round(rate * for_s)
    assert not [(one.number, one.lost) for one in session.followed if one.lost]
    assert [end.requests for end in sorted(session.ends, key=lambda end: end.worker)] == [{"kept": wanted}] * 4
    keys = Counter((row[COLUMNS.index("worker")], row[COLUMNS.index("seq")]) for row in paper.rows)
    assert len(keys) == len(paper.rows) == 4 * wanted
    assert {one.record.node for one in session.followed} == {"node1", "node2"}
    due = {}
    for row in paper.rows:
        worker, at = row[COLUMNS.index("worker")], float(row[COLUMNS.index("scheduled")])
        due[worker] = min(at, due.get(worker, at))
    clocks = session.clocks()
    assert max(due.values()) - min(due.values()) < 1 / rate + 2 * max(clock.uncertainty_s for clock in clocks)
    # Each log was rotated at least three times: one file holds no more than the limit and what comes between two looks.
    assert all(end.requests["kept"] * 130 > 3 * limit_bytes for end in session.ends)
