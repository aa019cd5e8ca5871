"""A write that is about to be stored -> the object with the managedFields that it has from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.decoding import type_of
from harness.sandbox.apiserver.fieldmanager import managers as entries
from harness.sandbox.apiserver.fieldmanager.fieldsets import FieldSet
from harness.sandbox.apiserver.fieldmanager.ownership import Operation, managers_before, updated
from harness.sandbox.apiserver.fieldmanager.shapes import Shape, custom, empty, published

if TYPE_CHECKING:
    from harness.sandbox.apiserver.resources import Resource

Object = dict[str, Any]

SCALE = "scale"
_LABELED_BY_STATUS = ("Namespace", "Node")


def shape_of(resource: Resource) -> Shape:
    """The shape of a resource's objects."""
    type_name = type_of(resource.api_version, resource.kind)
    return published(type_name) if type_name else custom(None)


def nothing_of(resource: Resource) -> Object:
    """An object of the resource in which nothing is set: what a creation changes."""
    return empty(type_of(resource.api_version, resource.kind) or "")


def operation_of(resource: Resource, manager: str, part: str, time: str) -> Operation:
    """A write of a whole object, of its status or of its scale; each leaves what it cannot set to the others."""
    if part == "status":
        ignored: FieldSet = {"f:spec": {}}
        if resource.kind not in _LABELED_BY_STATUS:
            ignored = {**ignored, "f:metadata": {"f:labels": {}}}
    else:
        ignored = {"f:status": {}} if "status" in resource.subresources else {}
    return Operation(
        manager=manager,
        api_version=resource.api_version,
        time=None if part == SCALE else time,  # the real API loses the time on the way from the scale to its object
        subresource=part,
        ignored=ignored or None,
    )


def track_creation(resource: Resource, obj: Object, given: Any, operation: Operation) -> None:
    """Writes into a new object that its author owns all that was set; `given`: the managedFields it came with."""
    before = managers_before(None, given)
    _write(obj, updated(shape_of(resource), nothing_of(resource), obj, before, operation))


def track_change(resource: Resource, old: Object, new: Object, given: Any, operation: Operation) -> None:
    """Writes into a changed object who owns what now.

    An object that nobody owns anything of stays so until it is applied for the first time, and through a subresource
    nobody writes ownership. What does not fit the kind's shape leaves it as it was.
    """
    present = old["metadata"].get("managedFields")
    before = managers_before(present, present if operation.subresource else given)
    if before:
        try:
            before = updated(shape_of(resource), old, new, before, operation)
        except ValueError:
            before = entries.stored(present)
    _write(new, before)


def _write(obj: Object, managers: entries.Managers) -> None:
    metadata = obj["metadata"]
    metadata.pop("managedFields", None)
    if managers:
        metadata["managedFields"] = entries.encoded(managers)


def same_but_for_times(old: Object, new: Object) -> bool:
    """Whether nothing but the times of managedFields differs, which is no change."""
    return _timeless(old) == _timeless(new)


def _timeless(obj: Object) -> Object:
    metadata = obj["metadata"]
    listed = [{**entry, "time": ""} for entry in metadata.get("managedFields") or ()]
    return {**obj, "kind": "", "apiVersion": "", "metadata": {**metadata, "managedFields": listed}}
