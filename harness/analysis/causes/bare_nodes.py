"""Nodes that send only to pods of their own, and how many of them had one -> which failures may have met one without.

Where there is none, the node drops what comes: the client waits for its time-out (externalTrafficPolicy: Local).
https://kubernetes.io/docs/reference/networking/virtual-ips/#external-traffic-policy
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.analysis.causes.data_plane import DataPlane
from harness.analysis.causes.intervals import frozen
from harness.analysis.observed.lateness import WATCH_S
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.windows import CONTROL
from harness.model.paths import HopKind


@dataclass(frozen=True, slots=True, kw_only=True)
class BareNodes:
    """Per failure: whether a node that is called may have had no pod; and whether no more of them had none than before
    the first rollout, so that it would have been so without any."""

    bare: NDArray[np.bool_]
    as_ever: NDArray[np.bool_]

    def __post_init__(self) -> None:
        frozen(self.bare, self.as_ever)


def bare_nodes(seen: Observed, plane: DataPlane, sent: NDArray[np.float64], unanswered: NDArray[np.bool_]) -> BareNodes:
    """Of each failure, by when it was sent, in seconds: the proxies may be late by their lag, and the watch by its.

    It is as ever only where calls stayed `unanswered` in the control window too: what stands before the nodes may know
    which of them have a pod, and learn late that one has none any more. Where pods were on more nodes than are called,
    which of those had one is not known.
    """
    steps = seen.endpoints.nodes
    called = sum(hop.instances for hop in seen.run.info.hops if hop.kind == HopKind.NODE_PROXY)
    if not steps or called < max(with_pod for _, with_pod in steps):
        none = np.zeros(len(sent), dtype=bool)
        return BareNodes(bare=none, as_ever=none)
    times = np.array([t for t, _ in steps])
    bare = called - np.array([steps[0][1], *(with_pod for _, with_pod in steps)])  # before the first is as it shows
    first = np.searchsorted(times, sent - plane.longest_lag_s - WATCH_S, side="right")
    last = np.searchsorted(times, sent + WATCH_S, side="right")
    most = np.array([bare[since : until + 1].max() for since, until in zip(first, last, strict=True)], dtype=int)
    updates = seen.windows.updates
    before = bare[np.searchsorted(times, updates[0], side="right")] if updates else called
    ever = bool((unanswered & (seen.windows.positions(sent) == CONTROL)).any())
    return BareNodes(bare=most > 0, as_ever=(most <= before) & ever)
