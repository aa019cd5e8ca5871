"""preStop exec: the same as preStop sleep for clusters before 1.29; the image needs a `sleep`."""

from harness.manifests.mitigations.mitigated import Mitigated
from harness.manifests.mitigations.prestop import with_hook
from harness.manifests.read import Manifest


def apply(workload: Manifest, value_s: int) -> Mitigated:
    """The workload with `preStop: exec: sleep` in every container, and a grace period in which it fits."""
    return with_hook(workload, {"exec": {"command": ["sleep", str(value_s)]}}, value_s)
