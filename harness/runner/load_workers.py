"""A plan and a number of workers -> so many load workers at work, started side by side, gone when the block is left."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import anyio.abc

from harness.clusters.cluster import Cluster, Worker
from harness.clusters.worker_objects import START_TIMEOUT_S
from harness.load import Plan, plan_json, split

HOLD_S = START_TIMEOUT_S + 30.0
"""A worker waits for the others as long as their Pods may take to run, and some more."""


def plans(plan: Plan, workers: int) -> tuple[Plan, ...]:
    """One for each worker. Those with a clock of their own, in Pods, wait to be told when to begin, and each has an
    address of its own with all its ports."""
    if workers == 1:
        return (plan,)
    parts = split(plan, workers)
    return tuple(replace(part, ports=plan.ports, hold_s=HOLD_S) for part in parts) if plan.own_clock else parts


@asynccontextmanager
async def load_workers(
    cluster: Cluster,
    namespace: str,
    plans: tuple[Plan, ...],
    labels: Mapping[str, str],
    *,
    away_from: Mapping[str, Any] | None = None,
) -> AsyncIterator[tuple[Worker, ...]]:
    """The workers, all of which run.

    Raises:
        LoadError: one did not start.
        ClusterError: the API refused one.
    """
    if len(plans) == 1:
        async with cluster.worker(namespace, plan_json(plans[0]), labels, away_from=away_from) as worker:
            yield (worker,)
        return
    found: dict[int, Worker] = {}
    over = anyio.Event()

    async def keep(plan: Plan, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        async with cluster.worker(namespace, plan_json(plan), labels, away_from=away_from) as worker:
            found[plan.worker] = worker
            task_status.started()
            with anyio.CancelScope(shield=True):  # what is in flight when someone presses Ctrl-C is still recorded
                await over.wait()

    async with anyio.create_task_group() as tasks:
        try:
            async with anyio.create_task_group() as starting:
                for plan in plans:
                    starting.start_soon(tasks.start, keep, plan)
            yield tuple(found[plan.worker] for plan in plans)
        finally:
            over.set()
