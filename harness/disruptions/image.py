"""`update: {image: {web: [web:2, web:1]}}` -> rollouts to other images, in turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.disruptions.disruption import Step, patching
from harness.disruptions.pace import Pace
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

    def lasts_s(self, pace: Pace) -> float:
        """A rolling update."""
        return pace.rollout_s


def alternating(
    application: Application, turns: Mapping[str, tuple[str, ...]], rollouts: int
) -> tuple[ImageUpdate, bool]:
    """The images of each rollout of an application that is not ours, the last of which ends as it was before.

    A single image goes in turn with the one that is there. Whether that takes one more rollout than asked for.

    Raises:
        ManifestError: as for `planned`.
    """
    there = {container: application.containers.get(container, "") for container in turns}
    if all(len(images) == 1 for images in turns.values()):
        turns = {container: (*images, there[container]) for container, images in turns.items()}
    *images, last = planned(application, turns, rollouts).images
    if last == there:
        return ImageUpdate(images=(*images, last)), False
    if images and images[-1] != there:
        return ImageUpdate(images=(*images, there)), False
    return ImageUpdate(images=(*images, last, there)), True


def planned(application: Application, turns: Mapping[str, tuple[str, ...]], rollouts: int) -> ImageUpdate:
    """The images of each rollout.

    Raises:
        ManifestError: a container is not in the application, or a rollout would change nothing.
    """
    images = tuple(image_sequence(application, turns, rollout) for rollout in range(rollouts))
    return ImageUpdate(images=images, sidecars=frozenset(application.sidecars))
