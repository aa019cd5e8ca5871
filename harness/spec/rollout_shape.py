"""The application's manifests -> the settings that a rollout depends on, and how long one takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.spec.hazards import HazardId, hazards, row
from harness.spec.hooks import surely_serves_s
from harness.spec.rolling import PROGRESS_DEADLINE_DEFAULT_S, rollout_spec
from harness.spec.termination import GRACE_PERIOD_DEFAULT_S, grace_period_s
from harness.spec.workload import Object, containers, judged_workload, pod_spec, services, spec_of

OVERHEAD_S = 0.3
"""What controllers and scheduler add to each step (measured: 0.1 to 0.5 s)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutShape:
    """The application's settings as the API takes them; defaults of Kubernetes where the manifest is silent.

    `steps`: how many times pods are replaced one after another. `waits_for_stop`: whether a step begins only when the
    old pods have ended (StatefulSet, Recreate). `prestop_s`: how long its preStop hooks surely hold a container.
    `gap`: why there is a moment without any pod that serves, which no preStop and no minReadySeconds closes;
    `gap_cure`: the setting that does. `probed`: whether a container has a readiness probe.
    """

    replicas: int = 1
    steps: int = 1
    waits_for_stop: bool = False
    has_prestop: bool = False
    prestop_s: float = 0.0
    min_ready_s: float = 0.0
    grace_s: float = float(GRACE_PERIOD_DEFAULT_S)
    progress_deadline_s: float | None = float(PROGRESS_DEADLINE_DEFAULT_S)
    gap: str = ""
    gap_cure: str = ""
    probed: bool = True

    @property
    def cures(self) -> tuple[str, ...]:
        """What must be set before any number of seconds helps, in the words of a manifest."""
        probe = () if self.probed else (row(HazardId.NO_READINESS_PROBE).mend,)
        return (*((self.gap_cure,) if self.gap_cure else ()), *probe)

    def rollout_s(self, *, start_s: float, min_ready_s: float, stop_s: float) -> float:
        """How long until the rollout is complete, in seconds: the sum of its steps.

        `start_s`: from a pod's creation to Ready; `stop_s`: from its deletion to its end.
        """
        step = start_s + min_ready_s + OVERHEAD_S + (stop_s if self.waits_for_stop else 0.0)
        return self.steps * step


def rollout_shape(manifests: Iterable[Object], replicas: int | None = None) -> RolloutShape:
    """The shape of the application among the manifests, with `replicas` instead of its own number where given."""
    manifests = tuple(manifests)
    workload = judged_workload(manifests)
    if workload is None:
        return RolloutShape()
    rollout = rollout_spec(str(workload["kind"]), spec_of(workload), replicas=replicas)
    pod = pod_spec(workload)
    held = [seconds for container in containers(pod) if (seconds := surely_serves_s(container)) is not None]
    found = hazards(workload, services(manifests), replicas=replicas)
    gap = next((hazard for hazard in found if hazard.gap), None)
    return RolloutShape(
        replicas=rollout.replicas,
        steps=rollout.steps,
        waits_for_stop=rollout.waits_for_stop,
        has_prestop=bool(held),
        prestop_s=max(held, default=0.0),
        min_ready_s=rollout.min_ready_s,
        grace_s=grace_period_s(pod),
        progress_deadline_s=rollout.progress_deadline_s,
        gap=gap.wrong if gap else "",
        gap_cure=gap.mend if gap else "",
        probed=HazardId.NO_READINESS_PROBE not in {hazard.id for hazard in found},
    )
