"""What makes a rollout safer: one file each, a pure function manifest -> manifest that never weakens it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from harness.manifests.mitigations import grace, min_ready, prestop, prestop_exec
from harness.manifests.mitigations.mitigated import Mitigated
from harness.manifests.read import Manifest
from harness.model.experiment import Mitigation

__all__ = ["APPLY", "Mitigated", "mitigated"]

APPLY: dict[str, Callable[[Manifest, int], Mitigated]] = {
    "prestop": prestop.apply,
    "prestop-exec": prestop_exec.apply,
    "min-ready": min_ready.apply,
    "grace": grace.apply,
}
"""Every mitigation of the experiment file by its name; the second argument is in whole seconds."""


def mitigated(workload: Manifest, mitigations: Iterable[Mitigation]) -> Mitigated:
    """The workload with the mitigations applied in order; the one that is passed in stays as it was."""
    left_alone: list[str] = []
    for mitigation in mitigations:
        step = APPLY[mitigation.name](workload, int(mitigation.value_s))
        workload = step.workload
        left_alone += step.left_alone
    return Mitigated(workload=workload, left_alone=tuple(dict.fromkeys(left_alone)))
