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
    old pods have ended (StatefulSet, Recreate).
    """

    replicas: int = 1
    steps: int = 1
    waits_for_stop: bool = False
    has_prestop: bool = False
    prestop_s: float = 0.0
    min_ready_s: float = 0.0
    grace_s: float = 30.0
    progress_deadline_s: float | None = 600.0

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
    return Shape(
        replicas=count,
        steps=1 if recreate else _steps(count, strategy.get("rollingUpdate") or {}) if deployment else max(1, count),
        waits_for_stop=recreate or not deployment,
        has_prestop=bool(known),
        prestop_s=max(known, default=0.0),
        min_ready_s=float(spec.get("minReadySeconds") or 0),
        grace_s=float(pod.get("terminationGracePeriodSeconds", 30)),
        progress_deadline_s=float(spec.get("progressDeadlineSeconds", 600)) if deployment else None,
    )


def _steps(replicas: int, rolling: dict[str, Any]) -> int:
    """How many batches a rolling update takes: each is as large as surge and unavailable allow together.

    Percentages round as the API says: maxSurge up, maxUnavailable down; both zero means one unavailable
    (pkg/controller/deployment/util, ResolveFenceposts).
    """
    surge = _share(rolling.get("maxSurge", "25%"), replicas, math.ceil)
    unavailable = _share(rolling.get("maxUnavailable", "25%"), replicas, math.floor)
    return max(1, math.ceil(replicas / max(1, surge + unavailable)))


def _share(value: Any, replicas: int, rounding: Any) -> int:
    if isinstance(value, str) and value.endswith("%"):
        return int(rounding(float(value[:-1]) / 100.0 * replicas))
    return int(value)
