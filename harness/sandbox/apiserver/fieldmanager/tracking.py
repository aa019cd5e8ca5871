"""A write that is about to be stored -> the object with the managedFields that it has from then on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.decoding import type_of
from harness.sandbox.apiserver.fieldmanager import managers as entries
from harness.sandbox.apiserver.fieldmanager.fieldsets import FieldSet, union
from harness.sandbox.apiserver.fieldmanager.ownership import Operation, managers_before, updated
from harness.sandbox.apiserver.fieldmanager.shapes import Shape, custom, empty, published

if TYPE_CHECKING:
    from harness.sandbox.apiserver.resources import Resource

Object = dict[str, Any]

SCALE = "scale"
_LABELED_BY_STATUS = ("Namespace", "Node")
# What admission, allocators and the strategies of creation fill in, after ownership was settled: nobody's, unless the
# author wrote it.
_FILLED_IN_LATER = {
    "Job": ("selector",),
    "Namespace": ("finalizers",),
    "Pod": ("preemptionPolicy", "priority", "serviceAccount", "serviceAccountName", "tolerations"),
    "Service": ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"),
}
_JOB_LABELS = ("batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name")


def shape_of(resource: Resource) -> Shape:
    """The shape of a resource's objects."""
    type_name = type_name_of(resource)
    if type_name:
        return published(type_name)
    return custom(getattr(getattr(resource, "custom", None), "schema", None))


def type_name_of(resource: Resource) -> str | None:
    """The published type of a resource's objects; None for custom ones."""
    return type_of(resource.api_version, resource.kind)


def nothing_of(resource: Resource) -> Object:
    """An object of the resource in which nothing is set: what a creation changes."""
    return empty(type_name_of(resource) or "")


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


def filled_in_later(resource: Resource, obj: Object) -> FieldSet:
    """What of an object, as its author wrote it, the server is going to fill in."""
    spec = obj.get("spec")
    names = _FILLED_IN_LATER.get(resource.kind, ()) if isinstance(spec, dict) and type_name_of(resource) else ()
    fields: FieldSet = {f"f:{name}": {} for name in names if name not in (spec or {})}
    if resource.kind == "Job" and "f:selector" in fields:
        fields["f:template"] = {"f:metadata": {"f:labels": {f"f:{label}": {} for label in _JOB_LABELS}}}
    return {"f:spec": fields} if fields else {}


def track_creation(resource: Resource, obj: Object, given: Any, later: FieldSet, operation: Operation) -> None:
    """Writes into a new object that its author owns all that was set.

    `given`: the managedFields that it came with; `later`: what was not its author's to set, see `filled_in_later`.
    What does not fit the kind's shape is owned by nobody.
    """
    before = managers_before(None, given)
    if later:
        operation = replace(operation, ignored=union(operation.ignored or {}, later))
    try:
        owners = updated(shape_of(resource), nothing_of(resource), obj, before, operation)
    except ValueError:  # such as an element without its keys
        owners = {}
    _write(obj, owners)


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
