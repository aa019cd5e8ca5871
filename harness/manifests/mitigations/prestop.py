"""preStop sleep: the pod goes on serving while the network forgets it (native since Kubernetes 1.29)."""

from copy import deepcopy
from typing import Any

from harness.manifests.mitigations.grace import room_for
from harness.manifests.read import Manifest


def apply(workload: Manifest, value_s: int) -> Manifest:
    """The workload with `preStop: sleep` in every container, and a grace period in which it fits."""
    return with_hook(workload, {"sleep": {"seconds": value_s}}, value_s)


def with_hook(workload: Manifest, hook: dict[str, Any], takes_s: int) -> Manifest:
    """The workload with this preStop hook in every container; other lifecycle hooks stay."""
    changed = deepcopy(workload)
    for container in changed["spec"]["template"]["spec"]["containers"]:
        container.setdefault("lifecycle", {})["preStop"] = deepcopy(hook)
    return room_for(changed, takes_s)
