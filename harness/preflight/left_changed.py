"""A workload's managedFields, and the Lease beside it -> what an earlier run changed of it and never put back."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from harness.kube.field_owners import MANAGER
from harness.kube.lease import records_of
from harness.preflight.finding import Finding, Weight
from harness.spec.workload import Object


def is_left_changed(workload: Object) -> bool:
    """Whether some of its values are a run's, which was to put them back."""
    return any(entry.get("manager") == MANAGER for entry in workload["metadata"].get("managedFields") or ())


def left_changed(workload: Object, named: str, lease: Object | None, restores: Sequence[str]) -> Finding | None:
    """What is to be said of it, if anything is. `lease`: of the run that had it last, where it is there.

    `restores`: the commands that put it back, as far as this machine knows the runs.
    """
    if not is_left_changed(workload):
        return None
    return Finding(
        weight=Weight.MIND,
        words=f"an earlier run has changed {named} and not put it back; what stands there is taken for what was there "
        "before",
        mend=how_to_restore(lease, restores),
    )


def how_to_restore(lease: Object | None, restores: Sequence[str]) -> str:
    """What puts it back, as a sentence."""
    commands = tuple(restores)
    if not commands and lease is not None and (records := records_of(lease)):
        commands = (f"rollout-harness restore {shlex.quote(records)}",)
    if not commands:
        return "To put it back, give `rollout-harness restore` the folder of that run, on the machine where it ran."
    return f"To put it back: {', then '.join(commands)}"
