"""How late the watch is, and how far the cluster's clock can be trusted: what an event's arrival says of its moment."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from harness.analysis.observed.node_clocks import moment_of
from harness.model.observation import Observation

WATCH_S = 0.1
"""How late a watch event arrives here after what it tells, as a rule (measured: 0.002 to 0.06 s)."""

SLOW_WATCH_S = 0.3
"""... and at most, where a node is short of CPU. Asked only where nothing else explains a failure."""

RELIST_S = 10.0
"""How long after a lost watch its events are late: the pauses before it is taken up again."""

EXIT_S = 1.5
"""How long after a container's end its pod is surely shown as terminated, where the clocks cannot be compared."""


@dataclass(slots=True)
class Blindness:
    """A lost watch: what is shown soon after it happened at any time since the last event before."""

    last: float = 0.0
    since: float = 0.0
    until: float = float("-inf")

    def lost(self, mark: Observation) -> None:
        """Take note of a `gap` mark."""
        if mark.object.get("kind") in (None, "Pod"):
            self.since, self.until = self.last, mark.t + RELIST_S

    def earliest(self, t: float) -> float:
        """When what arrives at `t` can have happened at the earliest."""
        self.last = t if t > self.until else self.last
        return self.since if t <= self.until else t


class ClusterClock:
    """The wall clock of the cluster against the run's; usable only while nothing contradicts that they agree.

    `untrusted`: nodes whose own clocks are off (`node_clocks.untrusted_nodes`).
    """

    def __init__(self, t0_wall: float, untrusted: Collection[str] = ()) -> None:
        self.t0_wall, self._untrusted = t0_wall, untrusted
        self.agrees = t0_wall > 0

    def learn(self, seen: Observation) -> None:
        """An object cannot arrive before it was made; one that is new does not arrive seconds later."""
        if self.agrees and seen.type == "ADDED" and seen.t > 1.0:
            created = self.moment((seen.object.get("metadata") or {}).get("creationTimestamp"))
            if created is not None and not -1.5 <= created - seen.t <= 0.5:
                self.agrees = False

    def moment(self, text: str | None, node: str = "") -> float | None:
        """A timestamp of the API (whole seconds, rounded down) on the run's clock; None where it cannot be known.

        `node`: whose clock it is by, where that is a kubelet's.
        """
        if not self.agrees or not text or node in self._untrusted:
            return None
        at = moment_of(text)
        return None if at is None else at - self.t0_wall
