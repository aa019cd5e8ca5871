"""Images on this machine -> the same on the nodes of a kind cluster, so that no registry is needed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from harness.clusters.container_engine import Engine
from harness.clusters.kind_trouble import trouble
from harness.clusters.programs import ended
from harness.errors import ClusterError


@dataclass(slots=True, kw_only=True)
class NodeImages:
    """The images on the nodes of one cluster."""

    engine: Engine
    cluster: str
    _seen: set[str] = field(default_factory=set)

    async def bring(self, images: Iterable[str]) -> None:
        """Put those that are on this machine on all nodes, each once; the others are the nodes' to pull.

        So are those that are named by a digest: an archive of one has no name (moby/moby, image/tarexport).

        Raises:
            ClusterError: one that is here cannot be put there; nothing was rolled.
        """
        new = [image for image in dict.fromkeys(images) if image not in self._seen and "@" not in image]
        self._seen.update(new)
        nodes = await self._nodes() if new else ()
        for image in new:
            identity = await self.identity(image)
            if identity is not None and not await self._on_all(nodes, image, identity):
                await self._load(image)
                if not await self._on_all(nodes, image):
                    raise ClusterError(
                        f"putting {image} on the nodes of kind cluster {self.cluster}",
                        "it was loaded, and not every node has an image of that name",
                        "Name it in the manifest as it is named here: docker or podman image ls.",
                    )

    async def identity(self, image: str) -> str | None:
        """The image's digest on this machine; None where it is not here."""
        found = await ended(self.engine.name, "image", "inspect", "-f", "{{ .Id }}", image)
        return None if found.code else f"sha256:{found.stdout.strip().removeprefix('sha256:')}"

    async def _nodes(self) -> tuple[str, ...]:
        found = await ended("kind", "get", "nodes", "--name", self.cluster)
        if found.code:
            raise trouble(found)
        return tuple(found.stdout.split())

    async def _on_all(self, nodes: Iterable[str], image: str, identity: str = "") -> bool:
        """Whether every node has an image of that name; with `identity`, the same one."""
        for node in nodes:
            found = await ended(self.engine.name, "exec", "--privileged", node, "crictl", "inspecti", image)
            if found.code or identity not in found.stdout:
                return False
        return True

    async def _load(self, image: str) -> None:
        """By an archive of one platform: `kind load docker-image` fails on those that Docker's containerd store has in
        part (https://github.com/kubernetes-sigs/kind/issues/3795). It comes by standard output, as a Docker from snap
        sees a /tmp of its own (https://snapcraft.io/docs/snap-confinement)."""
        platform = () if self.engine.platform is None else ("--platform", self.engine.platform)
        with tempfile.TemporaryDirectory(prefix="rollout-harness-") as folder:
            archive = Path(folder) / "image.tar"
            done = await ended(self.engine.name, "image", "save", *platform, image, into=archive)
            if not done.code:
                done = await ended("kind", "load", "image-archive", str(archive), "--name", self.cluster)
            if done.code:
                raise trouble(done, f"Is there room for {image} on the nodes? loadImages: false leaves it to them.")
