"""`disruption: {watch: {for: 30m}}` -> nothing that is done: rollouts are whoever else's (`runner/watching.py`)."""

from __future__ import annotations

from dataclasses import dataclass

from harness.disruptions.disruption import Step
from harness.disruptions.pace import Pace
from harness.manifests.application import Application
from harness.model.duration import duration
from harness.model.quantity import things
from harness.model.watch_settings import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """A Disruption that is somebody else's."""

    settings: Watch
    images: tuple[dict[str, str], ...] = ()

    @property
    def words(self) -> str:
        """For how long."""
        until = self.settings.until_rollouts
        enough = f", or until {things(until, 'rollout')} came" if until else ""
        return f"watching what others roll for {duration(self.settings.for_s)}{enough}"

    def step(self, rollout: int) -> Step:
        """There is none: when the next one begins is others' to say."""
        raise AssertionError("a rollout that is watched is not begun")

    def lasts_s(self, pace: Pace) -> float:
        """All of it, whatever is rolled meanwhile."""
        return self.settings.for_s


def planned(application: Application, settings: Watch, rollouts: int) -> Watching:
    """Any application can be watched."""
    return Watching(settings=settings)
