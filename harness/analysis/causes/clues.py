"""What the data plane did and what connections showed -> the clues that bound when each way to fail was possible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harness.analysis.causes.data_plane import DataPlane, Horizon, SeenSyncs
from harness.analysis.causes.streaks import Streaks
from harness.analysis.observed.answers import Answers
from harness.analysis.observed.endpoints import Endpoints
from harness.analysis.observed.watch_stalls import WatchStalls


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """What bounds the time windows.

    `refused`, `unanswered`: when such failures were sent, ascending (those of a stale conntrack entry left out).
    `accepted`, `cut`: of new connections that some kernel accepted and that ended without an answer, the two moments.
    `horizons`: until when a pod may have been sent to. `syncs`: those that are proven. `balanced`: a balancer stands
    before the pods. `stalls`: when the watch stood still. `healthy`: by uid, from when on a pod's balancer had found it
    healthy, as its readiness gate says. `listening`: by uid, when a pod that ended is known to have still had its
    listener.
    """

    listed: Endpoints
    seen: Answers
    streaks: Streaks
    horizons: dict[str, Horizon]
    plane: DataPlane
    balanced: bool
    syncs: SeenSyncs
    refused: NDArray[np.float64]
    unanswered: NDArray[np.float64]
    accepted: NDArray[np.float64]
    cut: NDArray[np.float64]
    stalls: WatchStalls
    healthy: Mapping[str, float] = field(default_factory=dict)
    listening: Mapping[str, float] = field(default_factory=dict)
