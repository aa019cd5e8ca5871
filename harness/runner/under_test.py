"""A scenario -> its application in a namespace, deployed for the run and deleted, or there before it and put back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from harness.clusters.cluster import Cluster
from harness.kube.ownership import Ownership
from harness.runner.changes import Changes
from harness.runner.deployment import deployed
from harness.runner.scenario import Scenario
from harness.runner.there import standing


@asynccontextmanager
async def under_test(
    cluster: Cluster,
    scenario: Scenario,
    namespace: str,
    ownership: Ownership,
    *,
    folder: Path,
    warn: Callable[[str], None],
    keep: bool,
) -> AsyncIterator[tuple[dict[str, Any], Changes | None]]:
    """The workload as the API has it; of one that is not ours, the changes that the run makes of it.

    `folder`: the scenario's. `warn`, `keep`: as `deployed` takes them.

    Raises:
        ClusterError: it cannot be deployed, or is gone.
        LeftBehind: what was created is not gone, or what was changed is not as it was before.
    """
    experiment = scenario.experiment
    if experiment.is_there:
        async with standing(cluster, scenario.application, namespace, folder) as found:
            yield found
        return
    async with deployed(
        cluster.kube,
        scenario.application,
        namespace,
        ownership,
        files=experiment.manifests,
        warn=warn,
        keep=keep,
    ) as workload:
        yield workload, None
