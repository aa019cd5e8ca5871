"""A container's image name -> the image, or the reason why it waits, with the events of a real pull.

Source: pkg/kubelet/images/image_manager.go (EnsureImageExists), and recordings of 1.36.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from harness.sandbox.kubelet.backoff import BackOff
from harness.sandbox.kubelet.records import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.sandbox.images import Image
    from harness.sandbox.settings import Settings


class NotPulled(Exception):
    """The image is not there; `waiting` is what the container's status shows of it."""

    def __init__(self, waiting: Waiting) -> None:
        self.waiting = waiting
        super().__init__(waiting.reason)


class ImagePuller:
    """Pulls one container's image, as often as is asked, with a wait between two failures."""

    def __init__(self, settings: Settings, name: str, policy: str, event: Callable[[str, str, str], None]) -> None:
        self._settings, self._name, self._policy, self._event = settings, name, policy, event
        self._backoff, self._failed_at = BackOff(), 0.0

    def pull(self) -> Image:
        """The image.

        Raises:
            NotPulled: the sandbox's table does not have it, or the last failure is too recent to try again.
        """
        image = self._settings.image(self._name)
        if image is not None:
            self._tell_pulled()
            return image
        if self._policy == "Never":
            text = f'Container image "{self._name}" is not present with pull policy of Never'
            self._event("Warning", "ErrImageNeverPull", text)
            raise NotPulled(Waiting(reason="ErrImageNeverPull", message=text))
        now = anyio.current_time()
        why = f'failed to resolve reference "{self._name}": not found (the sandbox has no such image)'
        if now < self._backoff.until(self._failed_at):
            self._event("Normal", "BackOff", f'Back-off pulling image "{self._name}"')
            self._event("Warning", "Failed", "Error: ImagePullBackOff")
            text = f'Back-off pulling image "{self._name}": ErrImagePull: {why}'
            raise NotPulled(Waiting(reason="ImagePullBackOff", message=text))
        self._event("Normal", "Pulling", f'Pulling image "{self._name}"')
        self._event("Warning", "Failed", f'Failed to pull image "{self._name}": {why}')
        self._event("Warning", "Failed", "Error: ErrImagePull")
        self._failed_at, self._backoff = now, self._backoff.next(now)
        raise NotPulled(Waiting(reason="ErrImagePull", message=why))

    def _tell_pulled(self) -> None:
        if self._policy == "Always":
            self._event("Normal", "Pulling", f'Pulling image "{self._name}"')
            took = "in 1ms (1ms including waiting). Image size: 0 bytes."
            self._event("Normal", "Pulled", f'Successfully pulled image "{self._name}" {took}')
        else:
            text = f'Container image "{self._name}" already present on machine and can be accessed by the pod'
            self._event("Normal", "Pulled", text)
