"""minReadySeconds: a new pod counts as available only after the network had time to learn of it."""

from copy import deepcopy

from harness.manifests.read import Manifest

_PROGRESS_DEADLINE_DEFAULT_S = 600


def apply(workload: Manifest, value_s: int) -> Manifest:
    """The workload with this minReadySeconds; the API wants progressDeadlineSeconds to be longer, so it is raised."""
    changed = deepcopy(workload)
    spec = changed["spec"]
    spec["minReadySeconds"] = value_s
    if changed["kind"] == "Deployment" and spec.get("progressDeadlineSeconds", _PROGRESS_DEADLINE_DEFAULT_S) <= value_s:
        spec["progressDeadlineSeconds"] = value_s + _PROGRESS_DEADLINE_DEFAULT_S
    return changed
