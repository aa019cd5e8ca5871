"""A scenario, and where its load goes -> its load workers, started side by side, gone when the block is left."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import anyio.abc

from harness.clusters.cluster import ClientHost, Cluster, Worker
from harness.clusters.worker_objects import START_TIMEOUT_S
from harness.load import PORTS, SIGN_PORT, Plan, plan_json, split
from harness.runner.outside_address import Destination
from harness.runner.planned_time import LOAD_LEAD_S, longest_load_s
from harness.runner.ports import rotated, source_addresses
from harness.runner.scenario import Scenario, load_plan
from harness.runner.timeline import Timeline

HOLD_S = START_TIMEOUT_S + 30.0
"""A worker waits for the others as long as their Pods may take to run, and some more."""


def planned(
    client: ClientHost, scenario: Scenario, to: Destination, place: tuple[int, int], timeline: Timeline
) -> Plan:
    """What all workers of the scenario together send from now on. `place`: of the scenario among those of the run."""
    quiet_s = timeline.writer.info.quiet_s or 0.0
    plan = load_plan(
        scenario.experiment,
        to=to,
        source_addresses=source_addresses(client, scenario.experiment.load),
        ports=rotated(PORTS, *place),
        t0_monotonic_ns=timeline.t0_ns if client.same_machine else None,
        own_clock=not client.same_machine,
        start_s=timeline.now() + LOAD_LEAD_S,
    )
    longest_s = longest_load_s(scenario.experiment, scenario.rollouts, quiet_s)
    return replace(plan, duration_s=longest_s, sign_port=None if client.same_machine else SIGN_PORT)


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
