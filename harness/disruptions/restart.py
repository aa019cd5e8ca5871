"""`update: restart` -> rollouts to the same images, as `kubectl rollout restart` does it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from harness.disruptions.disruption import Step, patching
from harness.disruptions.pace import Pace
from harness.kube.field_owners import RESTARTER
from harness.manifests.application import Application
from harness.manifests.patch import restart_patch


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """A Disruption that names the time in the pod template."""

    images: tuple[dict[str, str], ...] = ()
    words: str = "to a restart"

    def step(self, rollout: int) -> Step:
        """Name the time that it is now."""
        at = datetime.now(UTC).isoformat(timespec="microseconds")
        return patching(restart_patch(at), manager=RESTARTER)

    def lasts_s(self, pace: Pace) -> float:
        """A rolling update."""
        return pace.rollout_s


def planned(application: Application, setting: None, rollouts: int) -> Restart:
    """Any application can be restarted, as often as one likes."""
    return Restart()
