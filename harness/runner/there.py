"""An application that is there -> the manifests that would have made it, and itself while it is rolled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

from harness.clusters.cluster import Cluster
from harness.errors import ClusterError, UsageError
from harness.kube.client import Kube
from harness.kube.errors import LeftBehind, is_not_found
from harness.manifests.application import KINDS, Application
from harness.manifests.read import Manifest
from harness.runner.changes import Changes

_OF_THE_SERVER = frozenset(
    ("creationTimestamp", "generation", "managedFields", "ownerReferences", "resourceVersion", "selfLink", "uid")
)
"""What the API server or a controller writes into an object's metadata, and no manifest holds."""


async def manifests_there(kube: Kube, namespace: str, target: str) -> tuple[Manifest, ...]:
    """The workload ("deployment/shop") and the Services of its namespace, as manifests would say them.

    Raises:
        UsageError: there is no such workload.
        ClusterError: the API does not let them be read, or does not answer.
    """
    kind, _, name = target.partition("/")
    try:
        workload = await kube.get("apps/v1", KINDS[kind], name, namespace)
    except ClusterError as error:
        if not is_not_found(error):
            raise
        raise UsageError(
            f"looking for {target} in namespace {namespace}",
            f"{kube.server} has none ({error.seen})",
            f"Those that are there: {kube.kubectl} -n {namespace} get deployments,statefulsets",
        ) from None
    services = await kube.list("v1", "Service", namespace)
    # A list leaves out of its items what it says itself.
    return (as_manifest(workload), *({"apiVersion": "v1", "kind": "Service", **as_manifest(s)} for s in services))


def as_manifest(found: dict[str, Any]) -> Manifest:
    """An object of the API without what the server and the controllers have added to say how it is.

    >>> as_manifest({"kind": "Service", "metadata": {"name": "web", "uid": "1"}, "spec": {}, "status": {}})
    {'kind': 'Service', 'metadata': {'name': 'web'}, 'spec': {}}
    """
    metadata = {key: value for key, value in found["metadata"].items() if key not in _OF_THE_SERVER}
    return {**{key: value for key, value in found.items() if key != "status"}, "metadata": metadata}


@asynccontextmanager
async def standing(
    cluster: Cluster, application: Application, namespace: str, folder: Path
) -> AsyncIterator[tuple[dict[str, Any], Changes]]:
    """The workload as the API has it now, and the changes that the block makes of it, which are taken back at its end.

    Nothing is created, and nothing deleted. `folder`: the scenario's.

    Raises:
        ClusterError: it is gone, or the API does not answer.
        LeftBehind: what was changed is not as it was before; says why, and what to do.
    """
    found = await cluster.kube.get("apps/v1", application.kind, application.name, namespace)
    changes = Changes(cluster.kube, found, cluster=cluster.facts.kind, folder=folder)
    try:
        yield found, changes
    except BaseException as error:
        with anyio.CancelScope(shield=True):
            try:
                await changes.end()
            except LeftBehind as left:  # what went wrong first must be said first
                error.add_note(str(left))
        raise
    with anyio.CancelScope(shield=True):
        await changes.end()
