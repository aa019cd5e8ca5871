"""A live object and what somebody applies -> the object and its managers after it, or the conflicts that forbid it.

Fields that this manager applied before and no longer does go, unless somebody else owns them. Source:
structured-merge-diff `merge/update.go`, apimachinery `pkg/util/managedfields/internal`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.fieldmanager import managers as entries
from harness.sandbox.apiserver.fieldmanager.comparison import compared
from harness.sandbox.apiserver.fieldmanager.fieldsets import (
    FieldSet,
    difference,
    intersection,
    paths,
    shown,
    union,
    with_named_fields,
)
from harness.sandbox.apiserver.fieldmanager.managers import APPLY, Managed, Manager, Managers
from harness.sandbox.apiserver.fieldmanager.merging import field_set, less, merged
from harness.sandbox.apiserver.fieldmanager.ownership import (
    Operation,
    given_up,
    owned_by_none,
    settable_changes,
    updated,
)

if TYPE_CHECKING:
    from harness.sandbox.apiserver.fieldmanager.shapes import Shape

Object = dict[str, Any]

_KUBECTL = "kubectl"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_LARGEST_ANNOTATIONS_BYTES = 256 * 1024
_NEVER_APPLIED = "before-first-apply"


class Conflicts(Exception):
    """Fields that others manage, with another value than the one applied: who and which."""

    def __init__(self, found: dict[Manager, FieldSet]) -> None:
        self.found = found
        super().__init__(self.message)

    def causes(self) -> list[dict[str, str]]:
        """One cause a field, as the Status carries them."""
        return [
            {
                "reason": "FieldManagerConflict",
                "message": f"conflict with {entries.shown(manager)}",
                "field": shown(path),
            }
            for manager in sorted(self.found)
            for path in paths(self.found[manager])
        ]

    @property
    def message(self) -> str:
        """All conflicts in words, by manager."""
        causes = self.causes()
        if len(causes) == 1:
            return f"Apply failed with 1 conflict: {causes[0]['message']}: {causes[0]['field']}"
        lines = []
        for manager in sorted(self.found):
            lines.append(f"conflicts with {entries.shown(manager)}:")
            lines += [f"- {shown(path)}" for path in paths(self.found[manager])]
        return f"Apply failed with {len(causes)} conflicts: " + "\n".join(lines)


def first_applied(shape: Shape, config: Object, operation: Operation) -> Object:
    """The new object that an apply creates, its managedFields with it."""
    fields = owned_by_none(operation.can_set(field_set(shape, config)))
    manager = operation.as_manager(APPLY)
    managers = {manager: Managed(fields, operation.api_version, operation.time)} if fields else {}
    return {**config, "metadata": {**(config.get("metadata") or {}), "managedFields": entries.encoded(managers)}}


def applied(
    shape: Shape, live: Object, config: Object, *, nothing: Object, operation: Operation, force: bool
) -> Object:
    """The object after the apply, its managedFields with it; `nothing`: an object of the kind with nothing set.

    `kubectl` may take over what its client-side apply left, as its annotation says. Raises: Conflicts.
    """
    before, bare = entries.stored(live["metadata"].get("managedFields")), _bare(live)
    if not before:
        adopted = replace(operation, manager=_NEVER_APPLIED)
        before = updated(shape, nothing, bare, {}, adopted)
    try:
        new, managers = _applied(shape, bare, config, before, operation, force=force)
    except Conflicts as conflicts:
        if operation.manager != _KUBECTL:
            raise
        own = _applied_by_client(shape, bare, operation)
        left = {manager: difference(fields, own) for manager, fields in conflicts.found.items()}
        left = {manager: fields for manager, fields in left.items() if fields}
        if left:
            raise Conflicts(left) from None
        new, managers = _applied(shape, bare, config, before, operation, force=True)
    if operation.manager == _KUBECTL:
        new = _with_last_applied(new, config)
    new["metadata"] = {**(new.get("metadata") or {}), "managedFields": entries.encoded(managers)}
    return new


def _bare(live: Object) -> Object:
    return {**live, "metadata": {key: value for key, value in live["metadata"].items() if key != "managedFields"}}


def _applied(
    shape: Shape, live: Object, config: Object, before: Managers, operation: Operation, *, force: bool
) -> tuple[Object, Managers]:
    manager = operation.as_manager(APPLY)
    last = before.get(manager)
    fields = operation.can_set(field_set(shape, config))
    managers = {**before, manager: Managed(fields, operation.api_version, last.time if last else None)}
    new = _pruned(shape, merged(shape, live, config), last.fields if last else {}, managers)
    after, conflicts = given_up(managers, settable_changes(shape, live, new, operation), but=manager)
    if conflicts and not force:
        raise Conflicts(conflicts)
    own = owned_by_none(fields)
    if own:
        time = operation.time if new != live else after[manager].time
        after[manager] = Managed(own, operation.api_version, time)
    else:
        del after[manager]
    return dict(new), after


def _pruned(shape: Shape, new: Object, last: FieldSet, managers: Managers) -> Object:
    """The merged object without what this manager gave up and nobody else has."""
    if not last:
        return new
    owned: FieldSet = {}
    for managed in managers.values():
        owned = union(owned, managed.fields)
    all_fields = with_named_fields(shape, field_set(shape, new))
    last = with_named_fields(shape, last)
    bare = less(shape, new, last) or {}
    kept = union(with_named_fields(shape, field_set(shape, bare)), with_named_fields(shape, owned))
    rest = less(shape, new, difference(all_fields, kept)) or {}
    gone = difference(all_fields, with_named_fields(shape, field_set(shape, rest)))
    return less(shape, new, intersection(gone, last)) or {}


def _applied_by_client(shape: Shape, live: Object, operation: Operation) -> FieldSet:
    """What `kubectl apply` without --server-side applied last and nobody has changed since."""
    text = (live["metadata"].get("annotations") or {}).get(_LAST_APPLIED)
    try:
        last = json.loads(text or "null")
        if not isinstance(last, dict) or last.get("apiVersion") != operation.api_version:
            return {}
        changes, fields = compared(shape, last, live), field_set(shape, last)
    except (ValueError, AttributeError):
        return {}
    for part in (changes.modified, changes.added, changes.removed):
        fields = difference(fields, part)
    return fields


def _with_last_applied(new: Object, config: Object) -> Object:
    """The annotation of client-side apply is kept up where it is, for those who go on with that."""
    annotations = (new.get("metadata") or {}).get("annotations") or {}
    if not annotations.get(_LAST_APPLIED):
        return new
    metadata = dict(config.get("metadata") or {})
    if isinstance(own := metadata.get("annotations"), dict):
        metadata["annotations"] = {key: value for key, value in own.items() if key != _LAST_APPLIED}
    text = json.dumps({**config, "metadata": metadata}, separators=(",", ":"), sort_keys=True) + "\n"
    kept = {**annotations, _LAST_APPLIED: text}
    if sum(len(key) + len(str(value)) for key, value in kept.items()) > _LARGEST_ANNOTATIONS_BYTES:
        del kept[_LAST_APPLIED]
    return {**new, "metadata": {**new["metadata"], "annotations": kept}}
