"""minReadySeconds: a new pod counts as available only after the network had time to learn of it."""

from copy import deepcopy

from harness.manifests.mitigations.mitigated import Mitigated
from harness.manifests.read import Manifest
from harness.spec.rolling import PROGRESS_DEADLINE_DEFAULT_S, rollout_spec


def apply(workload: Manifest, value_s: int) -> Mitigated:
    """The workload with this minReadySeconds or the larger one that it has.

    The API wants progressDeadlineSeconds to be longer, so it is raised.
    """
    have_s = int(rollout_spec(workload["kind"], workload["spec"]).min_ready_s)
    if have_s > value_s:
        said = f"its minReadySeconds stays at {have_s}, which is more than {value_s}"
        return Mitigated(workload=workload, left_alone=(said,))
    changed = deepcopy(workload)
    spec = changed["spec"]
    spec["minReadySeconds"] = value_s
    deadline_s = rollout_spec(changed["kind"], spec).progress_deadline_s
    if deadline_s is not None and deadline_s <= value_s:
        spec["progressDeadlineSeconds"] = value_s + PROGRESS_DEADLINE_DEFAULT_S
    return Mitigated(workload=changed)
