"""The timeline -> what the controllers of the application's pods were told and did."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from harness.analysis.observed.deeds import Deed, commands, deeds, leaves_template
from harness.analysis.observed.ownership import Ownership
from harness.analysis.observed.watch_stalls import ALWAYS_ON, WatchStalls, standstills
from harness.model.observation import MarkType, Observation
from harness.spec.agreement import is_patched
from harness.spec.ordinals import first_ordinal
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
    shrunk: int = 0
    revisions: list[tuple[float, int]] = field(default_factory=list)

    def add(self, t: float, shown: Object) -> None:
        """Take note of how the watch showed it."""
        annotations = (shown.get("metadata") or {}).get("annotations") or {}
        now, desired = wanted_replicas(shown.get("spec") or {}), annotations.get(DESIRED)
        if self.replicas is not None and now < self.replicas:
            self.shrinks.append(t)
            self.shrunk += self.replicas - now
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
    """What a StatefulSet was to become: since when, which revision, which of its numbered pods."""

    t: float
    revision: str
    ordinals: range


@dataclass(slots=True)
class _Command:
    """A deploy command: all that changes the template while it runs is its doing, and then the first change, if it had
    made none: it may only have told somebody else."""

    end: float = math.inf
    has_changed: bool = False

    def changes(self, t: float) -> bool:
        """Whether a change that is seen at `t` is its own."""
        own = t <= self.end + SEEN_S or not self.has_changed
        self.has_changed |= own
        return own


@dataclass(slots=True)
class Controllers:
    """What the timeline says of the pods' controllers.

    `deleted`: names of pods that a controller said it deleted; `speaks`: whether controllers' events are there at all.
    `own`: our own updates, with their patch where it is on record; `foreign`: when others changed the application's
    template, `foreign_by` with the words that say who. `deeds`: what else we did; `scaled`: since when the workload
    wanted how many pods.
    """

    owned: Ownership
    replica_sets: dict[str, ReplicaSetHistory] = field(default_factory=dict)
    update_revisions: list[UpdateRevision] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    speaks: bool = False
    own: list[float] = field(default_factory=list)
    foreign_by: list[tuple[float, str]] = field(default_factory=list)
    stalls: WatchStalls = ALWAYS_ON
    deeds: tuple[Deed, ...] = ()
    commands: tuple[tuple[float, float], ...] = ()  # when deploy commands ran
    scaled: list[tuple[float, int]] = field(default_factory=list)
    by_others: bool = False  # whoever changes the template makes a rollout that is judged
    _template: Any = None
    _command: _Command | None = None  # the deploy command of the last update, where that was made by one
    _to_come: tuple[float, Object] | None = None  # our last update, until the watch shows it

    @property
    def foreign(self) -> list[float]:
        """When others changed the application's template."""
        return [t for t, _ in self.foreign_by]

    def add(self, seen: Observation) -> None:
        """Take note of one event of the timeline."""
        if seen.kind == "Mark":
            self._mark(seen)
        elif seen.kind == "ReplicaSet":
            self._replica_set(seen)
        elif seen.kind in WORKLOAD_KINDS:
            if self.owned.is_workload(seen.object, seen.kind):
                self._workload(seen)
        elif seen.kind == "Event":
            self._event(seen.object)

    def _mark(self, mark: Observation) -> None:
        if mark.type in (MarkType.UPDATE, MarkType.UNDO) and not leaves_template(mark):
            self._to_come = mark.t, mark.object.get("patch") or {}
            by_command = mark.type == MarkType.UPDATE and mark.object.get("disruption") == "command"
            self._command = _Command() if by_command else None
        elif mark.type == MarkType.DISRUPTION and self._command is not None and "exit_code" in mark.object:
            self._command.end = mark.t
        if mark.type == MarkType.UNDO:
            self.own = sorted([*self.own, mark.t])

    def _replica_set(self, seen: Observation) -> None:
        name = str((seen.object.get("metadata") or {}).get("name"))
        if seen.type != "DELETED" and self.owned.has_replica_set(name):
            self.replica_sets.setdefault(name, ReplicaSetHistory()).add(seen.t, seen.object)

    def _workload(self, seen: Observation) -> None:
        spec = seen.object.get("spec") or {}
        template = spec.get("template")
        changed = self._template is not None and not same_template(template, self._template)
        if changed and not self._is_ours(seen.t, template):
            self.foreign_by.append((seen.t, by_whom(seen.object)))
        self._template = template
        replicas = wanted_replicas(spec)
        if not self.scaled or self.scaled[-1][1] != replicas:
            self.scaled.append((seen.t, replicas))
        revision = (seen.object.get("status") or {}).get("updateRevision")
        if revision:
            first = first_ordinal(spec)
            wanted = range(first, first + replicas)
            self.update_revisions.append(UpdateRevision(t=seen.t, revision=str(revision), ordinals=wanted))

    def _is_ours(self, t: float, template: Object | None) -> bool:
        """Whether a changed template is what our last update asked for: one change, soon, and with its patch."""
        if self.by_others:
            return True
        if self._command is not None:
            return self._command.changes(t)
        if self._to_come is None:
            return False
        since, patch = self._to_come
        earliest = self.stalls.earliest(self.owned.kind, t)
        if not (since <= t and earliest - since <= OWN_CHANGE_S and is_patched(template, patch)):
            return False
        self._to_come = None
        return True

    def _event(self, event: Object) -> None:
        reason = event.get("reason")
        self.speaks |= reason in ("SuccessfulCreate", "ScalingReplicaSet", "SuccessfulDelete")
        if reason == "SuccessfulDelete":
            words = str(event.get("message") or event.get("note") or "").replace(":", " ").split()
            self.deleted.update(words)

    def took(self, uid: str, t: float) -> Deed | None:
        """Our own act that took a pod which was told to go at `t`, where one did."""
        return next((deed for deed in self.deeds if uid in deed.pods and deed.t <= t), None)

    def ran_at(self, t: float) -> bool:
        """Whether what the watch shows at `t` may have been done by a deploy command."""
        return any(start <= t <= end + SEEN_S for start, end in self.commands)

    def scaled_it(self, t: float) -> bool:
        """Whether we, or a deploy command as it ran, asked for the number of pods that the workload wanted at `t`."""
        since, replicas = max((known for known in self.scaled if known[0] <= t + SEEN_S), default=(0.0, -1))
        if self.ran_at(since):
            return True
        asked = [deed for deed in self.deeds if deed.replicas is not None and deed.t <= since]
        return bool(asked) and asked[-1].replicas == replicas

    def replica_set(self, name: str) -> ReplicaSetHistory:
        """The ReplicaSet of that name; one of which nothing is known where the watch showed none."""
        return self.replica_sets.get(name) or ReplicaSetHistory()

    def names_all_of(self, owner: str) -> bool:
        """Whether of every pod that a ReplicaSet was to have fewer its controller said which one it deleted."""
        shrunk = self.replica_set(owner).shrunk
        return 0 < shrunk <= sum(name.startswith(f"{owner}-") for name in self.deleted)

    def update_revision_at(self, t: float) -> UpdateRevision | None:
        """What the StatefulSet was to become when a pod was deleted at `t`."""
        known = [state for state in self.update_revisions if state.t <= t + SEEN_S]
        return known[-1] if known else None


