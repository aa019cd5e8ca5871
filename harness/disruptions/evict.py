"""`disruption: {evict: {pods: 1}}` -> pods that are evicted, as far as their PodDisruptionBudgets allow it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.disruptions.disruption import Step
from harness.disruptions.pace import Pace
from harness.disruptions.pods_at_once import checked
from harness.manifests.application import Application
from harness.model.disruption import Evict
from harness.model.quantity import things

if TYPE_CHECKING:  # planning a run needs no client
    from harness.disruptions.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Evictions:
    """A Disruption by the Eviction API, as a node's drain or the cluster autoscaler calls it."""

    setting: Evict
    images: tuple[dict[str, str], ...] = ()

    @property
    def words(self) -> str:
        """How many."""
        return f"evicting {things(self.setting.pods, 'pod')}"

    def step(self, rollout: int) -> Step:
        """Evict the oldest."""
        return Step(details={}, do=self._do)

    def lasts_s(self, pace: Pace) -> float:
        """Others in their place, and these gone, where no budget holds them up."""
        return pace.replaced_s()

    async def _do(self, stage: Stage) -> int:
        from harness.disruptions.eviction import evicted
        from harness.disruptions.pods_back import oldest, until_back

        pods = oldest(stage, self.setting.pods)
        for pod in pods:
            await evicted(stage, pod)
        return await until_back(stage, without=pods)


def planned(application: Application, setting: Evict, rollouts: int) -> Evictions:
    """The evictions of each time.

    Raises:
        ManifestError: it has not so many pods.
    """
    checked(application, setting.pods)
    return Evictions(setting=setting)
