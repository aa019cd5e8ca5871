"""`disruption: {delete-pod: {pods: 1, grace: 0s}}` -> pods that are deleted, as `kubectl delete pod` does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.disruptions.disruption import Step
from harness.disruptions.pace import Pace
from harness.disruptions.pods_at_once import checked
from harness.manifests.application import Application
from harness.model.disruption import DeletePod
from harness.model.duration import duration
from harness.model.quantity import things

if TYPE_CHECKING:  # planning a run needs no client
    from harness.disruptions.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """A Disruption that asks no PodDisruptionBudget; with grace 0 a pod's processes are killed at once."""

    setting: DeletePod
    images: tuple[dict[str, str], ...] = ()

    @property
    def words(self) -> str:
        """How many, and how."""
        grace_s = self.setting.grace_s
        how = "" if grace_s is None else f" with a grace period of {duration(grace_s)}"
        return f"deleting {things(self.setting.pods, 'pod')}{how}"

    def step(self, rollout: int) -> Step:
        """Delete the oldest."""
        return Step(details={}, do=self._do)

    def lasts_s(self, pace: Pace) -> float:
        """Others in their place, and these gone, in the time that they are given."""
        grace_s = self.setting.grace_s
        return pace.replaced_s(stop_s=None if grace_s is None else min(grace_s, pace.stop_s))

    async def _do(self, stage: Stage) -> int:
        from harness.disruptions.pods_back import oldest, told, until_back
        from harness.kube.errors import ApiRefusal, is_not_found

        grace_s = None if self.setting.grace_s is None else int(self.setting.grace_s)
        pods = oldest(stage, self.setting.pods)
        stage.mark({"pods": told(pods), "grace_s": grace_s})
        for pod in pods:
            try:
                await stage.kube.delete(
                    "v1", "Pod", pod["metadata"]["name"], namespace=stage.workload.namespace, grace_s=grace_s
                )
            except ApiRefusal as refused:
                if not is_not_found(refused):
                    raise
        return await until_back(stage, without=pods)


def planned(application: Application, setting: DeletePod, rollouts: int) -> Deletion:
    """The deletions of each time.

    Raises:
        ManifestError: it has not so many pods.
    """
    checked(application, setting.pods)
    return Deletion(setting=setting)
