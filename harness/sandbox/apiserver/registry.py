"""A wish to create, update or delete an object -> its new state in the store, by the rules of the real API.

Everything here runs without an await, so each call is one transaction. Source: apiserver `pkg/registry/rest` and the
strategies in kubernetes `pkg/registry`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver import api_errors, events
from harness.sandbox.apiserver.admission import Admission, PodWebhook
from harness.sandbox.apiserver.catalogue import Catalogue
from harness.sandbox.apiserver.clock import LAST_S, rfc3339, seconds
from harness.sandbox.apiserver.custom.definitions import Definitions, terminating
from harness.sandbox.apiserver.custom.kinds import unevaluated
from harness.sandbox.apiserver.custom.serving import in_version
from harness.sandbox.apiserver.fieldmanager.tracking import (
    filled_in_later,
    operation_of,
    same_but_for_times,
    track_change,
    track_creation,
)
from harness.sandbox.apiserver.identity import check_identity, identity, keep_what_clients_cannot_change
from harness.sandbox.apiserver.resources import DEFINITIONS, EVENTS, MODERN_EVENTS, NAMESPACES, PODS
from harness.sandbox.apiserver.store import freeze
from harness.sandbox.apiserver.strategy import (
    body,
    count_template,
    deletion_grace_s,
    filled,
    in_shape,
    settled,
)
from harness.sandbox.apiserver.validation import validate

if TYPE_CHECKING:
    from harness.sandbox.apiserver.fieldmanager.ownership import Operation
    from harness.sandbox.apiserver.resources import Resource
    from harness.sandbox.apiserver.store import Object, Store, Stored

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
_WITH_STATUS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob")
"""Kinds whose status is there from the beginning."""


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

    def __init__(self, store: Store, now: Callable[[], float], mutate_pod: PodWebhook | None = None) -> None:
        self.store, self.now = store, now
        self.admission = Admission(store, mutate_pod)
        self.catalogue = Catalogue()
        Definitions(store, self.catalogue, now, self._delete_object)

    def create(
        self, resource: Resource, namespace: str, obj: Object, options: WriteOptions = _DEFAULT_OPTIONS
    ) -> Stored:
        """Stores a new object, named, defaulted, admitted and validated. Raises: StatusError."""
        if resource is MODERN_EVENTS:
            event = in_shape(resource, obj, strict=options.strict, warn=options.warn)
            events.check_modern(event)
            return in_version(resource, self.create(EVENTS, namespace, events.core(event), options))
        obj = in_shape(resource, obj, strict=options.strict, warn=options.warn)
        metadata = obj.setdefault("metadata", {})
        metadata.update(
            identity(
                resource,
                namespace,
                metadata,
                lambda name: self.store.get(resource, namespace, name) is not None,
                self.now(),
            )
        )
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
        if resource.kind in _WITH_STATUS and resource.custom is None:
            obj["status"] = {}
        later = filled_in_later(resource, obj)
        obj = filled(resource, obj)
        count_template(resource, None, obj)
        self._own_new(resource, obj, owners, later, options)
        self.admission.of_new(resource, namespace, obj)
        validate(resource, obj)
        if resource is DEFINITIONS:
            self._tell_unevaluated(obj, options)
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
        if resource is MODERN_EVENTS:
            change = events.changed_as_modern(
                change, lambda obj: in_shape(resource, obj, strict=options.strict, warn=options.warn)
            )
            return in_version(resource, self.update(EVENTS, namespace, name, change, options))
        stored = self.existing(resource, namespace, name)
        old = stored.obj
        before = old["metadata"].get("managedFields")
        changed = change(in_version(resource, stored).copy())
        new = in_shape(resource, changed, strict=options.strict, warn=options.warn, owners=before)
        check_identity(resource, stored, new)
        owners = new["metadata"].get("managedFields")
        keep_what_clients_cannot_change(resource, old, new, part)
        new = filled(resource, new)
        count_template(resource, old, new)
        self._own_changed(resource, old, new, owners, part, options)
        if part == "":
            self.admission.of_changed(resource, old, new)
        validate(resource, new, old)
        if resource.has_generation and body(resource, new) != body(resource, old):
            if resource is DEFINITIONS:
                self._tell_unevaluated(new, options)
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
        if settled(resource, new):
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
        grace_s = deletion_grace_s(resource, new, options.grace_s)
        if resource is DEFINITIONS:
            new = terminating(new, rfc3339(self.now()))
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
        pod["status"].pop("nominatedNodeName", None)
        return self.store.put(PODS, pod)

    @staticmethod
    def _tell_unevaluated(definition: Object, options: WriteOptions) -> None:
        for told in unevaluated(definition):
            options.warn(told)

    def _delete_object(self, resource: Resource, namespace: str, name: str) -> None:
        self.delete(resource, namespace, name, DeleteOptions())

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
