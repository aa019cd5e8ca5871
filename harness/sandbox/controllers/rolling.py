"""Sizes of a Deployment's ReplicaSets -> the next sizes: surge, unavailability, proportions. Pure arithmetic.

Source: kubernetes `pkg/controller/deployment/rolling.go`, `sync.go` and `util/deployment_util.go`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How far a rolling update may stray from `replicas`, in pods."""

    replicas: int
    max_surge: int
    max_unavailable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """One ReplicaSet: what it is asked for, what is available, and what its Deployment's maximum was when last scaled.

    `created` orders sets by age; `max_before` is 0 where it is not known.
    """

    name: str
    replicas: int
    available: int = 0
    created: float = 0.0
    max_before: int = 0


def bounds(replicas: int, max_surge: int | str, max_unavailable: int | str) -> Bounds:
    """Percentages resolved: surge is rounded up, unavailable down; both zero would never move, so one may be missing.

    >>> bounds(3, "25%", "25%")
    Bounds(replicas=3, max_surge=1, max_unavailable=0)
    >>> bounds(3, 0, "25%")
    Bounds(replicas=3, max_surge=0, max_unavailable=1)
    """
    surge = resolved(max_surge, replicas, up=True)
    unavailable = resolved(max_unavailable, replicas, up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Bounds(replicas=replicas, max_surge=surge, max_unavailable=min(unavailable, replicas))


def new_size(at: Bounds, new: Sized, old: Sequence[Sized]) -> int:
    """The size of the new set in a rolling update: up as far as the surge allows, down at once."""
    if new.replicas >= at.replicas:
        return at.replicas
    room = at.replicas + at.max_surge - new.replicas - sum(item.replicas for item in old)
    return new.replicas + min(max(room, 0), at.replicas - new.replicas)


def old_sizes(at: Bounds, new: Sized, old: Sequence[Sized]) -> dict[str, int]:
    """The sets among `old` that shrink, by name: first those pods that are not available anyway, then, oldest sets
    first, as many as keep `replicas - max_unavailable` available.
    """
    sizes = {item.name: item.replicas for item in old}
    minimum = at.replicas - at.max_unavailable
    waiting = new.replicas - new.available
    most = sum(sizes.values()) + new.replicas - minimum - waiting
    if most <= 0 or not any(sizes.values()):
        return {}
    by_age = sorted(old, key=lambda item: (item.created, item.name))
    removed = 0
    for item in by_age:
        count = min(most - removed, item.replicas - item.available)
        if item.replicas and count > 0:
            sizes[item.name] -= count
            removed += count
    # A set that was just scaled down may still report the pods it gave up: never more than its size allows.
    spare = min(sum(item.available for item in old) + new.available - minimum, most - removed)
    for item in by_age:
        count = min(sizes[item.name], spare)
        if count > 0:
            sizes[item.name] -= count
            spare -= count
    return {item.name: sizes[item.name] for item in old if sizes[item.name] != item.replicas}


def proportional_sizes(at: Bounds, sets: Sequence[Sized], max_before: int) -> dict[str, int]:
    """Sizes of the active sets when the Deployment is scaled in the middle of a rollout.

    What is added or taken is shared in proportion to the sets' sizes, the largest set takes the rounding; `max_before`
    is the Deployment's size as last reported, for sets that do not tell.
    """
    allowed = at.replicas + at.max_surge if at.replicas > 0 else 0
    to_add = allowed - sum(item.replicas for item in sets)
    newest_first = to_add > 0
    ordered = sorted(
        sets, key=lambda item: (-item.replicas, -item.created if newest_first else item.created, item.name)
    )
    added, sizes = 0, {}
    for item in ordered:
        share = _share(at, item, to_add, added, max_before) if to_add else 0
        sizes[item.name] = item.replicas + share
        added += share
    if ordered and to_add:
        first = ordered[0].name
        sizes[first] = max(sizes[first] + to_add - added, 0)
    return sizes


def _share(at: Bounds, item: Sized, to_add: int, added: int, max_before: int) -> int:
    if item.replicas == 0 or to_add == added:
        return 0
    rest = to_add - added
    if at.replicas == 0:
        fraction = -item.replicas
    else:
        before = item.max_before or max_before
        if before == 0:
            return 0
        fraction = _rounded(item.replicas * (at.replicas + at.max_surge) / before) - item.replicas
    return min(fraction, rest) if to_add > 0 else max(fraction, rest)


def _rounded(value: float) -> int:
    """Half away from zero."""
    return int(math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1))


def resolved(value: int | str, total: int, *, up: bool) -> int:
    """A number of pods that is a number, or a percentage of the total, rounded up or down."""
    if isinstance(value, int):
        return max(value, 0)
    try:
        percent = int(value.removesuffix("%"))
    except ValueError:
        return 0
    return max(-(-percent * total // 100) if up else percent * total // 100, 0)
