"""What makes a rollout safer: one file each, a pure function manifest -> manifest that never weakens it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import cast

from harness.manifests.mitigations.mitigated import Mitigated
from harness.manifests.read import Manifest
from harness.model.experiment import Mitigation
from harness.model.mitigations import MITIGATIONS

__all__ = ["APPLY", "Mitigated", "mitigated"]

Apply = Callable[[Manifest, int], Mitigated]


def _apply(name: str) -> Apply:
    """`apply` of the file that is named after the mitigation."""
    return cast("Apply", import_module(f"{__name__}.{name.replace('-', '_')}").apply)


GRACE = "grace"

APPLY: dict[str, Apply] = {name: _apply(name) for name in MITIGATIONS}
"""Every mitigation of the experiment file by its name; the second argument is in whole seconds."""


def mitigated(workload: Manifest, mitigations: Iterable[Mitigation]) -> Mitigated:
    """The workload with the mitigations applied; the one that is passed in stays as it was.

    A grace period comes first: what a hook adds to it then is not taken for what the manifest says.
    """
    left_alone: list[str] = []
    for mitigation in sorted(mitigations, key=lambda one: one.name != GRACE):
        step = APPLY[mitigation.name](workload, int(mitigation.value_s))
        workload = step.workload
        left_alone += step.left_alone
    return Mitigated(workload=workload, left_alone=tuple(dict.fromkeys(left_alone)))
