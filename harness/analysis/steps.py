"""A Deployment or StatefulSet -> its settings, and how long one rollout of it takes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.analysis.podspec import prestop_seconds

OVERHEAD_S = 0.3
"""What controllers and scheduler add to each step (measured: 0.1 to 0.5 s)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The application's settings as the API takes them; defaults of Kubernetes where the manifest is silent.

    `steps`: how many times pods are replaced one after another. `waits_for_stop`: whether a step begins only when the
    old pods have ended (StatefulSet, Recreate). `gap`: why there is a moment without any pod that serves, which no
    preStop and no minReadySeconds closes; `gap_cure`: the setting that does. `probed`: whether a container has a
    readiness probe; without one a pod is Ready, and sent to, as soon as it runs.
    """

    replicas: int = 1
    steps: int = 1
    waits_for_stop: bool = False
    has_prestop: bool = False
    prestop_s: float = 0.0
    min_ready_s: float = 0.0
    grace_s: float = 30.0
    progress_deadline_s: float | None = 600.0
    gap: str = ""
    gap_cure: str = ""
    probed: bool = True

    @property
    def cures(self) -> tuple[str, ...]:
        """What must be set before any number of seconds helps, in the words of a manifest."""
        probe = () if self.probed else ("a readiness probe on every container",)
        return (*((self.gap_cure,) if self.gap_cure else ()), *probe)

    def rollout_s(self, *, start_s: float, min_ready_s: float, stop_s: float) -> float:
        """How long until the rollout is complete, in seconds: the sum of its steps.

        `start_s`: from a pod's creation to Ready; `stop_s`: from its deletion to its end.
        """
        step = start_s + min_ready_s + OVERHEAD_S + (stop_s if self.waits_for_stop else 0.0)
        return self.steps * step


def shape(manifests: Iterable[dict[str, Any]], replicas: int | None = None) -> Shape:
    """The shape of the application among the manifests, with `replicas` instead of its own number where given."""
    workload = next((m for m in manifests if m.get("kind") in ("Deployment", "StatefulSet")), None)
    if workload is None:
        return Shape()
    spec = workload.get("spec") or {}
    count = replicas if replicas is not None else int(spec.get("replicas", 1))
    pod = (spec.get("template") or {}).get("spec") or {}
    hooks = [prestop_seconds(container) for container in pod.get("containers") or ()]
    known = [hook for hook in hooks if hook is not None]
    deployment = workload["kind"] == "Deployment"
    strategy = (spec.get("strategy") or {}) if deployment else {}
    recreate = strategy.get("type") == "Recreate"
    gap, gap_cure = _gap(count, strategy, deployment=deployment)
    return Shape(
        replicas=count,
        steps=1 if recreate else _steps(count, strategy.get("rollingUpdate") or {}) if deployment else max(1, count),
        waits_for_stop=recreate or not deployment,
        has_prestop=bool(known),
        prestop_s=max(known, default=0.0),
        min_ready_s=float(spec.get("minReadySeconds") or 0),
        grace_s=float(pod.get("terminationGracePeriodSeconds", 30)),
        progress_deadline_s=float(spec.get("progressDeadlineSeconds", 600)) if deployment else None,
        gap=gap,
        gap_cure=gap_cure,
        probed=any(container.get("readinessProbe") for container in pod.get("containers") or ()),
    )


def _gap(replicas: int, strategy: dict[str, Any], *, deployment: bool) -> tuple[str, str]:
    """Why at some moment of a rollout no pod serves, and what cures that; empty where one always does."""
    if not deployment:
        alone = replicas == 1
        return ("its only pod goes before the new one comes", "more than 1 replica") if alone else ("", "")
    if strategy.get("type") == "Recreate":
        return "with strategy Recreate all old pods go before a new one comes", "strategy: RollingUpdate"
    surge, unavailable = _bounds(replicas, strategy.get("rollingUpdate") or {})
    if unavailable >= replicas > 0:
        cure = "maxUnavailable: 0" if surge else "maxSurge: 1 and maxUnavailable: 0"
        return "maxUnavailable lets all old pods go before a new one is ready", cure
    return "", ""


def _steps(replicas: int, rolling: dict[str, Any]) -> int:
    """How many batches a rolling update takes: each is as large as surge and unavailable allow together."""
    return max(1, math.ceil(replicas / max(1, sum(_bounds(replicas, rolling)))))


def _bounds(replicas: int, rolling: dict[str, Any]) -> tuple[int, int]:
    """How many pods more than wanted, and how many fewer, a rolling update may have.

    Percentages round as the API says: maxSurge up, maxUnavailable down; both zero means one unavailable
    (pkg/controller/deployment/util, ResolveFenceposts).
    """
    surge = _share(rolling.get("maxSurge", "25%"), replicas, math.ceil)
    unavailable = _share(rolling.get("maxUnavailable", "25%"), replicas, math.floor)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def _share(value: Any, replicas: int, rounding: Any) -> int:
    if isinstance(value, str) and value.endswith("%"):
        return int(rounding(float(value[:-1]) / 100.0 * replicas))
    return int(value)
