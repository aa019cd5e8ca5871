"""`disruption: {drain: {node: worker-1}}` -> a node without the application's pods, schedulable again at the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.disruptions.disruption import Step
from harness.disruptions.pace import Pace
from harness.manifests.application import Application
from harness.model.disruption import Drain

if TYPE_CHECKING:  # planning a run needs no client
    from harness.disruptions.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Drains:
    """A Disruption by `kubectl drain`, of the application's pods alone: those of others stay where they are."""

    setting: Drain
    images: tuple[dict[str, str], ...] = ()

    @property
    def words(self) -> str:
        """Which node."""
        return f"draining {self.setting.node or 'the node with the most of its pods'}"

    def step(self, rollout: int) -> Step:
        """Cordon the node, evict, and wait until the pods are back elsewhere."""
        return Step(details={}, do=self._do)

    def lasts_s(self, pace: Pace) -> float:
        """Others in their place, and these gone, where no budget holds them up."""
        return pace.replaced_s()

    async def _do(self, stage: Stage) -> int:
        from harness.disruptions.cordon import cordoned
        from harness.disruptions.eviction import evicted
        from harness.disruptions.pods_back import live_pods, until_back

        node = self.setting.node or _fullest(live_pods(stage.view, stage.workload))
        async with cordoned(stage, node):
            pods = [pod for pod in live_pods(stage.view, stage.workload) if _node(pod) == node]
            for pod in pods:
                await evicted(stage, pod)
            return await until_back(stage, without=pods)


def _fullest(pods: list[dict[str, Any]]) -> str:
    """The node with the most pods; of several, the first by name."""
    counted = Counter(_node(pod) for pod in pods)
    return min(counted, key=lambda node: (-counted[node], node), default="")


def _node(pod: dict[str, Any]) -> str:
    return str(pod["spec"].get("nodeName") or "")


def planned(application: Application, setting: Drain, rollouts: int) -> Drains:
    """The drains; which nodes there are is known only on the cluster."""
    return Drains(setting=setting)
