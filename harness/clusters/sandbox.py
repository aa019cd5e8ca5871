"""The embedded sandbox -> a Cluster: nothing is needed but Linux, nginx, nftables and iproute2."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from harness.clusters.cluster import ClientHost, Given
from harness.clusters.process import WORKER_COMMAND, ProcessWorker, process_worker
from harness.errors import HarnessError, SandboxError, UsageError
from harness.kube.client import Kube, from_kubeconfig
from harness.model.experiment import SandboxImage, SandboxSettings
from harness.model.run import ClusterFacts, FactSource, ProxyFacts
from harness.sandbox.embedded import Sandbox
from harness.sandbox.errors import SandboxFailed
from harness.sandbox.images import Image
from harness.sandbox.settings import Settings

# What every container sees of the machine anyway.
_EVERYWHERE = frozenset({"/usr", "/usr/local", "/bin", "/usr/bin", "/sbin", "/usr/sbin"})


class SandboxCluster:
    """A Cluster whose client host is a network namespace of this machine."""

    def __init__(self, sandbox: Sandbox, kube: Kube) -> None:
        self._sandbox = sandbox
        self.kube = kube
        self.client = ClientHost(source_addresses=sandbox.client_addresses)
        known = sandbox.facts
        self.facts = ClusterFacts(
            kind="sandbox",
            kubernetes=known.kubernetes,
            nodes=len(known.nodes),
            proxy=ProxyFacts(
                mode=known.proxy_mode,
                min_sync_period_s=known.proxy_min_sync_period_s,
                source=FactSource.CONFIGURED,
            ),
        )

    def worker(self, namespace: str, plan: str) -> AbstractAsyncContextManager[ProcessWorker]:
        """A process on the client host; namespaces of Kubernetes do not matter there."""
        return process_worker(self._sandbox.client_command(WORKER_COMMAND), plan)

    def check(self, manifests: tuple[Mapping[str, Any], ...]) -> None:
        """Refuse images that are not in the sandbox's table."""
        unknown = self._sandbox.settings.unknown_images(map(dict, manifests))
        if unknown:
            raise UsageError(
                "checking the images",
                f"the sandbox does not know {', '.join(unknown)}",
                "It knows nginx:*; add others under `images:` in the experiment, with the command to run.",
            )

    def server(self, images: tuple[str, ...]) -> str | None:
        """This machine's nginx under every nginx tag; the commands that the experiment gives for other images."""
        own = {image.name for image in self._sandbox.settings.images}
        said = [f"nginx {self._sandbox.facts.nginx} of this machine under every nginx tag"] * (not set(images) <= own)
        said += [f"the experiment's command under {name}" for name in sorted(own & set(images))]
        return " and ".join(said)

    async def died(self) -> HarnessError:
        """Return when a component of the sandbox died."""
        return _translated(await self._sandbox.wait_died())


def provided(settings: SandboxSettings, given: Given) -> AbstractAsyncContextManager[SandboxCluster]:
    """A sandbox with these settings; see `sandbox_cluster`."""
    return sandbox_cluster(settings, given.images, truth=given.truth)


@asynccontextmanager
async def sandbox_cluster(
    settings: SandboxSettings, images: Mapping[str, SandboxImage], *, truth: Path | None = None
) -> AsyncIterator[SandboxCluster]:
    """A sandbox that lives as long as the block.

    Raises:
        SandboxError: this machine lacks something, or the sandbox did not come up.
    """
    wanted = Settings(
        proxy_min_sync_period_s=settings.proxy.period_s,
        nodes=settings.nodes,
        images=tuple(_image(name, image) for name, image in images.items()),
        truth=truth,
    )
    try:
        async with Sandbox.start(wanted) as sandbox, from_kubeconfig(sandbox.kubeconfig) as kube:
            yield SandboxCluster(sandbox, kube)
    except SandboxFailed as failed:
        raise _translated(failed) from failed


def _image(name: str, image: SandboxImage) -> Image:
    command = tuple(word.replace("{python}", sys.executable) for word in image.command)
    places = (sys.prefix, sys.base_prefix, *(str(Path(word).parent) for word in command if Path(word).is_file()))
    return Image(
        name=name,
        command=command,
        env=tuple(image.env.items()),
        stop_signal=image.stop_signal,
        shared=tuple(dict.fromkeys(place for place in places if place not in _EVERYWHERE)),
    )


def _translated(failed: SandboxFailed) -> SandboxError:
    return SandboxError(failed.tried, failed.seen, failed.do)
