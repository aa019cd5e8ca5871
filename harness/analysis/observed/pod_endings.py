"""Pods that ended and what controllers did -> who took each, and whether we had asked for it."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence

from harness.analysis.observed.controllers import SEEN_S, Controllers, UpdateRevision
from harness.analysis.observed.lateness import WATCH_S
from harness.analysis.observed.pods import Life
from harness.model.result import Taker
from harness.spec.ordinals import ordinal


def ours(pods: Sequence[Life], taken: Mapping[str, Taker], told: Controllers) -> frozenset[str]:
    """The uids of the pods that went because of what we did: by a rollout, or by an act that is on record.

    A scaling is ours while the workload wants as many pods as we asked for last; what goes while a deploy command runs
    is that one's doing.
    """
    return frozenset(pod.uid for pod in pods if pod.uid in taken and _is_ours(pod, taken[pod.uid], told))


def _is_ours(pod: Life, taker: Taker, told: Controllers) -> bool:
    if taker == Taker.ROLLOUT:
        return True
    shown = pod.end_shown or 0.0
    if taker == Taker.SCALING:
        return told.scaled_it(shown)
    if taker == Taker.FOREIGN and told.ran_at(shown):
        return True
    return taker in _BY_DISRUPTION.values() and told.took(pod.uid, shown) is not None


_BY_DISRUPTION = {"delete-pod": Taker.DELETION, "evict": Taker.EVICTION, "drain": Taker.EVICTION}


def takers(pods: Sequence[Life], told: Controllers) -> dict[str, Taker]:
    """Who took each pod that was deleted or failed, by uid. `told`: what is known of controllers.

    A ReplicaSet shrinks by the rollout when it is not of the Deployment's present template: its revision is no longer
    the newest, or the template changed since it became that (with strategy Recreate, the new ReplicaSet comes only when
    all old pods have gone). It shrinks by scaling when its desired number of the whole Deployment changed in the same
    step. A pod that no controller deleted was taken by a stranger, unless it was us.
    """
    return {pod.uid: _taker(pod, told) for pod in pods if pod.end is not None}


def _taker(pod: Life, told: Controllers) -> Taker:
    """By what is known of when it ended. What a lost watch leaves open is not to the rollout's good: it took the pod,
    if it did so at one end of that time."""
    found = [_taker_at(pod, t or 0.0, told) for t in sorted({pod.end, pod.end_shown}, key=lambda t: t or 0.0)]
    return Taker.ROLLOUT if Taker.ROLLOUT in found else found[-1]


def _taker_at(pod: Life, t: float, told: Controllers) -> Taker:
    if (deed := told.took(pod.uid, pod.end_shown or t)) is not None and deed.disruption in _BY_DISRUPTION:
        return _BY_DISRUPTION[deed.disruption]
    if pod.disrupted:
        return Taker.EVICTION
    if _crashed_for_good(pod):
        return Taker.CRASH
    if _by_stranger(pod, t, told):
        return Taker.FOREIGN
    if _by_scaling(pod, t, told):
        return Taker.SCALING
    return Taker.ROLLOUT if _last_change_was_ours(t, told) else Taker.FOREIGN


def _crashed_for_good(pod: Life) -> bool:
    return bool(pod.crashes) and pod.crashes[-1][1] == math.inf and pod.deletion is None


def _last_change_was_ours(t: float, told: Controllers) -> bool:
    """Whether the template that is rolled out at `t` is one of ours."""
    before = bisect_right(told.own, t + SEEN_S)  # ascending
    own = told.own[before - 1] if before else -math.inf
    foreign = max((change for change in told.foreign if change <= t + SEEN_S), default=-math.inf)
    return own > -math.inf and own >= foreign


def _by_stranger(pod: Life, t: float, told: Controllers) -> bool:
    """Whether no controller deleted it, though they say what they delete."""
    if not told.speaks or pod.name in told.deleted:
        return False
    if told.replica_set(pod.owner).shrinks_near(t) and not told.names_all_of(pod.owner):
        return False
    becoming = told.update_revision_at(t)
    return becoming is None or becoming.revision == pod.revision


def _by_scaling(pod: Life, t: float, told: Controllers) -> bool:
    owner = told.replica_set(pod.owner)
    shrinks = owner.shrinks_near(t)
    if shrinks and min(shrinks, key=lambda shrink: abs(t - shrink)) in owner.scalings:
        return True
    becoming = told.update_revision_at(t)
    return _not_to_be_replaced(pod, becoming) if becoming is not None else _of_the_present_template(pod, t, told)


def _not_to_be_replaced(pod: Life, becoming: UpdateRevision) -> bool:
    """Whether a StatefulSet's pod was none of those that it wants, or of the revision that all were to become."""
    number = ordinal(pod.name)
    return (number is not None and number not in becoming.ordinals) or pod.revision == becoming.revision


def _of_the_present_template(pod: Life, t: float, told: Controllers) -> bool:
    """Whether its ReplicaSet was the newest, had been since the template was last changed, and not only became it then,
    as the one to which an update goes back does."""
    at = t + WATCH_S
    numbers = {name: known for name, one in told.replica_sets.items() if (known := one.revision_at(at)) is not None}
    if len(numbers) < 2 or pod.owner not in numbers:
        return False
    since, number = numbers[pod.owner]
    changed = max((change for change in (*told.own, *told.foreign) if change <= t), default=-math.inf)
    return number == max(number for _, number in numbers.values()) and changed <= since <= t
