"""A context of a kubeconfig -> a Cluster: any that the official client can reach."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

from harness.clusters.cluster import ClientHost, Given
from harness.clusters.data_plane import proxy_facts
from harness.clusters.pod import PodWorker, pod_worker
from harness.clusters.worker_objects import STOCK_IMAGE
from harness.errors import ClusterError, HarnessError
from harness.kube.client import Kube
from harness.kube.connection import from_context
from harness.model.providers import CONTEXT
from harness.model.run import ClusterFacts


class KubeconfigCluster:
    """A Cluster that someone else runs; load comes from a Pod in it.

    `whole`: the command that takes the cluster itself down, where it was made for this run.
    """

    def __init__(self, kube: Kube, facts: ClusterFacts, given: Given, *, whole: str = "") -> None:
        self.kube, self._whole = kube, whole
        self.facts = facts
        self.client = ClientHost(same_machine=False)
        self._worker_image, self._tell = given.worker_image or STOCK_IMAGE, given.tell

    def worker(
        self, namespace: str, plan: str, labels: Mapping[str, str], *, away_from: Mapping[str, Any] | None = None
    ) -> AbstractAsyncContextManager[PodWorker]:
        """A Pod of the worker image."""
        return pod_worker(
            self.kube,
            namespace,
            plan,
            image=self._worker_image,
            labels=labels,
            away_from=away_from,
            tell=self._tell,
        )

    def check(self, manifests: tuple[Mapping[str, Any], ...]) -> None:
        """Nothing: what its images hold is found out where they are started."""

    async def bring(self, images: tuple[str, ...]) -> None:
        """Nothing: its nodes pull them."""

    async def export_logs(self, folder: Path) -> bool:
        """False: its nodes are somebody else's."""
        return False

    def server(self, images: tuple[str, ...]) -> str | None:
        """None: what a cluster's images hold is not the harness's to know."""
        return None

    def standing(self) -> tuple[str, ...]:
        """What removes the objects; of a cluster that was made for this run, the cluster."""
        return (self._whole,) if self._whole else self.kube.standing.commands(self.kube.kubectl)

    async def died(self) -> HarnessError:
        """Never returns: a cluster that does not answer is noticed where it is asked."""
        await anyio.sleep_forever()
        raise AssertionError


def provided(settings: str | None, given: Given) -> AbstractAsyncContextManager[KubeconfigCluster]:
    """The context with this name; see `context_cluster`."""
    return context_cluster(settings, given)


@asynccontextmanager
async def context_cluster(
    context: str | None, given: Given, *, kind: str | None = None
) -> AsyncIterator[KubeconfigCluster]:
    """The cluster behind a context of the user's kubeconfig; the current one where none is named.

    `kind`: the provider that reports name, where it is another than the context.

    Raises:
        ClusterError: unknown context, or the cluster does not answer.
    """
    async with from_context(context) as kube:
        kind = kind or (f"{CONTEXT}:{context}" if context else CONTEXT)
        yield KubeconfigCluster(kube, await cluster_facts(kube, kind), given)


async def cluster_facts(kube: Kube, kind: str) -> ClusterFacts:
    """What the API tells of the cluster. What cannot be read stays None.

    Raises:
        ClusterError: the API does not even tell its version.
    """
    version = await kube.version()
    try:
        nodes: int | None = len(await kube.list("v1", "Node"))
    except ClusterError:  # ordinary users may not list nodes
        nodes = None
    return ClusterFacts(kind=kind, kubernetes=version, nodes=nodes, proxy=await proxy_facts(kube))
