"""What a user may ask of the sandbox -> one frozen record, which travels as JSON to the processes of the sandbox."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from harness.sandbox.balancer.settings import BalancerSettings
from harness.sandbox.images import Image, lookup
from harness.sandbox.netns import MOST_NODES

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_ADDRESSES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How big the sandbox is and how it behaves.

    `proxy_min_sync_period_s`: kube-proxy's cool-down between two syncs, 0 = every change at once. `truth`: a file
    that receives what really happened as JSON lines (`instruments`), for tests of the analysis alone; None = not
    written. `client_addresses`: source addresses of the client host, per node through which they enter. `images`: a
    user's own. `balancer`: what Services of type LoadBalancer get; None = they stay pending. `container_log_max_bytes`,
    `container_log_look_s`: a container's log that is larger is rotated when its kubelet looks, as often
    (`containerLogMaxSize`, `containerLogMonitorInterval`). `rootless` is set by whoever starts the sandbox: nginx then
    runs as the namespace's root.
    """

    proxy_min_sync_period_s: float = 1.0
    nodes: int = 1
    images: tuple[Image, ...] = ()
    truth: Path | None = None
    client_addresses: int = 4
    balancer: BalancerSettings | None = None
    container_log_max_bytes: int = 1 << 20
    container_log_look_s: float = 10.0
    rootless: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.proxy_min_sync_period_s <= 3600:
            raise ValueError(f"proxy_min_sync_period_s must be between 0 and 3600, not {self.proxy_min_sync_period_s}")
        if not 1 <= self.nodes <= MOST_NODES:
            raise ValueError(f"nodes must be between 1 and {MOST_NODES}, not {self.nodes}")
        if not 1 <= self.client_addresses <= _MOST_ADDRESSES:
            raise ValueError(f"client_addresses must be between 1 and {_MOST_ADDRESSES}, not {self.client_addresses}")

    def image(self, name: str) -> Image | None:
        """The image `name`, or None where the sandbox does not know it."""
        return lookup(name, self.images, rootless=self.rootless)

    def stand_in(self, name: str) -> bool:
        """Whether a stand-in runs under the image `name`."""
        if not any(image.stand_in for image in self.images):
            return False
        found = self.image(name)
        return found is not None and found.stand_in

    def unknown_images(self, manifests: Iterable[dict[str, Any]]) -> tuple[str, ...]:
        """The images in `manifests` that the sandbox cannot run, each once, in the order of their appearance."""
        names = (name for manifest in manifests for name in _image_names(manifest))
        return tuple(dict.fromkeys(name for name in names if self.image(name) is None))

    def to_json(self) -> str:
        """One line of JSON."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        fields["images"] = [image.to_json() for image in self.images]
        fields["balancer"] = None if self.balancer is None else self.balancer.to_json()
        fields["truth"] = None if self.truth is None else str(self.truth.absolute())
        return json.dumps(fields)

    @classmethod
    def from_json(cls, line: str) -> Self:
        """The inverse of `to_json`."""
        fields = json.loads(line)
        fields["images"] = tuple(Image.from_json(image) for image in fields["images"])
        fields["balancer"] = None if fields["balancer"] is None else BalancerSettings.from_json(fields["balancer"])
        fields["truth"] = None if fields["truth"] is None else Path(fields["truth"])
        return cls(**fields)


def _image_names(manifest: dict[str, Any]) -> Iterable[str]:
    spec = manifest.get("spec") or {}
    template = spec.get("jobTemplate", {}).get("spec", spec).get("template") if manifest.get("kind") != "Pod" else None
    pod = spec if manifest.get("kind") == "Pod" else (template or {}).get("spec") or {}
    for container in (*(pod.get("initContainers") or ()), *(pod.get("containers") or ())):
        if container.get("image"):
            yield container["image"]
