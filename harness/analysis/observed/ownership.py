"""The timeline -> which objects belong to the judged workload: by their chain of owners, not by their labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.model.observation import Observation
from harness.spec.selector import matches
from harness.spec.workload import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """What belongs to the workload `kind`/`name`; empty names where it is not known, and then all of them do.

    `replica_sets`: the ReplicaSets that the watch showed, with whether they are the workload's. `selector`: its label
    selector, by which those are told that name no owner.
    """

    kind: str
    name: str
    selector: Object
    replica_sets: Mapping[str, bool]

    def is_workload(self, shown: Object, kind: str) -> bool:
        """Whether this is the workload itself."""
        return not self.name or (kind == self.kind and _name(shown) == self.name)

    def has_replica_set(self, name: str) -> bool:
        """Whether a ReplicaSet is the workload's; one that the watch did not show is, if it is named as such."""
        return self.replica_sets.get(name, not self.name or name.rpartition("-")[0] == self.name)

    def has_pod(self, pod: Object) -> bool:
        """Whether a pod is the workload's: its controller is the workload, or a ReplicaSet of the workload's."""
        owner = controller_of(pod)
        if not self.name or owner is None or not owner.get("kind"):
            labels = (pod.get("metadata") or {}).get("labels") or {}
            return matches(self.selector, labels) if self.selector else True
        if owner.get("kind") == "ReplicaSet":
            return self.has_replica_set(str(owner.get("name")))
        return owner.get("kind") == self.kind and str(owner.get("name")) == self.name


def ownership(workload: Object | None, selector: Object, timeline: Iterable[Observation]) -> Ownership:
    """What belongs to a workload among all that the watch showed in its namespace."""
    kind, name = str((workload or {}).get("kind") or ""), _name(workload or {})
    replica_sets = {}
    for seen in timeline:
        if seen.kind == "ReplicaSet" and name:
            owner = controller_of(seen.object)
            told = (owner or {}).get("kind"), (owner or {}).get("name")
            replica_sets[_name(seen.object)] = told in ((kind, name), (None, None))
    return Ownership(kind=kind, name=name, selector=selector, replica_sets=replica_sets)


def controller_of(shown: Object) -> Object | None:
    """The owner that controls an object; None where it names none.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/
    """
    owners = (shown.get("metadata") or {}).get("ownerReferences") or ()
    known = [owner for owner in owners if isinstance(owner, dict)]
    return next((owner for owner in known if owner.get("controller")), known[0] if known else None)


def _name(shown: Object) -> str:
    return str((shown.get("metadata") or {}).get("name") or "")
