"""Scenarios on a workload that others may test too -> the workload claimed for them, while they run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio

from harness.errors import ClusterError
from harness.kube.client import Kube
from harness.kube.errors import is_not_found
from harness.kube.lease import Lease, lease_name
from harness.kube.ownership import new_ownership
from harness.runner.planned_time import longest_run_s
from harness.runner.scenario import Scenario


@asynccontextmanager
async def claimed(kube: Kube, scenarios: Sequence[Scenario], folder: Path) -> AsyncIterator[Lease | None]:
    """The Lease on the target in the namespace that the experiment names; None where each scenario makes its own.

    `folder`: the experiment's, which the Lease names.

    Raises:
        Taken: another run has it; nothing was changed.
        ClusterError: the API refused it, or did not answer.
    """
    if not scenarios or scenarios[0].experiment.namespace is None:
        yield None
        return
    lease = _lease(kube, scenarios, folder)
    try:
        await lease.take()
    except ClusterError as error:
        if not is_not_found(error):
            raise
        yield None  # the namespace is still to be made: nobody else can be in it
        return
    try:
        yield lease
    finally:
        with anyio.CancelScope(shield=True), suppress(ClusterError):  # should it stay, it expires by itself
            await lease.leave()


def _lease(kube: Kube, scenarios: Sequence[Scenario], folder: Path) -> Lease:
    experiment, application = scenarios[0].experiment, scenarios[0].application
    namespace = str(experiment.namespace)
    lasting_s = sum(longest_run_s(each.experiment, each.rollouts, each.experiment.quiet_s or 0.0) for each in scenarios)
    return Lease(
        kube=kube,
        namespace=namespace,
        name=lease_name(application.kind, application.name),
        what=f"{experiment.target} in namespace {namespace}",
        experiment=experiment.name,
        owner=new_ownership(lasting_s),
        records=str(folder.absolute()),
    )
