"""terminationGracePeriodSeconds: how long a pod may take to stop, its preStop hook included."""

from __future__ import annotations

import math
from copy import deepcopy

from harness.manifests.mitigations.mitigated import Mitigated
from harness.manifests.read import Manifest
from harness.spec.termination import grace_period_s, longest_hook_s
from harness.spec.workload import pod_spec

STOP_S = 10
"""What is left for the process itself after its preStop hook, unless the manifest says more."""


def apply(workload: Manifest, value_s: int) -> Mitigated:
    """The workload with this grace period, or a longer one that it has or that its hook needs."""
    have_s = int(grace_period_s(pod_spec(workload)))
    said = f"its grace period stays at {have_s} s, which is more than {value_s} s"
    changed = room_for(workload if have_s > value_s else _with_grace(workload, value_s))
    return Mitigated(workload=changed, left_alone=(said,) if have_s > value_s else ())


def room_for(workload: Manifest, *, more_s: int = 0) -> Manifest:
    """The workload with a grace period that is `more_s` longer, and in which its hook and `STOP_S` fit.

    The countdown starts before the hook does:
    https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
    """
    pod = pod_spec(workload)
    have_s, hook_s = int(grace_period_s(pod)), longest_hook_s(pod)
    needed_s = max(have_s + more_s, math.ceil(hook_s) + STOP_S if hook_s else 0)
    return _with_grace(workload, needed_s) if needed_s > have_s else workload


def _with_grace(workload: Manifest, value_s: int) -> Manifest:
    changed = deepcopy(workload)
    changed["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = value_s
    return changed
