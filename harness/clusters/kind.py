"""kind (Kubernetes in Docker) -> a Cluster: the one that scripts/kind-up.sh made, or one of its own for this run."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio

from harness.clusters.cluster import Given
from harness.clusters.full_image import full_image
from harness.clusters.kubeconfig import KubeconfigCluster, cluster_facts
from harness.errors import ClusterError, SetupError
from harness.kube.connection import from_kubeconfig_file

DEFAULT_NAME = "rollout-harness"
_CREATE_TIMEOUT_S = 300.0


def provided(settings: Mapping[str, Any], given: Given) -> AbstractAsyncContextManager[KubeconfigCluster]:
    """A kind cluster with these settings; see `kind_cluster`."""
    return kind_cluster(settings, given)


@asynccontextmanager
async def kind_cluster(settings: Mapping[str, Any], given: Given) -> AsyncIterator[KubeconfigCluster]:
    """The kind cluster named in the settings; one that did not exist is made, and deleted when the block is left.

    Without an image for the load worker the full one is built, as Docker is there.

    Raises:
        SetupError: Docker or kind is missing, or the cluster did not come up.
    """
    name = str(settings.get("name", DEFAULT_NAME))
    for program, where in (("docker", "https://docs.docker.com/engine/install"), ("kind", "https://kind.sigs.k8s.io")):
        if shutil.which(program) is None:
            raise SetupError("starting a kind cluster", f"{program} is not installed", f"See {where}.")
    existed = name in (await _run("kind", "get", "clusters")).split()
    with tempfile.TemporaryDirectory(prefix="rollout-harness-") as folder:
        kubeconfig = Path(folder) / "kubeconfig"
        try:
            if not existed:
                await _run(
                    "kind", "create", "cluster", "--name", name, "--wait", "120s", "--kubeconfig", str(kubeconfig)
                )
            else:
                await _run("kind", "export", "kubeconfig", "--name", name, "--kubeconfig", str(kubeconfig))
            if given.worker_image is not None:
                await _run("kind", "load", "docker-image", given.worker_image, "--name", name)
            else:
                given = replace(given, worker_image=await full_image(_run, name, given.tell))
            async with from_kubeconfig_file(kubeconfig) as kube:
                kube.kubectl = f"kubectl --context kind-{name}"
                whole = "" if existed else f"kind delete cluster --name {name}"
                yield KubeconfigCluster(kube, await cluster_facts(kube, "kind"), given, whole=whole)
        finally:
            if not existed:
                with anyio.move_on_after(60, shield=True):
                    await _run("kind", "delete", "cluster", "--name", name)


async def _run(*command: str, stdin: Path = Path(os.devnull)) -> str:
    """What a command prints that reads this file. Raises ClusterError with the last line of its standard error."""
    tried = f"running `{' '.join(command[:4])}`"
    try:
        # A file and no pipe: who fails before it has read leaves a pipe broken.
        with anyio.fail_after(_CREATE_TIMEOUT_S), stdin.open("rb") as given:
            done = await anyio.run_process(list(command), stdin=given, check=False, env=dict(os.environ))
    except TimeoutError:
        raise ClusterError(tried, f"it did not end within {_CREATE_TIMEOUT_S:g} s", "Is Docker up?") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["it printed nothing"]
        raise ClusterError(tried, f"it ended with {done.returncode}: {lines[-1]}", "Is Docker up?")
    return done.stdout.decode(errors="replace")
