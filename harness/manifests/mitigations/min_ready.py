"""minReadySeconds: a new pod counts as available only after the network had time to learn of it."""

from copy import deepcopy

from harness.manifests.read import Manifest
from harness.spec.rolling import PROGRESS_DEADLINE_DEFAULT_S, rollout_spec


def apply(workload: Manifest, value_s: int) -> Manifest:
    """The workload with this minReadySeconds; the API wants progressDeadlineSeconds to be longer, so it is raised."""
    changed = deepcopy(workload)
    spec = changed["spec"]
    spec["minReadySeconds"] = value_s
    deadline_s = rollout_spec(changed["kind"], spec).progress_deadline_s
    if deadline_s is not None and deadline_s <= value_s:
        spec["progressDeadlineSeconds"] = value_s + PROGRESS_DEADLINE_DEFAULT_S
    return changed
