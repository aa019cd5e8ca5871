"""What somebody applies to the scale of an object -> the object with that number, and who owns it there.

The owners of the number in the object are those of the scale. Source: apimachinery
`pkg/util/managedfields/scalehandler.go`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.fieldmanager import managers as entries
from harness.sandbox.apiserver.fieldmanager.fieldsets import FieldSet, difference, intersection
from harness.sandbox.apiserver.fieldmanager.managers import APPLY, Managed, Managers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.sandbox.apiserver.fieldmanager.ownership import Operation

Object = dict[str, Any]

SCALE_VERSION = "autoscaling/v1"
IN_OBJECT = ("spec", "replicas")
_IN_SCALE: FieldSet = {"f:spec": {"f:replicas": {}}}


def applied_to_scale(
    obj: Object,
    scale: Object,
    apply: Callable[[Object], Object],
    operation: Operation,
    path: Sequence[str] = IN_OBJECT,
) -> tuple[Object, list[Object]]:
    """The new scale, and the object's managedFields with it; `path`: where the object has the number.

    `apply` lays the configuration over a scale that carries managedFields.
    """
    parents = entries.stored(obj["metadata"].get("managedFields"))
    number = _set_of(path)
    owners = {
        manager: Managed(_IN_SCALE, SCALE_VERSION, managed.time)
        for manager, managed in parents.items()
        if intersection(managed.fields, number)
    }
    metadata = {**scale["metadata"], "managedFields": entries.encoded(owners)}
    new = apply({**scale, "metadata": metadata})
    return new, entries.encoded(
        _in_parent(parents, entries.stored(new["metadata"].get("managedFields")), number, operation.api_version)
    )


def _in_parent(parents: Managers, owners: Managers, number: FieldSet, api_version: str) -> Managers:
    """The object's managers with the number given to whom the scale has it."""
    after: Managers = {}
    left = {_without_version(manager): managed for manager, managed in owners.items()}
    for manager, managed in parents.items():
        if left.pop(_without_version(manager), None) is None:
            fields = difference(managed.fields, number)
            if not fields:
                continue
            if fields != managed.fields:
                after[manager] = replace(managed, fields=fields, entry=None)
                continue
        after[manager] = managed
    for manager, managed in left.items():
        if intersection(managed.fields, _IN_SCALE):
            version = "" if manager.operation == APPLY else api_version
            after[manager._replace(api_version=version)] = Managed(number, api_version)
    return after


def _without_version(manager: entries.Manager) -> entries.Manager:
    """A manager whatever the version: the object's entries name its own, the scale's another."""
    return manager._replace(api_version="")


def _set_of(path: Sequence[str]) -> FieldSet:
    fields: FieldSet = {}
    for name in reversed(path):
        fields = {f"f:{name}": fields}
    return fields
