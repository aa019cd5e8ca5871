"""The embedded sandbox -> a Cluster: nothing is needed but Linux, nginx, nftables and iproute2."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from harness.clusters.cluster import ClientHost
from harness.clusters.process import WORKER_COMMAND, ProcessWorker, process_worker
from harness.errors import HarnessError, SandboxError, UsageError
from harness.kube.client import Kube, from_kubeconfig
from harness.model.experiment import SandboxImage, SandboxSettings
from harness.model.run import ClusterFacts, FactSource, ProxyFacts
from harness.sandbox.apiserver.resources import resource_of
from harness.sandbox.embedded import Sandbox
from harness.sandbox.errors import SandboxFailed
from harness.sandbox.images import Image, lookup
from harness.sandbox.settings import Settings

# What every container sees of the machine anyway.
_EVERYWHERE = frozenset({"/usr", "/usr/local", "/bin", "/usr/bin", "/sbin", "/usr/sbin"})


def _nowhere(_: Mapping[str, Any]) -> str:
    return ""


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
        """Refuse what is not in the sandbox's tables of images and kinds."""
        check_manifests(self._sandbox.settings, manifests)

    def server(self, images: tuple[str, ...]) -> str | None:
        """This machine's nginx under every nginx tag; the commands that the experiment gives for other images."""
        own = self._sandbox.settings.images
        commands = [name for name in images if lookup(name, own) in own]
        rest = [name for name in images if name not in commands]
        said = [f"nginx {self._sandbox.facts.nginx} of this machine under every nginx tag"] if rest else []
        said += [f"the experiment's command under {name}" for name in sorted(commands)]
        return " and ".join(said)

    async def died(self) -> HarnessError:
        """Return when a component of the sandbox died."""
        return _translated(await self._sandbox.wait_died())


@asynccontextmanager
async def sandbox_cluster(
    settings: SandboxSettings, images: Mapping[str, SandboxImage], *, truth: Path | None = None
) -> AsyncIterator[SandboxCluster]:
    """A sandbox that lives as long as the block.

    Raises:
        SandboxError: this machine lacks something, or the sandbox did not come up.
    """
    try:
        async with (
            Sandbox.start(wanted_settings(settings, images, truth=truth)) as sandbox,
            from_kubeconfig(sandbox.kubeconfig) as kube,
        ):
            yield SandboxCluster(sandbox, kube)
    except SandboxFailed as failed:
        raise _translated(failed) from failed


def wanted_settings(
    settings: SandboxSettings, images: Mapping[str, SandboxImage], *, truth: Path | None = None
) -> Settings:
    """What the sandbox is told of an experiment."""
    return Settings(
        proxy_min_sync_period_s=settings.proxy.period_s,
        nodes=settings.nodes,
        images=tuple(_image(name, image) for name, image in images.items()),
        truth=truth,
    )


def check_manifests(
    settings: Settings, manifests: Iterable[Mapping[str, Any]], *, place: Callable[[Mapping[str, Any]], str] = _nowhere
) -> None:
    """Refuse images and kinds that a sandbox of these settings does not know; it need not be up.

    `place`: where an object comes from, to be told with it.

    Raises:
        UsageError: names them.
    """
    manifests = tuple(manifests)
    unknown = settings.unknown_images(map(dict, manifests))
    if unknown:
        raise UsageError(
            "checking the images",
            f"the sandbox does not know {', '.join(unknown)}",
            "It knows nginx:*; add others under `images:` in the experiment, with the command to run.",
        )
    whole = (each for each in manifests if "apiVersion" in each)
    strange = [
        f"{each['apiVersion']} {each['kind']} ({each['metadata']['name']}{place(each)})"
        for each in whole
        if resource_of(each["apiVersion"], each["kind"]) is None
    ]
    if strange:
        raise UsageError(
            "checking the kinds of the manifests",
            f"the sandbox does not have {', '.join(strange)}",
            "Leave them out of the experiment's manifests, or use a cluster that has them.",
        )


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
