"""Moments at which requests were lost, and suspect times -> chains of them, held against what chance loses.

What takes a share of all requests fails them one close after the other, with no more good ones between them than that
share leaves. A packet that is lost on its way is alone, or comes in a burst that has nothing to do with any pod. So
losses are put together into chains, and a chain is held against what the times show that are not suspect: how often one
is lost alone, and how often so many at once. The unit is a chain, not a request, because losses come in bursts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

from harness.analysis.causes.intervals import frozen
from harness.analysis.statistics import P_VALUE, excess, poisson_tail

LINK = 0.01
"""How improbable a gap between two losses may be for a pod's share to still join them."""

CHANCE = 0.001
"""How improbable it must be that losses on the way make one such chain, among all requests of the rollouts."""

ALIKE = 2.0
"""How much smaller a burst may be and still be one of the same kind."""

EVERYWHERE = 1e-6
"""How improbable it must be that the share of those pods that were stopping makes up so many of all requests."""

ENOUGH = 5
"""How many of a chain must have been lost while no pod can be to blame, so that a rate is known."""

Intervals = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """Per loss: whether it is in a chain such as losses on the way do not make (`chain`), whether they explain it
    (`chance`), whether they were seen as often while nothing was done (`background`), whether so many failed with it
    that other pods must have failed too (`everywhere`), and whether so many came as pods stopped, and at no other time,
    that only bursts explain them (`at_stops`)."""

    chain: NDArray[np.bool_]
    chance: NDArray[np.bool_]
    background: NDArray[np.bool_]
    everywhere: NDArray[np.bool_]
    at_stops: NDArray[np.bool_]

    def __post_init__(self) -> None:
        frozen(self.chain, self.chance, self.background, self.everywhere, self.at_stops)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What may have been lost, and what was not: ascending moments of the sending.

    `lost`: of those in question; `suspects`: of how many pods each can have been the loss; `refused`: of others that
    show as well that a pod took its share and did not answer; `good`: of those that were answered. `endpoints`: how
    many pods shared them, at most. `fewest`: of each that was lost, among how few pods it was shared out at least; one
    where all connections of a client go to the same pod. `first`, `last`: of the whole run.
    """

    lost: NDArray[np.float64]
    suspects: NDArray[np.int64]
    refused: NDArray[np.float64]
    good: NDArray[np.float64]
    endpoints: int
    fewest: NDArray[np.int64]
    first: float
    last: float


def held_against_chance(sample: Sample, suspect: Intervals, rolling: Intervals, deaf: Intervals = ()) -> Losses:
    """Whether chance explains each loss. `suspect`: when a pod can have been to blame; `rolling`: when rollouts went
    on; `deaf`: when a pod that was there may have taken no more, which costs one here and there, and no other time."""
    moments = np.concatenate((sample.lost, sample.refused))
    order = np.argsort(moments, kind="stable")
    joint = np.empty(len(order), dtype=np.int64)
    joint[order] = _chains(moments[order], sample.good, sample.endpoints)
    of, refused = joint[: len(sample.lost)], joint[len(sample.lost) :]
    sizes = np.bincount(joint)
    chains = Chains(of=of, sizes=sizes, refusing=np.bincount(refused, minlength=len(sizes)) > 0)
    of_pods = _Tally(chains, sample, joined(suspect))
    of_rollouts = _Tally(chains, sample, joined([*suspect, *rolling]))
    explained = np.array(
        [(of_pods if of_pods.concerns(one) else of_rollouts).explains(one) for one in range(len(sizes))]
    )
    of_deaf = _Tally(chains, sample, joined(deaf))
    if of_deaf.probability(*of_deaf.numbers(explained)) < CHANCE:
        explained &= ~of_deaf.busy_chain
    others_too = _everywhere(sample, of, len(sizes)) & ~explained & ~chains.refusing
    chain = ~explained[of] & ~others_too[of]
    within, without = of_rollouts.numbers(explained)
    if of_rollouts.probability(within, without) < CHANCE:  # each alone is chance; so many of them are not
        explained &= ~of_rollouts.busy_chain
    as_many = without > 0 and of_rollouts.probability(within, without) >= P_VALUE
    inside = _inside(sample.lost, joined(deaf))
    return Losses(
        chain=chain,
        chance=explained[of],
        background=explained[of] & as_many,
        everywhere=others_too[of],
        at_stops=inside & (of_deaf.probability(int(inside.sum()), int((~inside).sum())) < P_VALUE),
    )


def everywhere(sample: Sample) -> NDArray[np.bool_]:
    """Per loss, whether so many failed with it that pods must have failed too which were not among the suspects."""
    of = _chains(sample.lost, sample.good, sample.endpoints)
    return _everywhere(sample, of, int(of.max(initial=-1)) + 1)[of]


def _everywhere(sample: Sample, of: NDArray[np.int64], chains: int) -> NDArray[np.bool_]:
    """By chain, whether it is more than the share that its suspects can have had of all requests from its first to its
    last. `of`: the chain of each loss.

    Of m endpoints some may have left the list meanwhile; so half of m is what the others are counted as, at most.
    """
    found = np.zeros(chains, dtype=bool)
    if not len(of):
        return found
    chain, first = np.unique(of, return_index=True)
    last = np.append(first[1:], len(of)) - 1
    suspects, fewest = np.maximum.reduceat(sample.suspects, first), np.minimum.reduceat(sample.fewest, first)
    share = suspects / np.clip(fewest, 1, math.ceil(max(1, sample.endpoints) / 2))
    good = np.searchsorted(sample.good, sample.lost[last]) - np.searchsorted(sample.good, sample.lost[first])
    size, some = last - first + 1, (suspects > 0) & (share < 1.0)
    found[chain[some]] = bdtrc(size[some] - 1, (size + good)[some], share[some]) < EVERYWHERE
    found[chain] |= _goes_on(sample, first, last)
    return found


def _goes_on(sample: Sample, first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.bool_]:
    """By chain, from its `first` loss to its `last`, whether as large a part was lost beside the times in which a pod
    can have been to blame as in them: what goes on like that has not come by a pod's end."""
    places = np.arange(len(sample.lost))
    begins = np.minimum.reduceat(np.where(sample.suspects > 0, places, len(places)), first)
    ends = np.maximum.reduceat(np.where(sample.suspects > 0, places, -1), first)
    found = np.zeros(len(first), dtype=bool)
    for at in np.flatnonzero((begins <= ends) & ((begins - first) + (last - ends) >= ENOUGH)).tolist():
        edges = sample.lost[[first[at], begins[at], ends[at], last[at]]]
        good = np.diff(np.searchsorted(sample.good, edges)).tolist()
        then, beside = int(ends[at] - begins[at]) + 1, int(begins[at] - first[at] + last[at] - ends[at])
        found[at] = excess(then, then + good[1], beside, beside + good[0] + good[2]) >= P_VALUE
    return found


