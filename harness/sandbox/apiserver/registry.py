"""A wish to create, update or delete an object -> its new state in the store, by the rules of the real API.

Everything here runs without an await, so each call is one transaction. Source: apiserver `pkg/registry/rest` and the
strategies in kubernetes `pkg/registry`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.admission import Admission
from harness.sandbox.apiserver.clock import LAST_S, rfc3339, seconds
from harness.sandbox.apiserver.decoding import decoded
from harness.sandbox.apiserver.defaults import apply_defaults
from harness.sandbox.apiserver.fieldmanager.tracking import (
    filled_in_later,
    operation_of,
    same_but_for_times,
    track_change,
    track_creation,
)
from harness.sandbox.apiserver.generated_names import with_suffix
from harness.sandbox.apiserver.resources import NAMESPACES, PODS
from harness.sandbox.apiserver.store import freeze
from harness.sandbox.apiserver.validation import validate

if TYPE_CHECKING:
    from harness.sandbox.apiserver.fieldmanager.ownership import Operation
    from harness.sandbox.apiserver.resources import Resource
    from harness.sandbox.apiserver.store import Object, Store, Stored

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
_SERVER_OWNED = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")
_NAME_TRIES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOptions:
    """What a deletion asks for; None where it leaves the choice to the server."""

    grace_s: int | None = None
    propagation: str | None = None
    uid: str | None = None
    version: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """How a write is to be done: `strict` refuses unknown fields, else each is told to `warn` and left out.

    `manager` owns what the write sets, nobody where it is empty; `applied`: who owns what is settled already, in the
    object's managedFields; `through`: the subresource that a change of the whole object came by.
    """

    dry_run: bool = False
    strict: bool = False
    manager: str = ""
    applied: bool = False
    through: str = ""
    warn: Callable[[str], None] = lambda _: None


_DEFAULT_OPTIONS = WriteOptions()


class Registry:
    """The only writer of the store."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self.store, self.now = store, now
        self.admission = Admission(store)

    def create(
        self, resource: Resource, namespace: str, obj: Object, options: WriteOptions = _DEFAULT_OPTIONS
    ) -> Stored:
        """Stores a new object, named, defaulted, admitted and validated. Raises: StatusError."""
        obj = _decoded(resource, obj, options)
        metadata = obj.setdefault("metadata", {})
        metadata.update(self._identity(resource, namespace, metadata))
        if metadata.pop("resourceVersion", None) not in (None, "", "0"):
            raise api_errors.version_of_new()
        metadata.pop("deletionTimestamp", None)
        metadata.pop("deletionGracePeriodSeconds", None)
        owners = metadata.pop("managedFields", None)
        if resource.has_generation:
            metadata["generation"] = 1
        else:
            metadata.pop("generation", None)
        if "status" in resource.subresources:
            obj.pop("status", None)
        if resource.kind in ("Deployment", "ReplicaSet", "StatefulSet", "Job", "CronJob"):
            obj["status"] = {}
        later = filled_in_later(resource, obj)
        apply_defaults(obj)
        self._own_new(resource, obj, owners, later, options)
        self.admission.of_new(resource, namespace, obj)
        validate(resource, obj)
        if self.store.get(resource, namespace, metadata["name"]) is not None:
            raise api_errors.already_exists(resource, metadata["name"])
        if options.dry_run:
            return freeze(resource, obj, 0)
        return self.store.put(resource, obj)

    def update(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        change: Callable[[Object], Object],
        options: WriteOptions = _DEFAULT_OPTIONS,
        *,
        part: str = "",
    ) -> Stored:
        """Stores what `change` makes of the present object; `part` is "" (all but the status) or "status".

        A resourceVersion in the result must be the present one. Nothing is stored where nothing differs. An object
        that is being deleted goes with its last finalizer. Raises: StatusError.
        """
        stored = self.existing(resource, namespace, name)
        old = stored.obj
        new = _decoded(resource, change(stored.copy()), options, old["metadata"].get("managedFields"))
        self._check_identity(resource, stored, new)
        owners = new["metadata"].get("managedFields")
        self._keep_what_clients_cannot_change(resource, old, new, part)
        apply_defaults(new)
        self._own_changed(resource, old, new, owners, part, options)
        if part == "":
            self.admission.of_changed(resource, old, new)
        validate(resource, new, old)
        if resource.has_generation and _body(new) != _body(old):
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
        if _settled(new):
            return freeze(resource, new, stored.version) if options.dry_run else self._remove(resource, stored, new)
        if {**new, "kind": "", "apiVersion": ""} == {**old, "kind": "", "apiVersion": ""}:
            return stored
        if options.applied and same_but_for_times(old, new):
            return stored
        if options.dry_run:
            return freeze(resource, new, stored.version)
        return self.store.put(resource, new)

    def delete(self, resource: Resource, namespace: str, name: str, options: DeleteOptions) -> tuple[Stored, bool]:
        """Deletes, or marks for deletion where a grace period or finalizers hold it.

        Returns the last state and whether it is gone. Raises: StatusError.
        """
        self.admission.of_deleted(resource, name)
        stored = self.existing(resource, namespace, name)
        metadata = stored.obj["metadata"]
        if options.uid and options.uid != metadata["uid"]:
            why = f"Precondition failed: UID in precondition: {options.uid}, UID in object meta: {metadata['uid']}"
            raise api_errors.conflict(resource, name, why)
        if options.version and options.version != metadata["resourceVersion"]:
            raise api_errors.conflict(resource, name, "Precondition failed: the resourceVersion differs")
        new = stored.copy()
        self._add_propagation_finalizer(new["metadata"], options.propagation)
        grace_s = _grace_s(resource, new, options.grace_s)
        if resource is PODS and not options.dry_run:
            stored = self._mark(resource, stored, new, grace_s)
            new = stored.copy()
        held = bool(new["metadata"].get("finalizers")) or (resource is NAMESPACES and new["spec"].get("finalizers"))
        if options.dry_run:
            return stored, not held and grace_s == 0
        if not held and grace_s == 0:
            return self._remove(resource, stored, new), True
        return self._mark(resource, stored, new, grace_s), False

    def stamp(self) -> str:
        """The time as objects carry it."""
        return rfc3339(self.now())

    def bind(self, namespace: str, name: str, change: Callable[[Object], Object], now: str) -> Stored:
        """A pod is assigned to a node: spec.nodeName and condition PodScheduled in one change. Raises: StatusError."""
        pod = change(self.existing(PODS, namespace, name).copy())
        kept = [item for item in pod["status"].get("conditions", ()) if item.get("type") != "PodScheduled"]
        condition = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": now}
        pod["status"]["conditions"] = [*kept, condition]
        return self.store.put(PODS, pod)

    def existing(self, resource: Resource, namespace: str, name: str) -> Stored:
        """The present object. Raises: StatusError (404)."""
        stored = self.store.get(resource, namespace, name)
        if stored is None:
            raise api_errors.not_found(resource, name)
        return stored

    def _own_new(self, resource: Resource, obj: Object, given: Any, later: Object, options: WriteOptions) -> None:
        """Writes into a new object who owns its fields; `given`: the managedFields it came with."""
        if options.applied:
            obj["metadata"]["managedFields"] = given
        elif options.manager:
            track_creation(resource, obj, given, later, self._operation(resource, "", options))

    def _own_changed(
        self, resource: Resource, old: Object, new: Object, given: Any, part: str, options: WriteOptions
    ) -> None:
        """Writes into `new` who owns its fields now; `given`: the managedFields it came with."""
        owners = given if options.applied else old["metadata"].get("managedFields")
        if owners:
            new["metadata"]["managedFields"] = owners
        if options.manager and not options.applied:
            track_change(resource, old, new, given, self._operation(resource, part, options))

    def _operation(self, resource: Resource, part: str, options: WriteOptions) -> Operation:
        return operation_of(resource, options.manager, part or options.through, self.stamp())

    def _identity(self, resource: Resource, namespace: str, metadata: Object) -> Object:
        named = metadata.get("namespace")
        if resource.namespaced and named and named != namespace:
            raise api_errors.bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        name = metadata.get("name")
        if not name and isinstance(prefix := metadata.get("generateName"), str):
            tries = (with_suffix(prefix) for _ in range(_NAME_TRIES))
            name = next((free for free in tries if self.store.get(resource, namespace, free) is None), "")
        if not name:
            why = "Required value: name or generateName is required"
            cause = api_errors.Cause(field="metadata.name", reason="FieldValueRequired", message=why)
            raise api_errors.invalid(resource, "", [cause])
        identity = {"name": name, "uid": str(uuid.uuid4()), "creationTimestamp": rfc3339(self.now())}
        if resource.namespaced:
            identity["namespace"] = namespace
        else:
            metadata.pop("namespace", None)
        return identity

    @staticmethod
    def _check_identity(resource: Resource, stored: Stored, new: Object) -> None:
        metadata, name = new["metadata"], stored.obj["metadata"]["name"]
        for key, where in (("name", "name on the URL"), ("namespace", "namespace on the request")):
            seen, expected = metadata.get(key), stored.obj["metadata"].get(key)
            if seen is not None and seen != expected:
                raise api_errors.bad_request(
                    f"the {key} of the object ({seen}) does not match the {where} ({expected})"
                )
        if metadata.get("uid") and metadata["uid"] != stored.obj["metadata"]["uid"]:
            why = (
                f"Precondition failed: UID in precondition: {metadata['uid']}, "
                f"UID in object meta: {stored.obj['metadata']['uid']}"
            )
            raise api_errors.conflict(resource, name, why)
        version = metadata.get("resourceVersion")
        if version and version not in ("0", stored.obj["metadata"]["resourceVersion"]):
            raise api_errors.conflict(resource, name)
        if not version and not resource.updates_unconditionally:
            raise api_errors.version_missing(resource, name)

    @staticmethod
    def _keep_what_clients_cannot_change(resource: Resource, old: Object, new: Object, part: str) -> None:
        metadata = new["metadata"] = dict(new["metadata"])
        for key in ("name", "namespace", "resourceVersion", "generateName", *_SERVER_OWNED):
            if key in old["metadata"]:
                metadata[key] = old["metadata"][key]
            else:
                metadata.pop(key, None)
        metadata.pop("managedFields", None)
        new["kind"], new["apiVersion"] = resource.kind, resource.api_version
        if part == "status":
            status = {"status": new["status"]} if new.get("status") is not None else {}
            kept = {key: value for key, value in old.items() if key != "status"}
            new.clear()
            new.update({**kept, "metadata": _status_metadata(resource, old["metadata"], metadata), **status})
        elif "status" in resource.subresources:
            new.pop("status", None)
            if "status" in old:
                new["status"] = old["status"]

    def _mark(self, resource: Resource, stored: Stored, new: Object, grace_s: int) -> Stored:
        """Writes into `new` when it is to be gone; a second deletion can only shorten the grace. Stores a change."""
        metadata = new["metadata"]
        already = metadata.get("deletionGracePeriodSeconds")
        grace_s = min(grace_s, LAST_S - int(self.now()))  # an int64, of which a stamp cannot show all
        if already is None or grace_s < already:
            asked_s = self.now() if already is None else seconds(metadata["deletionTimestamp"]) - already
            metadata["deletionTimestamp"] = rfc3339(asked_s + grace_s)
            metadata["deletionGracePeriodSeconds"] = grace_s
            if already is None and metadata.get("generation"):
                metadata["generation"] += 1
            if resource is NAMESPACES:
                new["status"] = {**new.get("status", {}), "phase": "Terminating"}
        return stored if new == stored.obj else self.store.put(resource, new)

    @staticmethod
    def _add_propagation_finalizer(metadata: Object, propagation: str | None) -> None:
        wanted = {"Orphan": ORPHAN, "Foreground": FOREGROUND}.get(propagation or "")
        if propagation is None or metadata.get("deletionTimestamp"):
            return
        kept = [item for item in metadata.get("finalizers") or () if item not in (ORPHAN, FOREGROUND)]
        if wanted:
            kept.append(wanted)
        if kept:
            metadata["finalizers"] = kept
        else:
            metadata.pop("finalizers", None)

    def _remove(self, resource: Resource, stored: Stored, last: Object) -> Stored:
        metadata = stored.obj["metadata"]
        return self.store.remove(resource, metadata.get("namespace", ""), metadata["name"], last)


