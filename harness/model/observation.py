"""What was seen happening: watch events of the cluster and the harness's own marks, on the run's clock."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class MarkType(StrEnum):
    """What the harness itself writes into the timeline (`kind: "Mark"`)."""

    CONTROL_START = "control-start"
    CONTROL_END = "control-end"
    UPDATE = "update"  # a disruption begins, and with it its window
    DISRUPTION = "disruption"  # what it does there to pods, replicas or nodes, before it does it
    COMPLETE = "complete"  # the API calls the rollout complete
    SETTLED = "settled"  # ... and the old pods are gone
    UNDO = "undo"
    ABORT = "abort"  # more failed than `abort_if` allows
    STALL = "stall"  # the harness stood still: what arrived from `start` to `end` was taken in after that
    GAP = "gap"  # the watch was lost; what happened in between is not known
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One line of timeline.jsonl.

    `t`: seconds on the run's clock at which it arrived here. `type`: ADDED, MODIFIED or DELETED; for `kind` Mark one of
    `MarkType` (recordings may know more). `object`: as the API sent it, without managedFields and redacted; for a Mark
    its details (rollout, patch, generation).
    """

    t: float
    kind: str
    type: str
    object: dict[str, Any]
