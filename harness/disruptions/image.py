"""`update: {image: {web: [web:2, web:1]}}` -> rollouts to other images, in turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.disruptions.disruption import Step, patching
from harness.manifests.application import Application
from harness.manifests.patch import image_patch, image_sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageUpdate:
    """A Disruption by other images, as `kubectl set image` does it."""

    images: tuple[dict[str, str], ...]
    sidecars: frozenset[str] = frozenset()  # the native ones among the containers

    @property
    def words(self) -> str:
        """The images."""
        return "to " + " and ".join(dict.fromkeys(" ".join(images.values()) for images in self.images))

    def step(self, rollout: int) -> Step:
        """Give the containers the images of this rollout."""
        return patching(image_patch(self.images[rollout], self.sidecars))


def planned(application: Application, turns: Mapping[str, tuple[str, ...]], rollouts: int) -> ImageUpdate:
    """The images of each rollout.

    Raises:
        ManifestError: a container is not in the application, or a rollout would change nothing.
    """
    images = tuple(image_sequence(application, turns, rollout) for rollout in range(rollouts))
    return ImageUpdate(images=images, sidecars=frozenset(application.sidecars))
