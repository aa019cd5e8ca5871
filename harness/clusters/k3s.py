"""k3s in a container (testcontainers) -> a Cluster for one run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
from ruamel.yaml import YAML

from harness.clusters.cluster import Given
from harness.clusters.kubeconfig import KubeconfigCluster, cluster_facts
from harness.errors import SetupError
from harness.kube.connection import from_kubeconfig

IMAGE = "rancher/k3s:v1.33.4-k3s1"


def provided(settings: Mapping[str, Any], given: Given) -> AbstractAsyncContextManager[KubeconfigCluster]:
    """A k3s cluster of the image in the settings; see `k3s_cluster`."""
    return k3s_cluster(given, image=str(settings.get("image", IMAGE)))


@asynccontextmanager
async def k3s_cluster(given: Given, *, image: str = IMAGE) -> AsyncIterator[KubeconfigCluster]:
    """A k3s cluster that lives as long as the block.

    Raises:
        SetupError: Docker does not answer, or the container did not come up.
    """
    from testcontainers.k3s import K3SContainer

    try:
        container = await anyio.to_thread.run_sync(lambda: K3SContainer(image).start())
    except Exception as error:  # testcontainers lets the errors of docker, requests and its own through
        seen = " ".join(str(error).split()) or type(error).__name__
        raise SetupError(f"starting {image}", seen, "Is Docker up, and may this user reach it?") from error
    try:
        kubeconfig = YAML(typ="safe", pure=True).load(container.config_yaml())
        async with from_kubeconfig(kubeconfig) as kube:
            whole = f"docker rm --force --volumes {container.get_wrapped_container().id[:12]}"
            yield KubeconfigCluster(kube, await cluster_facts(kube, "k3s"), given, whole=whole)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(container.stop)
