"""A change of an object and its managers before -> its managers after it: what the change set is its author's now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.fieldmanager import managers as entries
from harness.sandbox.apiserver.fieldmanager.comparison import Comparison, compared
from harness.sandbox.apiserver.fieldmanager.fieldsets import FieldSet, difference, intersection, union, without
from harness.sandbox.apiserver.fieldmanager.managers import APPLY, UPDATE, Managed, Manager, Managers

if TYPE_CHECKING:
    from harness.sandbox.apiserver.fieldmanager.shapes import Shape

Object = dict[str, Any]

_NAMED_BY_THE_SERVER = (
    "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields",
    "resourceVersion",
)  # fmt: skip
# What nobody owns: the object's identity.
_IDENTITY: FieldSet = {
    "f:apiVersion": {},
    "f:kind": {},
    "f:metadata": {".": {}, **{f"f:{name}": {} for name in _NAMED_BY_THE_SERVER}},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One write: by whom, through which version and subresource, when, and what it cannot set."""

    manager: str
    api_version: str
    time: str | None
    subresource: str = ""
    ignored: FieldSet | None = None

    def as_manager(self, operation: str) -> Manager:
        """Who this write makes an owner."""
        version = "" if operation == APPLY else self.api_version
        return Manager(self.manager or "unknown", operation, version, self.subresource)

    def can_set(self, fields: FieldSet) -> FieldSet:
        """The part of a set that this write can set at all."""
        return without(fields, self.ignored) if self.ignored and fields else fields


def managers_before(live: list[Object] | None, given: Any) -> Managers:
    """The managers that a write begins with: those it brings along, else those of the stored object, `live`.

    An empty list, or one with one empty entry, takes all ownership away; what cannot be read counts as not given.
    """
    if given in ([], [{}]):
        return {}
    if given == live:
        return entries.stored(live)
    try:
        found = entries.decoded(given)
    except ValueError:
        found = {}
    return found or entries.stored(live)


def updated(shape: Shape, live: Object, new: Object, before: Managers, operation: Operation) -> Managers:
    """The managers after a create, an update or a patch that is no apply: whoever changed a field owns it alone."""
    changes = settable_changes(shape, live, new, operation)
    after = given_up(_of_one_group(before, operation), changes)[0] if before else {}
    fields = difference(changes.set_now, _IDENTITY)
    if fields:
        manager = operation.as_manager(UPDATE)
        if manager in after:
            fields = union(after[manager].fields, fields)
        after[manager] = Managed(fields, operation.api_version, operation.time)
    return entries.capped(after)


def given_up(
    before: Managers, changes: Comparison, but: Manager | None = None
) -> tuple[Managers, dict[Manager, FieldSet]]:
    """The managers less what the change removed or set otherwise, and what of theirs it set otherwise."""
    after: Managers = {}
    conflicts: dict[Manager, FieldSet] = {}
    set_now = changes.set_now
    for manager, managed in before.items():
        if manager == but:
            after[manager] = managed
            continue
        lost = intersection(managed.fields, set_now)
        if lost:
            conflicts[manager] = lost
        left = difference(difference(managed.fields, lost), changes.removed)
        if left:
            after[manager] = managed if left is managed.fields else Managed(left, managed.api_version, managed.time)
    return after, conflicts


def owned_by_none(fields: FieldSet) -> FieldSet:
    """The set without the object's identity."""
    return difference(fields, _IDENTITY)


def settable_changes(shape: Shape, live: Any, new: Any, operation: Operation) -> Comparison:
    """What a write changes of what it can set."""
    changes = compared(shape, live, new)
    return Comparison(*(operation.can_set(part) for part in (changes.removed, changes.modified, changes.added)))


def _of_one_group(managers: Managers, operation: Operation) -> Managers:
    """Entries of versions that the kind is not served in go."""
    group = operation.api_version.rpartition("/")[0]
    return {key: value for key, value in managers.items() if value.api_version.rpartition("/")[0] == group}