def joined(spans: Intervals) -> Intervals:
    """The spans, ascending and apart; what ends before it begins is none."""
    found: list[tuple[float, float]] = []
    for start, end in sorted(span for span in spans if span[0] <= span[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Chains:
    """The chain `of` each loss; by chain its size, and whether refused connections are in it."""

    of: NDArray[np.int64]
    sizes: NDArray[np.int64]
    refusing: NDArray[np.bool_]


def _power(base: float, exponent: int) -> float:
    """The power, infinite where no float holds it: where most is lost, chance makes chains of any length.

    >>> _power(2.0, 3), _power(2.0, 5000), _power(0.5, 5000)
    (8.0, inf, 0.0)
    """
    try:
        return float(base**exponent)
    except OverflowError:
        return math.inf


def _inside(moments: NDArray[np.float64], spans: Intervals) -> NDArray[np.bool_]:
    if not spans:
        return np.zeros(len(moments), dtype=bool)
    starts, ends = (np.array(side) for side in zip(*spans, strict=True))
    at = np.searchsorted(starts, moments, side="right") - 1
    return np.asarray((at >= 0) & (moments <= ends[np.maximum(at, 0)]))


def _number_inside(ascending: NDArray[np.float64], spans: Intervals) -> int:
    """How many of the moments lie in one of the spans."""
    return sum(int(np.searchsorted(ascending, e, "right") - np.searchsorted(ascending, s, "left")) for s, e in spans)


def _chains(times: NDArray[np.float64], good: NDArray[np.float64], endpoints: int) -> NDArray[np.int64]:
    """The number of the chain to which each of the ascending `times` belongs."""
    if not len(times):
        return np.zeros(0, dtype=np.int64)
    between = np.diff(np.searchsorted(good, times))
    return np.concatenate(([0], np.cumsum(between > link_length(endpoints))))


def link_length(endpoints: int) -> float:
    """How many good requests may lie between two that went to the same one of `endpoints` and one more.

    >>> round(link_length(1)), round(link_length(3))
    (7, 16)
    """
    return math.log(LINK) / math.log(1.0 - 1.0 / (max(endpoints, 1) + 1))


class _Tally:
    """What is known of the losses of a run in and outside of some busy times."""

    def __init__(self, chains: Chains, sample: Sample, busy: Intervals) -> None:
        self._chains = chains
        self._inside = inside = _inside(sample.lost, busy)
        self._link = link_length(sample.endpoints)
        self.busy_chain = np.zeros(len(chains.sizes), dtype=bool)
        np.logical_or.at(self.busy_chain, chains.of, inside)
        self._unanswering = np.bincount(chains.of, minlength=len(chains.sizes)) > 0
        busy_good = _number_inside(sample.good, busy)
        self._requests_in = busy_good + int(inside.sum())
        self._requests_out = len(sample.good) - busy_good + int((~inside).sum())
        self._busy_s = sum(max(0.0, min(stop, sample.last) - start) for start, stop in busy)
        self._quiet_s = max(0.0, sample.last - sample.first - self._busy_s)

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
        rate = (int((~self._inside).sum()) + 1) / (self._requests_out + 1)
        expected = self._requests_in * rate * _power(self._link * rate, size - 1)
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
        return excess(within, self._requests_in, without, self._requests_out)
