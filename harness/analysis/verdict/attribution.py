"""Causes and who took each pod -> which failures each rollout has to answer for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.analysis.causes.explained import Explained
from harness.analysis.causes.intervals import NOBODY, Spans, cover, frozen
from harness.analysis.causes.row import Charge, Fault, Row, Way
from harness.analysis.observed.lateness import SLOW_WATCH_S
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.pods import Life
from harness.analysis.observed.windows import OUTSIDE
from harness.analysis.verdict.strangers import by_strangers, leavings

ABSENCE_S = 1.0
"""How far the moment at which the last endpoint went may lie from the deletion of its pod."""

RECOVERY_S = 60.0
"""How long after the list was filled again a data plane may still reject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Per failure: whether a rollout has to answer for it (`own`), and the position of that rollout (`at`).

    `nobodys`: it has the cause of a rollout, came after the load had warmed up, and no rollout is charged with it.
    """

    own: NDArray[np.bool_]
    at: NDArray[np.int64]
    nobodys: NDArray[np.bool_]

    def __post_init__(self) -> None:
        frozen(self.own, self.at, self.nobodys)

    def of(self, position: int) -> NDArray[np.bool_]:
        """The failures for which the rollout at this position has to answer."""
        return np.asarray(self.own & (self.at == position))

    def counted_at(self, seen: Observed) -> NDArray[np.int64]:
        """Per failure, the position of the window in which it counts.

        It is the rollout that has to answer for it, be it that it was sent in the control window and cut after the
        update; else the window in which it was due.
        """
        due_at = seen.windows.positions(seen.requests.failures["scheduled"].to_numpy())
        return np.asarray(np.where(self.own, self.at, due_at))


def attribute(seen: Observed, why: Explained) -> Attribution:
    """Charge failures to the rollouts that caused them.

    A request that was cut belongs to the rollout that cut it, even if it was scheduled before. Where somebody else's
    pod could have been the one, the rollout has not been shown to be at fault; nor where that rests on what the harness
    took in only after it had stood still.
    """
    cut = why.causes.by(lambda row: Charge.PODS_THAT_CUT in row.charged)
    moments = np.where(cut, why.failures.ended, why.failures.sent)
    at = seen.windows.positions(moments)
    # As far as the worker's clock is unsure, what may belong to a rollout does.
    unsure_s = max((clock.uncertainty_s for clock in seen.run.info.clocks), default=0.0)
    at = np.where(at < 0, np.maximum(at, seen.windows.positions(moments + unsure_s)), at)
    own = charged_at_all = why.causes.by(lambda row: bool(row.charged))
    for charge, innocent in _INNOCENT.items():
        charged = why.causes.by(lambda row, charge=charge: charge in row.charged)  # type: ignore[misc]
        if charged.any():
            own = own & (~charged | ~innocent(seen, why))
    if seen.run.info.strict_idle_close:
        own = own | why.causes.by(_is_idle_close)
    own = own & (at >= 0)
    return Attribution(own=own, at=at, nobodys=charged_at_all & ~own & (at != OUTSIDE))


def _is_idle_close(row: Row) -> bool:
    return row.fault == Fault.CLIENT


def _other_took(seen: Observed, pod: Life) -> bool:
    """Whether this pod's end is not the doing of our rollout, or of what else we did."""
    return pod.uid not in seen.ours


def _end_unsure(seen: Observed, pod: Life) -> bool:
    """Whether it was taken in late when this pod was told to go, left the list, or ended."""
    listed = seen.endpoints.listed.get(pod.uid, ())
    told = seen.endpoints.terminating.get(pod.uid)
    return seen.stalls.unsure(pod.end_shown, pod.ended, told, *(until for _, until in listed))


def _start_unsure(seen: Observed, pod: Life) -> bool:
    """Whether it was taken in late when this pod came, was Ready, or was listed."""
    listed = seen.endpoints.listed.get(pod.uid, ())
    return seen.stalls.unsure(pod.created, pod.ready, *(since for since, _ in listed))


