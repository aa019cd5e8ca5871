"""Lives of pods, lists of endpoints and sightings -> for each way to fail, the intervals in which it was possible."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.analysis.endpoints import Endpoints, Intervals
from harness.analysis.pods import WATCH_S, Life
from harness.analysis.sightings import Sightings, Streaks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Spans = tuple[tuple[float, float, int], ...]
"""[start, end] of one possibility, and the position of the pod that it is about."""

NOBODY = -1
"""No pod, or more than one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """For each of some moments: by how many pods a possibility holds, and which pod's, where it is only one's."""

    count: NDArray[np.int64]
    pod: NDArray[np.int64]


def cover(spans: Spans, moments: NDArray[np.float64]) -> Cover:
    """How many spans hold each moment; both ends count.

    >>> import numpy as np
    >>> found = cover(((0.0, 2.0, 7), (1.0, 3.0, 8)), np.array([0.5, 1.5, 2.5, 9.0]))
    >>> found.count.tolist(), found.pod.tolist()
    ([1, 2, 1, 0], [7, -1, 8, -1])
    """
    import numpy as np

    if not spans:
        nothing = np.zeros(len(moments), dtype=np.int64)
        return Cover(count=nothing, pod=nothing + NOBODY)
    starts, ends = sorted((s[0], s[2]) for s in spans), sorted((s[1], s[2]) for s in spans)
    begun = np.searchsorted(np.array([s[0] for s in starts]), moments, side="right")
    over = np.searchsorted(np.array([s[0] for s in ends]), moments, side="left")
    sums = [np.concatenate(([0], np.cumsum([s[1] for s in side]))) for side in (starts, ends)]
    count = begun - over
    return Cover(count=count, pod=np.where(count == 1, sums[0][begun] - sums[1][over], NOBODY))


@dataclass(frozen=True, slots=True, kw_only=True)
class Possibilities:
    """When each explanation was physically possible, as far as the watch can tell.

    `refusing`: a pod in deletion may still have been sent to, its kernel was there, its listener may have been closed.
    `vanished`: the same, but its network may have been gone. `stopping`: it may have cut or reset what it had
    accepted. `starting`: it was listed and may not have been listening yet. `crashed`: its container was down though
    nobody had asked for it. `loose_refusing`, `loose_vanished`: without trusting what kept connections and preStop
    promise; asked only when nothing else explains a failure.
    """

    refusing: Spans
    vanished: Spans
    stopping: Spans
    starting: Spans
    crashed: Spans
    loose_refusing: Spans
    loose_vanished: Spans
    loose_stopping: Spans


def possibilities(
    pods: Sequence[Life],
    listed: Endpoints,
    seen: Sightings,
    horizons: dict[str, float],
    streaks: Streaks,
    first_refused: NDArray[np.float64],
    lag_s: float | None,
) -> Possibilities:
    """The intervals of each possibility, each widened by how late the watch may be (`WATCH_S`)."""
    refusing, vanished, stopping, loose_refusing, loose_vanished, loose_stopping = [], [], [], [], [], []
    for position, pod in enumerate(pods):
        if pod.deletion is None:
            continue
        begun = pod.deletion - WATCH_S
        last = max(seen.last_new.get(pod.uid, -math.inf), seen.last_kept.get(pod.uid, -math.inf))
        closes = max(begun + pod.promise.prestop_s, last)
        exits = pod.exit - 0.1 if pod.exit is not None else begun
        ended = pod.ended + WATCH_S if pod.ended is not None else math.inf
        horizon = horizons.get(pod.uid, -math.inf)
        refusing.append((closes, min(horizon, ended), position))
        vanished.append((max(closes, exits), horizon, position))
        stopping.append((max(begun + pod.promise.prestop_s, last - WATCH_S), ended, position))
        loose_refusing.append((begun, min(horizon, ended), position))
        loose_vanished.append((begun, horizon, position))
        loose_stopping.append((begun, ended, position))
    return Possibilities(
        refusing=_real(refusing),
        vanished=_real(vanished),
        stopping=_real(stopping),
        starting=_real(_starting(pods, listed, seen, streaks, first_refused, lag_s)),
        crashed=_real(
            (start, end + WATCH_S, position) for position, pod in enumerate(pods) for start, end in pod.crashes
        ),
        loose_refusing=_real(loose_refusing),
        loose_vanished=_real(loose_vanished),
        loose_stopping=_real(loose_stopping),
    )


def _real(spans: Iterable[tuple[float, float, int]]) -> Spans:
    return tuple(span for span in spans if span[0] <= span[1])


def _starting(
    pods: Sequence[Life],
    listed: Endpoints,
    seen: Sightings,
    streaks: Streaks,
    first_refused: NDArray[np.float64],
    lag_s: float | None,
) -> list[tuple[float, float, int]]:
    """When a pod was listed and may not have been listening.

    A pod whose readiness probe connects to the Service's port listens once it is Ready. Any other may be listed long
    before it listens; that it does is shown by the first new connection that it answered, or, where answers name no
    pod, by a long run of good connections after the first refusal.
    """
    import numpy as np

    from harness.analysis.sightings import needed_in_a_row

    spans: list[tuple[float, float, int]] = []
    for position, pod in enumerate(pods):
        intervals: Intervals = (
            listed.listed.get(pod.uid, ())
            if listed.known
            else (((pod.ready, math.inf),) if pod.ready is not None else ())
        )
        if not intervals or pod.created is None:
            continue
        since = intervals[0][0] - WATCH_S
        until = pod.gone if pod.gone is not None else math.inf
        if pod.promise.listens_when_ready:
            ready = pod.ready if pod.ready is not None else until
            if intervals[0][0] < ready - WATCH_S:
                spans.append((since, ready + WATCH_S, position))
            continue
        if pod.uid in seen.first_new:
            until = min(until, seen.first_new[pod.uid])
        else:
            at = int(np.searchsorted(first_refused, since))
            onset = float(first_refused[at]) if at < len(first_refused) else math.inf
            quiet = since + lag_s if lag_s is not None else onset
            until = min(until, streaks.healthy_after(max(onset, quiet), needed_in_a_row(listed.most)))
        spans.append((since, until, position))
    return spans
