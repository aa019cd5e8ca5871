"""The timeline -> what the controllers of the application's pods were told and did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from harness.analysis.observed.ownership import Ownership
from harness.model.observation import MarkType, Observation
from harness.spec.rolling import wanted_replicas
from harness.spec.template import same_template
from harness.spec.workload import WORKLOAD_KINDS, Object

OWN_CHANGE_S = 5.0
"""How long after our own update mark a change of the application's template is taken for ours."""

RS_S = 3.0
"""How long before a pod's deletion its controller was told to have fewer pods."""

SEEN_S = 1.0
"""How much later than the deletion of a pod the watch may show what led to it."""

DESIRED = "deployment.kubernetes.io/desired-replicas"
REVISION = "deployment.kubernetes.io/revision"


@dataclass(slots=True)
class ReplicaSetHistory:
    """One ReplicaSet. `shrinks`: when it was told to have fewer pods; `scalings`: those of them that came with another
    desired number of the whole Deployment. `revisions`: since when it had which number."""

    replicas: int | None = None
    desired: str | None = None
    shrinks: list[float] = field(default_factory=list)
    scalings: list[float] = field(default_factory=list)
    revisions: list[tuple[float, int]] = field(default_factory=list)

    def add(self, t: float, shown: Object) -> None:
        """Take note of how the watch showed it."""
        annotations = (shown.get("metadata") or {}).get("annotations") or {}
        now, desired = wanted_replicas(shown.get("spec") or {}), annotations.get(DESIRED)
        if self.replicas is not None and now < self.replicas:
            self.shrinks.append(t)
            if desired != self.desired and desired is not None and self.desired is not None:
                self.scalings.append(t)
        self.replicas, self.desired = now, desired
        number = str(annotations.get(REVISION, ""))
        if number.isdigit() and (not self.revisions or self.revisions[-1][1] != int(number)):
            self.revisions.append((t, int(number)))

    def shrinks_near(self, t: float) -> list[float]:
        """When it was told to have fewer pods, such that a deletion at `t` can follow from it."""
        return [shrink for shrink in self.shrinks if t - RS_S <= shrink <= t + SEEN_S]

    def revision_at(self, t: float) -> tuple[float, int] | None:
        """Its number at `t`, and since when it had it."""
        known = [entry for entry in self.revisions if entry[0] <= t]
        return known[-1] if known else None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRevision:
    """What a StatefulSet was to become: since when, which revision, how many replicas."""

    t: float
    revision: str
    replicas: int


@dataclass(slots=True)
class Controllers:
    """What the timeline says of the pods' controllers.

    `deleted`: names of pods that a controller said it deleted; `speaks`: whether controllers' events are there at all.
    `own`, `foreign`: when we, and others, changed the application's template.
    """

    owned: Ownership
    replica_sets: dict[str, ReplicaSetHistory] = field(default_factory=dict)
    update_revisions: list[UpdateRevision] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    speaks: bool = False
    own: list[float] = field(default_factory=list)
    foreign: list[float] = field(default_factory=list)
    _template: Any = None

    def add(self, seen: Observation) -> None:
        """Take note of one event of the timeline."""
        if seen.kind == "Mark" and seen.type == MarkType.UNDO:
            self.own = sorted([*self.own, seen.t])
        elif seen.kind == "ReplicaSet" and seen.type != "DELETED":
            name = str((seen.object.get("metadata") or {}).get("name"))
            if self.owned.has_replica_set(name):
                self.replica_sets.setdefault(name, ReplicaSetHistory()).add(seen.t, seen.object)
        elif seen.kind in WORKLOAD_KINDS:
            if self.owned.is_workload(seen.object, seen.kind):
                self._workload(seen)
        elif seen.kind == "Event":
            self._event(seen.object)

    def _workload(self, seen: Observation) -> None:
        spec = seen.object.get("spec") or {}
        template = spec.get("template")
        if self._template is not None and not same_template(template, self._template):
            ours = any(0.0 <= seen.t - mark <= OWN_CHANGE_S for mark in self.own)
            if not ours:
                self.foreign.append(seen.t)
        self._template = template
        revision = (seen.object.get("status") or {}).get("updateRevision")
        if revision:
            self.update_revisions.append(
                UpdateRevision(t=seen.t, revision=str(revision), replicas=wanted_replicas(spec))
            )

    def _event(self, event: Object) -> None:
        reason = event.get("reason")
        self.speaks |= reason in ("SuccessfulCreate", "ScalingReplicaSet", "SuccessfulDelete")
        if reason == "SuccessfulDelete":
            words = str(event.get("message") or event.get("note") or "").replace(":", " ").split()
            self.deleted.update(words)

    def replica_set(self, name: str) -> ReplicaSetHistory:
        """The ReplicaSet of that name; one of which nothing is known where the watch showed none."""
        return self.replica_sets.get(name) or ReplicaSetHistory()

    def update_revision_at(self, t: float) -> UpdateRevision | None:
        """What the StatefulSet was to become when a pod was deleted at `t`."""
        known = [state for state in self.update_revisions if state.t <= t + SEEN_S]
        return known[-1] if known else None


def controllers(timeline: Iterable[Observation], owned: Ownership, updates: Iterable[float]) -> Controllers:
    """What the timeline says of the pods' controllers. `updates`: when we changed the application ourselves."""
    found = Controllers(owned=owned, own=sorted(updates))
    for seen in timeline:
        found.add(seen)
    return found
