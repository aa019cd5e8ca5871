"""`activeDeadlineSeconds` and a pod's start -> the moment at which its kubelet ends it.

Source: kubernetes `pkg/kubelet/active_deadline.go`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from harness.sandbox.kubelet.records import PodRecord

REASON = "DeadlineExceeded"
MESSAGE = "Pod was active on the node longer than the specified deadline"


def due(record: PodRecord) -> float:
    """When it is over, on the clock of `anyio.current_time`; infinite where the pod has no such deadline."""
    seconds = record.spec.get("activeDeadlineSeconds")
    if seconds is None or record.start_time is None:
        return float("inf")
    left = record.start_time + timedelta(seconds=seconds) - datetime.now(UTC)
    return anyio.current_time() + left.total_seconds()


def is_over(record: PodRecord) -> bool:
    """Whether the pod has been active for longer than it may be."""
    return due(record) <= anyio.current_time()
