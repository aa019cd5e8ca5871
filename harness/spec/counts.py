"""A HorizontalPodAutoscaler, a PodDisruptionBudget -> how few pods a workload may have, and how many may be evicted."""

from __future__ import annotations

from dataclasses import dataclass

from harness.spec.selector import matches
from harness.spec.workload import Object, spec_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscaler:
    """`name`: of the object, "HorizontalPodAutoscaler web"; `least` and `most`: how many pods it may ask for."""

    name: str
    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """`name`: of the object, "PodDisruptionBudget web"; `field`: the one that it sets, with `value`."""

    name: str
    field: str
    value: int | str

    def evictable(self, pods: int) -> int:
        """How many of so many healthy pods may be evicted at once.

        Both kinds of percentage round up: https://kubernetes.io/docs/tasks/run-application/configure-pdb/

        >>> Budget(name="", field="minAvailable", value="51%").evictable(3)
        1
        >>> Budget(name="", field="maxUnavailable", value="1%").evictable(3)
        1
        """
        number = self.number(pods)
        return max(0, number if self.field == "maxUnavailable" else pods - number)

    def number(self, pods: int) -> int:
        """What its value comes to of so many pods."""
        if isinstance(self.value, str) and self.value.endswith("%"):
            return -(-int(self.value[:-1]) * pods // 100)
        return int(self.value)


def autoscaler(manifest: Object) -> Autoscaler:
    """What a HorizontalPodAutoscaler may do; without minReplicas the least is 1.

    https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/horizontal-pod-autoscaler-v2/
    """
    spec = spec_of(manifest)
    least = 1 if spec.get("minReplicas") is None else int(spec["minReplicas"])
    return Autoscaler(name=_named(manifest), least=least, most=max(least, int(spec.get("maxReplicas") or 0)))


def scales(manifest: Object, workload: Object) -> bool:
    """Whether the autoscaler is that of this workload."""
    target = spec_of(manifest).get("scaleTargetRef") or {}
    name = (workload.get("metadata") or {}).get("name")
    return (target.get("kind"), target.get("name")) == (workload.get("kind"), name)


def budget(manifest: Object) -> Budget | None:
    """What a PodDisruptionBudget allows; None where it says nothing."""
    spec = spec_of(manifest)
    said = next((field for field in ("maxUnavailable", "minAvailable") if spec.get(field) is not None), None)
    return None if said is None else Budget(name=_named(manifest), field=said, value=spec[said])


def protects(manifest: Object, labels: dict[str, str]) -> bool:
    """Whether the budget is about pods with these labels: an empty selector is about all, none is about none."""
    selector = spec_of(manifest).get("selector")
    return selector is not None and matches(selector, labels)


def _named(manifest: Object) -> str:
    return f"{manifest.get('kind')} {(manifest.get('metadata') or {}).get('name')}"
