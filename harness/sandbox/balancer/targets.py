"""What a Service's targets are to be, and what their health checks found -> to which of them new connections go, when.

Pure: the clock is a parameter, and what is drawn comes from a seeded generator.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.sandbox.gates.conditions import Health

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from harness.sandbox.balancer.settings import BalancerSettings, Check

Key = tuple[str, int]
"""Address and port."""

Place = tuple[str, str, int]
"""Address of a front, the protocol of its port or the name of what it leads to, and its port."""


@dataclass(frozen=True, slots=True)
class Sending:
    """Of one place, the targets of new connections or requests, and all that have not been deregistered."""

    serving: tuple[Key, ...]
    registered: frozenset[Key]


@dataclass(slots=True, kw_only=True)
class Target:
    """One target. `begins`: when its health checks do; `leaves`: when it gets no more, infinite while it is to stay.

    `passed`, `failed`: checks in a row. `healthy`: as the checks found it; `new`: they have not found anything yet.
    `changes`: when the data plane goes by what.
    """

    key: Key
    begins: float
    leaves: float = math.inf
    next_check: float = 0.0
    passed: int = 0
    failed: int = 0
    healthy: bool = False
    new: bool = True
    changes: list[tuple[float, bool]] = field(default_factory=list)

    def serves(self, now: float) -> bool:
        """Whether the data plane takes it for healthy."""
        known = [healthy for since, healthy in self.changes if since <= now]
        return bool(known and known[-1])


class TargetGroup:
    """The targets of one port of a Service."""

    def __init__(self, settings: BalancerSettings, check: Check | None, random_: random.Random) -> None:
        self._settings, self._check, self._random = settings, check, random_
        self._targets: dict[Key, Target] = {}

    def want(self, keys: Iterable[Key], now: float) -> None:
        """The controller sees at `now` that these are the ones to send to."""
        wanted, settings = set(keys), self._settings
        for key in sorted(wanted - self._targets.keys()):
            begins = now + settings.controller.drawn(self._random) + settings.registration.drawn(self._random)
            target = Target(key=key, begins=begins, next_check=begins)
            if self._check is None:
                target.changes.append((begins + settings.propagation.drawn(self._random), True))
                target.healthy = True
            self._targets[key] = target
        for key, target in self._targets.items():
            if key in wanted:
                target.leaves = math.inf  # wanted again before it had left
            elif target.leaves == math.inf:
                delay_s = settings.controller.drawn(self._random) + settings.deregistration.drawn(self._random)
                target.leaves = now + delay_s

    def due_checks(self, now: float) -> list[Key]:
        """Those whose next health check is due, which is taken to be made now; none of one that is leaving."""
        if self._check is None:
            return []
        due = [each for each in self._targets.values() if each.next_check <= now and each.leaves == math.inf]
        for target in due:
            target.next_check = now + self._check.interval_s
        return [target.key for target in due]

    def checked(self, key: Key, passed: bool, now: float) -> None:
        """What a health check came to at `now`."""
        target = self._targets.get(key)
        if target is None or self._check is None:
            return
        target.passed, target.failed = (target.passed + 1, 0) if passed else (0, target.failed + 1)
        if target.new and target.failed >= self._check.unhealthy:
            target.new = False  # found unhealthy, it has to recover as any other
        good = self._check.first if target.new and self._check.first else self._check.healthy
        turns = target.passed >= good if not target.healthy else target.failed >= self._check.unhealthy
        if turns:
            target.healthy, target.new = not target.healthy, False
            target.changes.append((now + self._settings.propagation.drawn(self._random), target.healthy))

    def serving(self, now: float) -> tuple[Key, ...]:
        """To which new connections go: the healthy ones; where none is, with `fail_open`, all that are registered.

        AWS: docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html; GCP sends to all
        backends then too (cloud.google.com/load-balancing/docs/passthrough-network-load-balancer).
        """
        here = [target for target in self._targets.values() if target.begins <= now < target.leaves]
        healthy = [target for target in here if target.serves(now)]
        return tuple(sorted(target.key for target in (healthy or (here if self._settings.fail_open else []))))

    def health(self, key: Key, now: float) -> Health:
        """A target as the cloud's API shows it: as its checks found it, which the data plane may not go by yet."""
        target = self._targets.get(key)
        if target is None or target.begins > now:
            return Health.REGISTERING
        if target.healthy:
            return Health.HEALTHY
        return Health.UNHEALTHY if target.changes or target.failed else Health.INITIAL

    def sending(self, now: float) -> Sending:
        """To which targets it sends at `now`, and which it knows, healthy or not."""
        known = (target.key for target in self._targets.values() if target.begins <= now < target.leaves)
        return Sending(self.serving(now), frozenset(known))

    def forget(self, now: float) -> None:
        """Drop what has left."""
        self._targets = {key: target for key, target in self._targets.items() if target.leaves > now}

    def next_due(self, now: float) -> float:
        """The next moment at which something changes by itself or a check is due; infinite where nothing will."""
        moments = [math.inf]
        for target in self._targets.values():
            moments += [target.begins, target.leaves, *(since for since, _ in target.changes)]
            if self._check is not None and target.leaves == math.inf:
                moments.append(max(target.next_check, math.nextafter(now, math.inf)))
        return min(moment for moment in moments if moment > now)
