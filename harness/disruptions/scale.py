"""`disruption: {scale: {to: [5, 2]}}` -> other numbers of replicas in turn, and the manifest's again at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.disruptions.disruption import Step
from harness.disruptions.pace import Pace
from harness.errors import ManifestError
from harness.manifests.application import Application
from harness.model.disruption import Scale
from harness.model.quantity import things
from harness.spec.rolling import wanted_replicas
from harness.spec.workload import Object, spec_of, workload_name

if TYPE_CHECKING:  # planning a run needs no client
    from harness.disruptions.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """A Disruption by `kubectl scale`, through the subresource that it uses.

    `numbers`: of replicas, in turn; the last is what it had before.
    """

    numbers: tuple[int, ...]
    hold_s: float = 0.0
    images: tuple[dict[str, str], ...] = ()

    @property
    def words(self) -> str:
        """The numbers."""
        *others, last = self.numbers
        between = ", with no pod in between" if 0 in others else ""
        return f"scaling to {', '.join(map(str, others))} and back to {things(last, 'replica')}{between}"

    def step(self, rollout: int) -> Step:
        """Go through the numbers, each awaited until its pods are there and those beyond it gone."""
        return Step(details={"replicas": list(self.numbers)}, do=self._do, undo=_scale_back)

    def lasts_s(self, pace: Pace) -> float:
        """Every number in turn, and how long each of them stays."""
        steps = zip((self.numbers[-1], *self.numbers), self.numbers, strict=False)
        return sum(pace.scaled_s(*step) for step in steps) + self.hold_s * (len(self.numbers) - 1)

    async def _do(self, stage: Stage) -> int:
        import anyio

        generation = 0
        for place, replicas in enumerate(self.numbers):
            if place:
                await anyio.sleep(self.hold_s)
            generation = await _scaled(stage, replicas)
        return generation


async def _scaled(stage: Stage, replicas: int) -> int:
    from harness.disruptions.pods_back import until_back
    from harness.disruptions.rolling_update import until_settled
    from harness.kube.client import MERGE
    from harness.kube.field_owners import MANAGER

    stage.mark({"replicas": replicas})
    workload, change = stage.workload, {"spec": {"replicas": replicas}}
    if stage.changes is not None:
        stage.changes.about_to(change, stays=False)
    resource = await stage.kube.resource("apps/v1", workload.kind)
    await stage.kube.request(
        "PATCH",
        resource.path(workload.namespace, workload.name, "scale"),
        query={"fieldManager": MANAGER},
        body=change,
        headers={"Content-Type": MERGE},
    )
    changed = await stage.kube.get("apps/v1", workload.kind, workload.name, workload.namespace)
    generation = int(changed["metadata"]["generation"])
    if stage.changes is not None:
        await stage.changes.have_begun(generation)
    await until_back(stage, generation=generation)
    await until_settled(stage.view, stage.workload, deadline_s=stage.left_s)
    return generation


async def _scale_back(stage: Stage) -> None:
    await _scaled(stage, wanted_replicas(stage.before["spec"]))


def planned(application: Application, setting: Scale, rollouts: int) -> Scaling:
    """The numbers in turn.

    Raises:
        ManifestError: a step would change nothing, or something else sets the number.
    """
    target = application.target
    now = wanted_replicas(spec_of(target))
    numbers = (*setting.numbers, *(() if setting.numbers[-1] == now else (now,)))
    for before, after in zip((now, *numbers), numbers, strict=False):
        if before == after:
            raise ManifestError(
                f"planning to scale {workload_name(target)} from {before} to {after}",
                "it would change nothing",
                "Name other numbers of replicas, the first one other than the manifest's.",
            )
    for other in application.manifests:
        if _scales(other, target):
            raise ManifestError(
                f"planning to scale {workload_name(target)}",
                f"HorizontalPodAutoscaler {other['metadata']['name']} among the manifests would scale it back",
                "Leave it out.",
            )
    return Scaling(numbers=numbers, hold_s=setting.hold_s)


def _scales(manifest: Object, workload: Object) -> bool:
    aim = spec_of(manifest).get("scaleTargetRef") or {}
    named = (aim.get("kind"), aim.get("name")) == (workload["kind"], workload["metadata"]["name"])
    return manifest.get("kind") == "HorizontalPodAutoscaler" and named