def _decoded(resource: Resource, obj: Any, options: WriteOptions, owners: Any = None) -> Object:
    """The object in its kind's shape; `owners`: managedFields that have it already. Raises: StatusError (400)."""
    if not isinstance(obj, dict) or not isinstance(obj.get("metadata", {}), dict):
        raise api_errors.bad_request(f"{resource.kind}: an object with metadata is expected")
    if owners and obj.get("metadata", {}).get("managedFields") == owners:
        bare = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
        clean = _decoded(resource, {**obj, "metadata": bare}, options)
        clean["metadata"]["managedFields"] = owners
        return clean
    head = {"kind": resource.kind, "apiVersion": resource.api_version}
    clean, warnings = decoded({"metadata": {}, **obj, **head}, strict=options.strict)
    for warning in warnings:
        options.warn(warning)
    return clean


def _status_metadata(resource: Resource, old: Object, new: Object) -> Object:
    """What a write of the status may change beside it: the annotations of built-in kinds, the labels of nodes."""
    free: tuple[str, ...] = ("annotations", "labels") if resource.kind in ("Node", "Namespace") else ("annotations",)
    if "." in resource.group and not resource.group.endswith(".k8s.io"):
        free = ()
    kept = {key: value for key, value in old.items() if key not in free}
    return kept | {key: new[key] for key in free if key in new}


def _body(obj: Object) -> dict[str, Any]:
    return {key: value for key, value in obj.items() if key not in ("metadata", "status", "kind", "apiVersion")}


def _settled(obj: Object) -> bool:
    """Whether nothing holds an object any more that is marked for deletion."""
    metadata = obj["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
        return False
    if obj.get("kind") == "Namespace":
        return not (obj.get("spec") or {}).get("finalizers")
    return not metadata.get("deletionGracePeriodSeconds")


def _grace_s(resource: Resource, obj: Object, asked: int | None) -> int:
    """Pods have a grace period, other kinds none. A pod that never ran or has ended needs none either."""
    if resource is not PODS:
        return 0
    spec, phase = obj["spec"], obj.get("status", {}).get("phase")
    if not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
        return 0
    grace_s = spec.get("terminationGracePeriodSeconds", 30) if asked is None else asked
    return max(int(grace_s), 0)
