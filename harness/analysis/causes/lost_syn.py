"""Unanswered connections and what was answered around them -> those that a packet lost on its way explains.

A SYN is sent again only after 1 s (RFC 6298), which is what a client often waits in all: then one lost packet, or one
full queue, is one failed connection. It needs no pod that is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.analysis.causes.conntrack import UNANSWERED
from harness.analysis.observed.pods import WATCH_S, Life

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.analysis.causes.data_plane import Horizon
    from harness.analysis.causes.streaks import Streaks
    from harness.analysis.observed.answers import Answers
    from harness.analysis.observed.endpoints import Endpoints


def lone(
    outcome: NDArray[np.object_], started: NDArray[np.float64], ended: NDArray[np.float64], streaks: Streaks
) -> NDArray[np.bool_]:
    """Per failure, whether it is an unanswered connection alone among good ones.

    Alone: no other new connection failed as long before it as it waited, nor while it waited, but some were good, both
    before and after it.
    """
    since, until = 2 * started - ended, ended
    before, after, bad = (np.zeros(len(outcome), dtype=np.int64) for _ in range(3))
    for good, failed in streaks.workers:
        before += np.searchsorted(good, started) - np.searchsorted(good, since)
        after += np.searchsorted(good, until, side="right") - np.searchsorted(good, started, side="right")
        bad += np.searchsorted(failed, until, side="right") - np.searchsorted(failed, since)
    return np.isin(outcome, UNANSWERED) & (before > 0) & (after > 0) & (bad <= 1)


def all_alive(
    started: NDArray[np.float64],
    pods: Sequence[Life],
    listed: Endpoints,
    horizons: Mapping[str, Horizon],
    seen: Answers,
) -> NDArray[np.bool_]:
    """Per failure, whether every pod that it may have been sent to is shown to have been there.

    A pod may have been sent to while it was listed, and on to its horizon. It was there where it had answered before
    and answers afterwards, on whatever connection: its network is taken down once, after its containers ended. Where
    answers name no pod, nothing is shown.
    """
    some = np.zeros(len(started), dtype=bool)
    gone = np.zeros(len(started), dtype=bool)
    for pod in pods:
        sent_to = np.zeros(len(started), dtype=bool)
        for since, until in listed.listed.get(pod.uid, ()):
            end = max(until, horizons[pod.uid].until) if pod.uid in horizons else until
            sent_to |= (started >= since - WATCH_S) & (started <= end + WATCH_S)
        first = seen.first_new.get(pod.uid, np.inf)
        some |= sent_to
        gone |= sent_to & ~((started > first) & (started < seen.last_answer(pod.uid)))
    return some & ~gone
