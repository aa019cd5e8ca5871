"""terminationGracePeriodSeconds: how long a pod may take to stop, its preStop hook included."""

from copy import deepcopy

from harness.manifests.read import Manifest
from harness.spec.termination import grace_period_s
from harness.spec.workload import pod_spec

STOP_S = 10
"""What is left for the process itself after its preStop hook, unless the manifest says more."""


def apply(workload: Manifest, value_s: int) -> Manifest:
    """The workload with this grace period."""
    changed = deepcopy(workload)
    changed["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = value_s
    return changed


def room_for(workload: Manifest, prestop_s: int) -> Manifest:
    """The workload with a grace period in which a hook of `prestop_s` and a stop of `STOP_S` fit; never a shorter one.

    The countdown starts before the hook does:
    https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
    """
    needed_s = prestop_s + STOP_S
    return apply(workload, needed_s) if grace_period_s(pod_spec(workload)) < needed_s else workload
