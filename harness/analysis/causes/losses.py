"""Unanswered requests, in and outside of what a rollout does -> whether chance on the way explains them.

A pod that is gone and still listed takes its share of *all* new connections until the data plane has synced: they go
unanswered one close after the other, with no more good ones between them than that share leaves. A packet that is lost
on its way is alone, or comes in a burst that has nothing to do with any pod. So unanswered connections are put together
into chains, and a chain is held against what the times show in which nothing was done: how often one is lost alone, and
how often so many at once. The unit is a chain, not a request, because losses come in bursts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.analysis.causes.data_plane import DataPlane
from harness.analysis.causes.intervals import frozen
from harness.analysis.causes.row import Way
from harness.analysis.causes.streaks import Streaks
from harness.analysis.causes.time_windows import TimeWindows
from harness.analysis.observed.observed import Observed
from harness.analysis.statistics import P_VALUE, excess, poisson_tail

LINK = 0.01
"""How improbable a gap between two unanswered connections may be for a pod's share to still join them."""

CHANCE = 0.001
"""How improbable it must be that losses on the way make one such chain, among all connections of the rollouts."""

ALIKE = 2.0
"""How much smaller a burst may be and still be one of the same kind."""

UNKNOWN_LAG_S = 15.0
"""How long after a rollout a data plane may still send to its old pods, where its period is not known."""

