"""One object of a kind -> what a write makes of it: decoded, filled in, and what of it counts as a change.

Source: the strategies in kubernetes `pkg/registry` and apiextensions-apiserver `pkg/registry/customresource`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.decoding import decoded
from harness.sandbox.apiserver.defaults import apply_defaults
from harness.sandbox.apiserver.resources import DAEMON_SETS, DEFINITIONS, NAMESPACES, PODS

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.sandbox.apiserver.resources import Resource
    from harness.sandbox.apiserver.store import Object

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


def in_shape(resource: Resource, obj: Any, *, strict: bool, warn: Callable[[str], None], owners: Any = None) -> Object:
    """The object in its kind's shape; `warn` hears of unknown fields. Raises: StatusError (400).

    `owners`: managedFields that have their shape already.
    """
    if not isinstance(obj, dict) or not isinstance(obj.get("metadata", {}), dict):
        raise api_errors.bad_request(f"{resource.kind}: an object with metadata is expected")
    if owners and obj.get("metadata", {}).get("managedFields") == owners:
        bare = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
        clean = in_shape(resource, {**obj, "metadata": bare}, strict=strict, warn=warn)
        clean["metadata"]["managedFields"] = owners
        return clean
    head = {"kind": resource.kind, "apiVersion": resource.api_version}
    prune = None if resource.custom is None else resource.custom.pruned
    clean, warnings = decoded({"metadata": {}, **obj, **head}, strict=strict, prune=prune)
    for warning in warnings:
        warn(warning)
    return clean


def status_metadata(resource: Resource, old: Object, new: Object) -> Object:
    """What a write of the status may change beside it: the annotations of built-in kinds, the labels of nodes."""
    free: tuple[str, ...] = ("annotations", "labels") if resource.kind in ("Node", "Namespace") else ("annotations",)
    if resource.custom is not None:
        free = ()
    kept = {key: value for key, value in old.items() if key not in free}
    return kept | {key: new[key] for key in free if key in new}


def filled(resource: Resource, obj: Object) -> Object:
    """The object with the defaults of its kind."""
    if resource.custom is not None:
        return resource.custom.defaulted(obj)
    if resource is DEFINITIONS:
        from harness.sandbox.apiserver.custom.definitions import fill_definition  # for those who need it

        return fill_definition(obj)
    apply_defaults(obj)
    return obj


def count_template(resource: Resource, old: Object | None, new: Object) -> None:
    """Writes into a DaemonSet how often its template has changed, which nobody else may write.

    Source: kubernetes `pkg/registry/apps/daemonset/strategy.go`, `pkg/apis/apps/v1/conversion.go`.
    """
    if resource is not DAEMON_SETS:
        return
    before = (((old or {}).get("metadata") or {}).get("annotations") or {}).get(TEMPLATE_GENERATION, "0")
    changed = old is None or new["spec"].get("template") != old["spec"].get("template")
    annotations = dict(new["metadata"].get("annotations") or {})
    new["metadata"]["annotations"] = annotations | {TEMPLATE_GENERATION: str(int(before) + changed)}


def body(resource: Resource, obj: Object) -> dict[str, Any]:
    """What a generation counts the changes of; a custom kind's status is part of it unless it is a subresource."""
    other: tuple[str, ...] = ("metadata", "kind", "apiVersion")
    if resource.custom is None or "status" in resource.subresources:
        other += ("status",)
    return {key: value for key, value in obj.items() if key not in other}


def settled(resource: Resource, obj: Object) -> bool:
    """Whether nothing holds an object any more that is marked for deletion."""
    metadata = obj["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
        return False
    if resource is NAMESPACES:
        return not (obj.get("spec") or {}).get("finalizers")
    return not metadata.get("deletionGracePeriodSeconds")


def deletion_grace_s(resource: Resource, obj: Object, asked: int | None) -> int:
    """Pods have a grace period, other kinds none. A pod that never ran or has ended needs none either."""
    if resource is not PODS:
        return 0
    spec, phase = obj["spec"], obj.get("status", {}).get("phase")
    if not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
        return 0
    grace_s = spec.get("terminationGracePeriodSeconds", 30) if asked is None else asked
    return 1 if grace_s < 0 else int(grace_s)  # what is negative is taken for 1
