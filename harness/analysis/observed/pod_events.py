"""The watch events of one pod, one after another -> the moments of its life."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.analysis.observed.containers import Containers, containers, ending_words, last_finish
from harness.analysis.observed.lateness import EXIT_S, SLOW_WATCH_S, ClusterClock
from harness.analysis.observed.node_clocks import node_of
from harness.model.observation import Observation

CRASH_S = 0.1
"""How much earlier than it was written down a container may have been down."""

KILLING_S = 2.0
"""How long before the watch showed a deletion the kubelet's event of it may have come."""


@dataclass(slots=True)
class PodEvents:
    """What the events of one pod showed so far; `first` and `latest` object are kept. `forced`: it was deleted without
    any grace period, so that the API forgot it before it had ended. `failed`: when a container of it had failed, after
    it was to go. `fell_by`: by what the last one ended that nobody had asked to."""

    first: Observation
    latest: dict[str, Any]
    addresses: list[str] = field(default_factory=list)
    ready: float | None = None
    ready_now: bool = False
    unready_since: float | None = None
    unready: list[tuple[float, float]] = field(default_factory=list)
    deletion: float | None = None
    deletion_shown: float | None = None
    forced: bool = False
    finished: float | None = None
    ended: float | None = None
    ended_earliest: float | None = None
    gone: float | None = None
    restarts: int = 0
    down_since: float | None = None
    crashes: list[tuple[float, float]] = field(default_factory=list)
    disrupted: str | None = None
    killed: bool = False
    failed: float | None = None
    fell_by: str = ""

    def add(self, seen: Observation, earliest: float, clock: ClusterClock) -> None:
        """Take note of one event; `earliest`: when what it shows can have happened at the earliest."""
        self.latest = seen.object
        if seen.type == "DELETED":
            self.gone = self.gone or seen.t
            self._end_earliest(earliest)
        status = seen.object.get("status") or {}
        self._addresses(status)
        conditions = {condition.get("type"): condition for condition in status.get("conditions") or ()}
        disrupted = conditions.get("DisruptionTarget") or {}
        if disrupted.get("status") == "True":
            self.disrupted = str(disrupted.get("reason") or "DisruptionTarget")
        if self.deletion is None and _is_going(seen):
            self.deletion, self.deletion_shown = max(earliest, self.first.t), seen.t
            # The kubelet's own last call, which an end that nobody saw may be, asks for no grace period either.
            self.forced = _without_grace(seen) and (seen.type != "DELETED" or earliest == seen.t)
        self._readiness(seen.t, earliest, (conditions.get("Ready") or {}).get("status") == "True")
        self._containers(seen.t, earliest, containers(status), clock)

    def _addresses(self, status: dict[str, Any]) -> None:
        for entry in status.get("podIPs") or ({"ip": status.get("podIP")},):
            address = entry.get("ip")
            if address and address not in self.addresses:
                self.addresses.append(address)

    def _readiness(self, t: float, earliest: float, ready: bool) -> None:
        if ready and not self.ready_now:
            self.ready = t if self.ready is None else self.ready
            if self.unready_since is not None:
                self.unready.append((self.unready_since, t))
                self.unready_since = None
        elif self.ready_now and not ready:
            self.unready_since = max(earliest, self.first.t)
        self.ready_now = ready

    def _containers(self, t: float, earliest: float, shown: Containers, clock: ClusterClock) -> None:
        if shown.all_ended and (self.deletion is not None or shown.over):
            self.ended = self.ended or t
            self._end_earliest(earliest)
            self.killed |= shown.killed
            self._finish(t, shown, clock)
        elif self.deletion is None:
            self._crash(t, earliest, shown, clock)

    def _finish(self, t: float, shown: Containers, clock: ClusterClock) -> None:
        """When its containers ended for good, and whether one had failed; by what the first event shows that has it."""
        node = node_of(self.latest)
        if self.finished is None:
            self.finished = last_finish((*shown.ended, *shown.before), clock, node=node)
        if shown.failed and self.deletion is not None and self.failed is None:
            finish = last_finish(shown.failed, clock, node=node)
            self.failed = finish if finish is not None else t - EXIT_S
            self.fell_by = ending_words(shown.failed)

    def _end_earliest(self, earliest: float) -> None:
        if self.ended_earliest is None:
            self.ended_earliest = max(earliest, self.first.t)

    def _crash(self, t: float, earliest: float, shown: Containers, clock: ClusterClock) -> None:
        """A container that ended, or was started again, though nobody had asked for it; over when all are well."""
        fell = shown.ended or shown.restarts > self.restarts
        if fell and self.down_since is None and self.first.t < t:
            finish = last_finish(shown.last_ends, clock, node=node_of(self.latest), until=t)
            self.down_since = finish - CRASH_S if finish is not None else earliest - EXIT_S
            self.fell_by = ending_words(shown.last_ends)
        self.restarts = max(shown.restarts, self.restarts)
        if self.down_since is not None and self.ready_now and not shown.ended:
            self.crashes.append((self.down_since, t))
            self.down_since = None

    def all_crashes(self) -> tuple[tuple[float, float], ...]:
        """When it was down, the last time to its end where it did not come back."""
        open_end = self.gone or float("inf")
        return (*self.crashes, *(((self.down_since, open_end),) if self.down_since is not None else ()))

    def all_unready(self) -> tuple[tuple[float, float], ...]:
        """When it was not Ready any more, the last time without end where it did not become so again."""
        return (*self.unready, *(((self.unready_since, float("inf")),) if self.unready_since else ()))

    def deleted(self, killing: float | None) -> float | None:
        """The first sign that it is to go. `killing`: when the kubelet's event of it came; a pod that failed alone was
        never deleted, and went when it ended."""
        if self.deletion is None:
            return self.ended
        if killing is not None and self.deletion - KILLING_S <= killing < self.deletion:
            return killing
        return self.deletion

    def shown_ended(self) -> float | None:
        """When the watch showed that its containers had ended, or that it was gone."""
        return self.ended if self.ended is not None else self.gone

    def earliest_exit(self, deletion: float | None) -> float | None:
        """Its containers cannot have ended earlier; None of a pod that did not end."""
        ended = self.shown_ended()
        if self.finished is None and ended is None:
            return None
        shown = self.ended_earliest if self.ended_earliest is not None else ended or 0.0
        exit_ = self.finished if self.finished is not None else shown - EXIT_S
        return max(exit_, deletion - SLOW_WATCH_S) if deletion is not None else exit_


def _without_grace(seen: Observation) -> bool:
    return (seen.object.get("metadata") or {}).get("deletionGracePeriodSeconds") == 0


def _is_going(seen: Observation) -> bool:
    return bool((seen.object.get("metadata") or {}).get("deletionTimestamp")) or seen.type == "DELETED"