Intervals = list[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """Per failure, of unanswered connections only: whether it is in a chain such as losses on the way do not make
    (`chain`), whether they explain it (`chance`), and whether they were seen as often while nothing was done
    (`background`)."""

    chain: NDArray[np.bool_]
    chance: NDArray[np.bool_]
    background: NDArray[np.bool_]

    def __post_init__(self) -> None:
        frozen(self.chain, self.chance, self.background)


def losses(
    seen: Observed, unanswered: NDArray[np.bool_], streaks: Streaks, plane: DataPlane, windows: TimeWindows
) -> Losses:
    """Hold the chains of unanswered connections against chance. `unanswered`: which failures are such."""
    failures = seen.requests.failures
    sent, refused = failures["started"].to_numpy(), (failures["outcome"] == "connect-refused").to_numpy()
    chain, chance, background = (np.zeros(len(sent), dtype=bool) for _ in range(3))
    if not unanswered.any():
        return Losses(chain=chain, chance=chance, background=background)
    good = np.sort(np.concatenate([np.empty(0), *(side for side, _ in streaks.workers)]))
    # What was refused was not lost, but it shows as well that a pod was still sent to.
    joint = _chains(sent[unanswered | refused], good, seen.endpoints.most)
    lost = unanswered[unanswered | refused]
    chains = Chains(of=joint[lost], sizes=np.bincount(joint), refusing=np.bincount(joint, weights=~lost) > 0)
    times = sent[unanswered]
    # Of a pod that is gone there is no chain but while it may have been sent to; of a rollout, but while it goes on.
    gone = [(start, end) for way in (Way.VANISHED, Way.LOOSE_VANISHED) for start, end, _ in windows[way]]
    of_pods = _Tally(chains, times, good, _joined(gone), seen)
    of_rollouts = _Tally(chains, times, good, _joined([*gone, *_rolling(seen, plane)]), seen)
    explained = np.array(
        [(of_pods if of_pods.concerns(one) else of_rollouts).explains(one) for one in range(len(chains.sizes))]
    )
    chain[unanswered] = ~explained[chains.of]
    within, without = of_rollouts.numbers(explained)
    if of_rollouts.probability(within, without) < CHANCE:  # each alone is chance; so many of them are not
        explained &= ~of_rollouts.busy_chain
    chance[unanswered] = explained[chains.of]
    as_many = without > 0 and of_rollouts.probability(within, without) >= P_VALUE
    background[unanswered] = explained[chains.of] & as_many
    return Losses(chain=chain, chance=chance, background=background)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chains:
    """The chain `of` each unanswered connection; by chain its size, and whether refused connections are in it."""

    of: NDArray[np.int64]
    sizes: NDArray[np.int64]
    refusing: NDArray[np.bool_]


def _rolling(seen: Observed, plane: DataPlane) -> Intervals:
    """When each rollout went on: until it had settled, and the data plane had heard of it."""
    lag_s = UNKNOWN_LAG_S if plane.lag_s is None else plane.lag_s
    return [
        (span.update, min(span.end, (span.settled if span.settled is not None else math.inf) + lag_s))
        for span in seen.windows.rollouts
    ]


def _joined(spans: Intervals) -> Intervals:
    """The spans, ascending and apart."""
    joined: Intervals = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _inside(moments: NDArray[np.float64], spans: Intervals) -> NDArray[np.bool_]:
    if not spans:
        return np.zeros(len(moments), dtype=bool)
    starts, ends = (np.array(side) for side in zip(*spans, strict=True))
    at = np.searchsorted(starts, moments, side="right") - 1
    return np.asarray((at >= 0) & (moments <= ends[np.maximum(at, 0)]))


def _chains(times: NDArray[np.float64], good: NDArray[np.float64], endpoints: int) -> NDArray[np.int64]:
    """The number of the chain to which each of the ascending `times` belongs."""
    if not len(times):
        return np.zeros(0, dtype=np.int64)
    between = np.diff(np.searchsorted(good, times))
    return np.concatenate(([0], np.cumsum(between > link_length(endpoints))))


def link_length(endpoints: int) -> float:
    """How many good connections may lie between two that went to the same one of `endpoints` and one more.

    >>> round(link_length(1)), round(link_length(3))
    (7, 16)
    """
    return math.log(LINK) / math.log(1.0 - 1.0 / (max(endpoints, 1) + 1))


class _Tally:
    """What is known of the losses of a run in and outside of some busy times."""

    def __init__(
        self,
        chains: Chains,
        times: NDArray[np.float64],
        good: NDArray[np.float64],
        busy: Intervals,
        seen: Observed,
    ) -> None:
        self._chains = chains
        self._inside = inside = _inside(times, busy)
        self._link = link_length(seen.endpoints.most)
        self.busy_chain = np.zeros(len(chains.sizes), dtype=bool)
        np.logical_or.at(self.busy_chain, chains.of, inside)
        self._unanswering = np.bincount(chains.of, minlength=len(chains.sizes)) > 0
        busy_good = int(_inside(good, busy).sum())
        self._connections_in = busy_good + int(inside.sum())
        self._connections_out = len(good) - busy_good + int((~inside).sum())
        end = seen.requests.last
        self._busy_s = sum(max(0.0, min(stop, end) - start) for start, stop in busy)
        self._quiet_s = max(0.0, end - seen.requests.first - self._busy_s)

    def concerns(self, chain: int) -> bool:
        """Whether some of the chain came in busy times."""
        return bool(self.busy_chain[chain])

    def explains(self, chain: int) -> bool:
        """Whether chance explains a chain: losses that come alone, or bursts as they come at other times too."""
        if not self.concerns(chain):
            return True
        if self._chains.refusing[chain]:
            return False
        size = int(self._chains.sizes[chain])
        rate = (int((~self._inside).sum()) + 1) / (self._connections_out + 1)
        expected = self._connections_in * rate * (self._link * rate) ** (size - 1)
        return -math.expm1(-expected) >= CHANCE or self._bursts(size)

    def _bursts(self, size: int) -> bool:
        """Whether chains of this size come outside of busy times, and not more rarely than within."""
        large = (self._chains.sizes >= max(2, size / ALIKE)) & ~self._chains.refusing
        within, without = int((large & self.busy_chain).sum()), int((large & ~self.busy_chain).sum())
        if not without or not self._quiet_s:
            return False
        return poisson_tail(within, (without + 1) * self._busy_s / self._quiet_s) >= P_VALUE

    def numbers(self, explained: NDArray[np.bool_]) -> tuple[int, int]:
        """How many of the explained chains came in busy times, and how many outside."""
        chains = explained & self._unanswering
        return int((chains & self.busy_chain).sum()), int((chains & ~self.busy_chain).sum())

    def probability(self, within: int, without: int) -> float:
        """How probably chance puts so many of all chains into busy times."""
        return excess(within, self._connections_in, without, self._connections_out)
