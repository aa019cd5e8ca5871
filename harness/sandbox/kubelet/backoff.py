"""Times of failures -> when to try again, as the kubelet waits between restarts, between pulls and between syncs.

Source: client-go/util/flowcontrol/backoff.go with the kubelet's 10 s and 300 s; pkg/kubelet/kuberuntime (doBackOff);
pkg/kubelet/pod_workers.go (completeWork).
"""

from __future__ import annotations

import random
from dataclasses import dataclass

FIRST_S, LONGEST_S = 10.0, 300.0
_SYNC_PERIOD_S, _SYNC_JITTER = 10.0, 0.5


def retry_after_s() -> float:
    """How long after a failed sync a pod is synced again: the kubelet's backOffPeriod, stretched by up to a half."""
    return _SYNC_PERIOD_S * random.uniform(1.0, 1.0 + _SYNC_JITTER)


@dataclass(frozen=True, slots=True)
class BackOff:
    """The wait that follows the next failure; 0 before the first one."""

    wait_s: float = 0.0
    since: float = 0.0

    def until(self, failed_at: float) -> float:
        """When the thing that failed at `failed_at` may be tried again.

        >>> BackOff().until(100.0)
        100.0
        >>> BackOff().next(100.0).next(150.0).until(170.0)
        190.0
        """
        return failed_at + self.wait_s

    def next(self, now: float) -> BackOff:
        """The back-off after a try at `now`: doubled, or from the beginning after twice the longest wait in peace."""
        if self.wait_s == 0 or now - self.since > 2 * LONGEST_S:
            return BackOff(FIRST_S, now)
        return BackOff(min(self.wait_s * 2, LONGEST_S), now)
