"""k3s in a container (testcontainers) -> a Cluster for one run.

Tried against a Docker API that was played, and never on a real k3s: no image can be pulled where this is made.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from harness.clusters.cluster import Given
from harness.clusters.k3s_container import K3sContainer
from harness.clusters.kind_nodes import not_ready
from harness.clusters.kubeconfig import KubeconfigCluster, cluster_facts
from harness.clusters.worker_objects import STOCK_IMAGE
from harness.errors import ClusterError, SetupError
from harness.kube.client import Kube
from harness.kube.connection import from_kubeconfig
from harness.model.duration import duration
from harness.model.k3s_settings import K3sProxy, K3sSettings
from harness.model.run import ClusterFacts, FactSource, ProxyFacts

READY_S = 180.0
_LOOK_S = 0.5
_BUSY = "Is the machine busy, or its disk full? Its log: docker logs"
Result = TypeVar("Result")


class K3sCluster(KubeconfigCluster):
    """A Cluster whose node is a container of this machine."""

    def __init__(
        self, kube: Kube, facts: ClusterFacts, given: Given, *, node: K3sContainer, settings: K3sSettings
    ) -> None:
        super().__init__(kube, facts, given, whole="" if settings.keep else node.removal)
        self._node, self._load, self._brought = node, settings.load_images, set[str]()

    async def bring(self, images: tuple[str, ...]) -> None:
        """Put those that are on this machine on the node, each once; the others are the node's to pull.

        Raises:
            SetupError: one that is here cannot be put there.
        """
        for image in dict.fromkeys(images) if self._load else ():
            if image not in self._brought:
                self._brought.add(image)
                await _threaded(self._node.put, image)

    async def export_logs(self, folder: Path) -> bool:
        """What k3s and all that runs in its process logged."""
        await anyio.Path(folder).mkdir(parents=True)
        await anyio.Path(folder / "k3s.log").write_bytes(await _threaded(self._node.log))
        return True


def provided(settings: K3sSettings, given: Given) -> AbstractAsyncContextManager[K3sCluster]:
    """A k3s cluster with these settings; see `k3s_cluster`."""
    return k3s_cluster(settings, given)


@asynccontextmanager
async def k3s_cluster(settings: K3sSettings, given: Given) -> AsyncIterator[K3sCluster]:
    """A k3s cluster that lives as long as the block, and no longer, unless it is to be kept.

    Raises:
        SetupError: Docker does not answer, the image cannot be had, or the node is not Ready in time; nothing is left.
    """
    node = await _threaded(K3sContainer, settings)
    kept = False
    try:
        await _threaded(node.pull, given.tell)
        given.making(node.removal)
        await _threaded(node.start, given.tell)
        async with from_kubeconfig(await _kubeconfig(node)) as kube:
            await _until_ready(kube, node)
            facts = _checked(await cluster_facts(kube, "k3s"), settings.proxy, node)
            cluster = K3sCluster(kube, facts, given, node=node, settings=settings)
            await cluster.bring((given.worker_image or STOCK_IMAGE, *settings.images))
            if kept := settings.keep:
                given.tell(
                    f"k3s stays in container {node.name}: docker exec {node.name} kubectl get pods -A; "
                    f"{node.removal} removes it"
                )
            yield cluster
    finally:
        with anyio.CancelScope(shield=True):
            try:
                if not kept:
                    await _threaded(node.remove)
            finally:
                node.close()


async def _threaded(function: Callable[..., Result], *arguments: Any) -> Result:
    """What Docker answers; whoever is cancelled waits for that first, so that nothing is made behind its back."""
    return await anyio.to_thread.run_sync(function, *arguments)


async def _kubeconfig(node: K3sContainer) -> dict[str, Any]:
    until = anyio.current_time() + READY_S
    while True:
        if (found := await _threaded(node.kubeconfig)) is not None:
            return found
        if anyio.current_time() > until:
            tried = f"starting k3s in container {node.name}"
            raise SetupError(tried, f"it has written no kubeconfig within {READY_S:g} s", f"{_BUSY} {node.name}.")
        await anyio.sleep(_LOOK_S)


async def _until_ready(kube: Kube, node: K3sContainer) -> None:
    until = anyio.current_time() + READY_S
    waiting = "nothing was seen of its node"
    while waiting := await _awaited(kube, waiting):
        await _threaded(node.kubeconfig)  # it tells where the container has ended meanwhile
        if anyio.current_time() > until:
            tried, seen = f"waiting for k3s in container {node.name}", f"not ready within {READY_S:g} s"
            raise SetupError(tried, f"{seen}; last seen: {waiting}", f"{_BUSY} {node.name}.")
        await anyio.sleep(_LOOK_S)


async def _awaited(kube: Kube, before: str) -> str:
    """What is still waited for, in words; empty where nothing is."""
    try:
        nodes = await kube.list("v1", "Node")
    except ClusterError as error:  # its API is only just coming up
        return error.seen or before
    return not_ready(nodes) if nodes else "its API knows no node"


def _checked(facts: ClusterFacts, asked: K3sProxy, node: K3sContainer) -> ClusterFacts:
    """The facts, with kube-proxy as it was configured where it could not be read back.

    Raises:
        SetupError: it is not as it was asked for.
    """
    read = facts.proxy
    if read.mode is None:
        as_asked = ProxyFacts(mode=asked.mode, min_sync_period_s=asked.min_sync_period_s, source=FactSource.CONFIGURED)
        return replace(facts, proxy=as_asked)
    if (read.mode, read.min_sync_period_s) == (asked.mode, asked.min_sync_period_s):
        return facts
    period = "unknown" if read.min_sync_period_s is None else duration(read.min_sync_period_s)
    raise SetupError(
        f"using k3s in container {node.name}",
        f"kube-proxy runs in mode {read.mode} with minSyncPeriod {period}, not {asked.mode} and "
        f"{duration(asked.min_sync_period_s)}",
        "Has the image a configuration of its own (/etc/rancher/k3s/config.yaml)?",
    )