def _other_started(seen: Observed, pod: Life) -> bool:
    """Whether this pod's start is not the rollout's doing."""
    span = seen.windows.at(pod.created) if pod.created is not None else None
    return span is None or (span.settled is not None and pod.created is not None and pod.created > span.settled)


def _by_others(
    seen: Observed,
    why: Explained,
    ways: tuple[Way, ...],
    moments: NDArray[np.float64],
    is_other: Callable[[Observed, Life], bool],
    is_unsure: Callable[[Observed, Life], bool],
) -> NDArray[np.bool_]:
    """Per failure, whether the pod that is named is somebody else's doing; without a name, whether one may have been
    it. From a standstill of the harness on, pods of which it took in late what became of them are taken for that."""
    by_others = _are(seen, why, ways, moments, is_other)
    since = min((one.start for one in seen.stalls.of_harness), default=math.inf) - SLOW_WATCH_S
    return by_others | ((moments >= since) & _are(seen, why, ways, moments, is_unsure))


def _are(
    seen: Observed,
    why: Explained,
    ways: tuple[Way, ...],
    moments: NDArray[np.float64],
    is_one: Callable[[Observed, Life], bool],
) -> NDArray[np.bool_]:
    """Per failure, whether the pod that is named is one of those; without a name, whether one may have been it."""
    others = [is_one(seen, pod) for pod in seen.pods]
    spans: Spans = tuple(span for way in ways for span in why.windows[way] if others[span[2]])
    pod = why.causes.pod
    named = np.array([*others, False], dtype=bool)[pod]  # NOBODY is the last
    return np.where(pod != NOBODY, named, cover(spans, moments).count > 0)


def _went(seen: Observed, why: Explained) -> NDArray[np.bool_]:
    ways = (Way.LOOSE_REFUSING, Way.LOOSE_VANISHED)
    others = _by_others(seen, why, ways, why.failures.sent, _other_took, _end_unsure)
    return others | by_strangers(why, leavings(seen), why.failures.sent)


def _cut(seen: Observed, why: Explained) -> NDArray[np.bool_]:
    others = _by_others(seen, why, (Way.LOOSE_STOPPING,), why.failures.ended, _other_took, _end_unsure)
    return others | by_strangers(why, leavings(seen), why.failures.ended)


def _came(seen: Observed, why: Explained) -> NDArray[np.bool_]:
    return _by_others(seen, why, (Way.STARTING, Way.UNREGISTERED), why.failures.sent, _other_started, _start_unsure)


def _emptied(seen: Observed, why: Explained) -> NDArray[np.bool_]:
    """Whether the endpoints that were missing when each request was sent had been taken away by somebody else."""
    moments = why.failures.sent
    ours = np.zeros(len(moments), dtype=bool)
    for empty, filled in seen.endpoints.empty:
        ours_to_take = (pod for pod in _last_listed(seen, empty) if not _end_unsure(seen, pod))
        if any(not _other_took(seen, pod) for pod in ours_to_take) and not seen.stalls.unsure(filled):
            later = [start for start, _ in seen.endpoints.empty if start > empty]
            until = min(later, default=float("inf"))
            ours |= (moments >= empty - ABSENCE_S) & (moments < until) & (moments <= filled + RECOVERY_S)
    return ~ours


def _last_listed(seen: Observed, empty: float) -> list[Life]:
    """The pods with whose leaving the list became empty, where they left it because they were deleted."""
    return [
        pod
        for pod in seen.pods
        if pod.deletion is not None
        and pod.deletion <= empty + ABSENCE_S
        and any(end == empty for _, end in seen.endpoints.listed.get(pod.uid, ()))
    ]


_INNOCENT: dict[Charge, Callable[[Observed, Explained], NDArray[np.bool_]]] = {
    Charge.PODS_THAT_WENT: _went,
    Charge.PODS_THAT_CUT: _cut,
    Charge.PODS_THAT_CAME: _came,
    Charge.ENDPOINTS: _emptied,
}
"""By charge, per failure whether somebody else did it, or may have."""
