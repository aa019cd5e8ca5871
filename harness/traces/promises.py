"""The spec of a workload or pod -> what it promises: how many pods at once, how long to wait, how long to stop.

Where the fields come from: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

from harness.traces.trace import Object

HOOK_EXTENSION_S = 2.0
"""What the kubelet gives a preStop hook that still runs when the grace period is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadPromise:
    """What a Deployment or StatefulSet promises while it rolls. `partition`: ordinals below it keep their revision."""

    replicas: int
    strategy: str
    max_surge: int
    max_unavailable: int
    min_ready_s: float
    progress_deadline_s: float
    partition: int
    ordered: bool
    paused: bool

    @property
    def steps_are_certain(self) -> bool:
        """Whether at most one pod may move at a time, so that every run takes the same steps."""
        return self.strategy == "Recreate" or self.max_surge + self.max_unavailable == 1


def workload_promise(spec: Object) -> WorkloadPromise:
    """What a Deployment's or StatefulSet's spec says, with the API's defaults where it is silent."""
    replicas = int(spec.get("replicas", 1))
    strategy = spec.get("strategy") or spec.get("updateStrategy") or {}
    rolling = strategy.get("rollingUpdate") or {}
    surge = _resolved(rolling.get("maxSurge", "25%"), replicas, up=True)
    unavailable = _resolved(rolling.get("maxUnavailable", "25%"), replicas, up=False)
    return WorkloadPromise(
        replicas=replicas,
        strategy=str(strategy.get("type", "RollingUpdate")),
        max_surge=surge,
        max_unavailable=1 if surge == unavailable == 0 else unavailable,  # both 0 would never move
        min_ready_s=float(spec.get("minReadySeconds", 0)),
        progress_deadline_s=float(spec.get("progressDeadlineSeconds", 600)),
        partition=int(rolling.get("partition", 0)),
        ordered=spec.get("podManagementPolicy", "OrderedReady") == "OrderedReady",
        paused=bool(spec.get("paused")),
    )


def _resolved(value: int | str, of: int, *, up: bool) -> int:
    """A number or percentage of `of`: maxSurge is rounded up, maxUnavailable down.

    >>> _resolved("25%", 3, up=True), _resolved("25%", 3, up=False), _resolved(2, 3, up=True)
    (1, 0, 2)
    """
    if isinstance(value, int):
        return value
    part = int(value.removesuffix("%")) * of / 100
    return math.ceil(part) if up else math.floor(part)


def grace_s(pod_spec: Object) -> float:
    """How long the pod may take to stop."""
    return float(pod_spec.get("terminationGracePeriodSeconds", 30))


def pre_stop_s(pod_spec: Object) -> float:
    """How long its preStop hooks are known to hold the pod's containers, at most the grace period."""
    longest = max((_hook_s(c) for c in pod_spec.get("containers", ())), default=0.0)
    return min(longest, grace_s(pod_spec))


def _hook_s(container: Object) -> float:
    hook = (container.get("lifecycle") or {}).get("preStop") or {}
    if "sleep" in hook:
        return float(hook["sleep"]["seconds"])
    words: list[Any] = " ".join((hook.get("exec") or {}).get("command", ())).split()
    for word, after in itertools.pairwise(words):
        if str(word).endswith("sleep"):
            try:
                return float(after)
            except ValueError:
                return 0.0
    return 0.0


def readiness_s(pod_spec: Object) -> tuple[float, float]:
    """Seconds from a container's start to Ready: (at least, and what a first probe just missed may add)."""
    probes = [p for p in (c.get("readinessProbe") for c in pod_spec.get("containers", ())) if p]
    if not probes:
        return 0.0, 0.0
    least = max(_earliest_s(probe) for probe in probes)
    return least, max(float(probe.get("periodSeconds", 10)) for probe in probes)


def _earliest_s(probe: Object) -> float:
    more = int(probe.get("successThreshold", 1)) - 1
    return float(probe.get("initialDelaySeconds", 0)) + more * float(probe.get("periodSeconds", 10))