def by_whom(shown: Object) -> str:
    """As in " by kubectl-edit": what the newest entry of an object's managedFields says of who changed it."""
    fields = (shown.get("metadata") or {}).get("managedFields") or ()
    newest: Object = max(fields, key=lambda entry: str(entry.get("time") or ""), default={})
    return f" by {newest['manager']}" if newest.get("manager") else " by somebody else"


def controllers(
    timeline: Iterable[Observation], owned: Ownership, updates: Iterable[float], *, by_others: bool = False
) -> Controllers:
    """What the timeline says of the pods' controllers.

    `updates`: when we changed the application ourselves, or others did whose rollouts are judged (`by_others`).
    """
    events = list(timeline)
    begun = {seen.t: seen for seen in events if seen.kind == "Mark" and seen.type == MarkType.UPDATE}
    rolled = [t for t in updates if t not in begun or not leaves_template(begun[t])]
    found = Controllers(
        owned=owned,
        own=sorted(rolled),
        stalls=standstills(events),
        deeds=deeds(events),
        commands=commands(events),
        by_others=by_others,
    )
    # run.json knows of updates whose marks a record may have lost.
    unmarked = [Observation(t=t, kind="Mark", type=MarkType.UPDATE, object={}) for t in found.own if t not in begun]
    for seen in sorted([*unmarked, *events], key=attrgetter("t")):
        found.add(seen)
    return found
