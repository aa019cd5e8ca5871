"""What makes a rollout safer: one file each, a pure function manifest -> manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from harness.manifests.mitigations import grace, min_ready, prestop, prestop_exec
from harness.manifests.read import Manifest
from harness.model.experiment import Mitigation

APPLY: dict[str, Callable[[Manifest, int], Manifest]] = {
    "prestop": prestop.apply,
    "prestop-exec": prestop_exec.apply,
    "min-ready": min_ready.apply,
    "grace": grace.apply,
}
"""Every mitigation of the experiment file by its name; the second argument is in whole seconds."""


def mitigated(workload: Manifest, mitigations: Iterable[Mitigation]) -> Manifest:
    """The workload with the mitigations applied in order; the one that is passed in stays as it was."""
    for mitigation in mitigations:
        workload = APPLY[mitigation.name](workload, int(mitigation.value_s))
    return workload
