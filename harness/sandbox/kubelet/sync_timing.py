"""Times of a pod's syncs -> when the kubelet gets round to the next one.

A real kubelet looks at all containers once a second (the PLEG's relist) and syncs a pod again only with a look that
is newer than the last sync. So a pod that became ready a moment ago is stopped up to a second after its deletion;
one that has been quiet is stopped at once. Source: pkg/kubelet/pod_workers.go (GetNewerThan), and recordings of
1.36, in which a pod's readiness is followed by two syncs: the probe's, and that of the status which the API sends back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

RELIST_PERIOD_S = 1.0


@dataclass(slots=True, kw_only=True)
class SyncTiming:
    """The syncs of one pod, past and due; all times in seconds on one monotonic clock, `phase_s` a time of a relist."""

    phase_s: float
    syncs: list[float] = field(default_factory=list)

    def relist_after(self, moment: float) -> float:
        """The first relist later than `moment`."""
        return self.phase_s + (math.floor((moment - self.phase_s) / RELIST_PERIOD_S) + 1) * RELIST_PERIOD_S

    def synced(self, moment: float) -> None:
        """Notes a sync at `moment`."""
        self.syncs = [moment]

    def readiness_changed(self, moment: float) -> None:
        """Notes the two syncs that follow a change of readiness."""
        first = self.free_at(moment)
        self.syncs = [*self.syncs[-1:], first, self.relist_after(first)]

    def free_at(self, moment: float) -> float:
        """When something that is asked for at `moment` can begin.

        With relists at whole seconds and a pod that became ready at 10.2: asked at 10.5 it begins at 11.0, since the
        sync of 10.2 has used the look of 10.0; asked at 11.5 at 12.0; asked at 12.5 at once.
        """
        past = [sync for sync in self.syncs if sync <= moment]
        due = [sync for sync in self.syncs if sync > moment]
        if due:
            return due[0]
        return max(moment, self.relist_after(past[-1])) if past else moment
