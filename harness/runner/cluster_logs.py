"""A cluster on which something could not be judged -> its nodes' logs in the run's folder, while it is still there."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import anyio.to_thread

from harness.clusters.cluster import Cluster
from harness.errors import HarnessError
from harness.store.cluster_logs import write_logs


async def keep_logs(cluster: Cluster, folder: Path, tell: Callable[[str], None]) -> None:
    """Write them, where they are the harness's to have, and tell where; what cannot be had is told."""
    with tempfile.TemporaryDirectory(prefix="rollout-harness-") as scratch:
        logs = Path(scratch) / "logs"
        try:
            if await cluster.export_logs(logs):
                place = await anyio.to_thread.run_sync(partial(write_logs, logs, folder))
                tell(f"the logs of the cluster's nodes are in {place}")
        except (HarnessError, OSError) as error:
            tell(f"mind: the logs of the cluster's nodes could not be had: {error}")
