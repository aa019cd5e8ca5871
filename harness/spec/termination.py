"""A pod spec -> how long the end of the pod takes: its grace period, and its preStop hooks within it.

The countdown starts before the hooks do: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination.
"""

from __future__ import annotations

from harness.spec.hooks import hook_takes_s, surely_serves_s
from harness.spec.workload import Object, containers

GRACE_PERIOD_DEFAULT_S = 30

HOOK_EXTENSION_S = 2.0
"""What the kubelet gives a preStop hook that still runs when the grace period is over."""


def grace_period_s(pod: Object) -> float:
    """How long the pod may take to stop."""
    grace_s = pod.get("terminationGracePeriodSeconds")
    return float(GRACE_PERIOD_DEFAULT_S if grace_s is None else grace_s)


def surely_runs_s(pod: Object) -> float:
    """How long after its deletion some container of the pod surely runs on, held by its preStop hook."""
    return min(
        max((surely_serves_s(container) or 0.0 for container in containers(pod)), default=0.0), grace_period_s(pod)
    )


def longest_hook_s(pod: Object) -> float:
    """What the longest of the pod's preStop hooks takes at least, however long the grace period is."""
    return max((hook_takes_s(container) or 0.0 for container in containers(pod)), default=0.0)


def hooks_take_s(pod: Object) -> float:
    """How long after its deletion the pod's preStop hooks, which run side by side, have ended or been cut off."""
    return min(longest_hook_s(pod), grace_period_s(pod))
