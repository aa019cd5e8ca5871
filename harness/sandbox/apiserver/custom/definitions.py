"""Stored CustomResourceDefinitions -> names accepted, kinds established and served, and their objects gone with them.

What in the real API is the work of its naming, establishing and finalizing controllers is done here within each change,
so that a kind is served as soon as its definition was answered. Source: apiextensions-apiserver
`pkg/controller/{status,establish,finalizer}`.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.clock import rfc3339
from harness.sandbox.apiserver.custom.kinds import resources_of, stored_version
from harness.sandbox.apiserver.resources import DEFINITIONS, RESOURCES

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.sandbox.apiserver.catalogue import Catalogue
    from harness.sandbox.apiserver.resources import Resource
    from harness.sandbox.apiserver.store import Event, Store

Object = dict[str, Any]

_BUILT_IN = frozenset(row.place for row in RESOURCES)
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
_DELETING = "CustomResource deletion is in progress"


def fill_definition(obj: Object) -> Object:
    """The definition with its defaults, the versions that were ever stored among them."""
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        return obj
    names = spec.setdefault("names", {})
    if kind := names.get("kind"):
        names.setdefault("singular", kind.lower())
        names.setdefault("listKind", f"{kind}List")
    spec.setdefault("conversion", {"strategy": "None"})
    status = obj.setdefault("status", {"acceptedNames": {"kind": "", "plural": ""}})
    stored, now = status.setdefault("storedVersions", []), stored_version(spec)
    if now and now not in stored:
        stored.append(now)
    return obj


def terminating(obj: Object, now: str) -> Object:
    """The definition as it is once it is to be deleted: its objects go first."""
    metadata = obj["metadata"]
    if metadata.get("deletionTimestamp"):
        return obj
    finalizers = metadata.get("finalizers") or []
    metadata["finalizers"] = [*finalizers, *(() if CLEANUP in finalizers else (CLEANUP,))]
    why = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
    obj.setdefault("status", {})
    _set_condition(obj["status"], "Terminating", "True", "InstanceDeletionPending", why, now)
    return obj


class Definitions:
    """Follows the definitions in a store, and tells its catalogue what they mean."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        now: Callable[[], float],
        delete: Callable[[Resource, str, str], object],
    ) -> None:
        self._store, self._catalogue, self._now, self._delete = store, catalogue, now, delete
        self._followed: set[tuple[str, str]] = set()
        self._finishing: set[str] = set()
        store.listen(DEFINITIONS, self._on_change)

    def _on_change(self, event: Event) -> None:
        name = event.now.obj["metadata"]["name"]
        stored = self._store.get(DEFINITIONS, "", name)
        if stored is None:
            self._forget(name, event.now.obj["spec"]["group"])
        elif stored.version == event.version:  # else a change within this one has seen to it
            self._sync(name, stored.copy())

    def _sync(self, name: str, definition: Object) -> None:
        before = copy.deepcopy(definition.setdefault("status", {}))
        self._accept_names(name, definition)
        if definition["status"] != before:
            self._store.put(DEFINITIONS, definition)
            return  # which is a change of its own
        if _is_true(definition["status"], "Established"):
            self._serve(name, definition)
        if definition["metadata"].get("deletionTimestamp"):
            self._finish(name)

    def _serve(self, name: str, definition: Object) -> None:
        present = self._catalogue.defined_by(name)
        # What the API has a kind of its own for is that kind's: neither served nor deleted by a definition.
        rows = tuple(row for row in resources_of(definition) if row.place not in _BUILT_IN)
        if [(row, row.custom) for row in rows] == [(row, row.custom) for row in present]:
            return
        self._catalogue.define(name, rows)
        for row in (*present, *rows)[:1]:
            self._store.end_watches(row)
            if row.place not in self._followed:
                self._followed.add(row.place)
                self._store.listen(row, lambda event: self._on_object(name, event))

    def _on_object(self, name: str, event: Event) -> None:
        """The last object of a kind that ends takes its definition along."""
        if event.type == "DELETED" and self._store.get(DEFINITIONS, "", name) is not None:
            self._finish(name)

    def _finish(self, name: str) -> None:
        """Deletes the objects of a definition that ends, and what held it once none is left."""
        stored = self._store.get(DEFINITIONS, "", name)
        if stored is None or not _ends(stored.obj) or name in self._finishing:
            return
        rows = self._catalogue.defined_by(name)
        self._finishing.add(name)  # each deletion comes through here again
        try:
            self._delete_objects(rows)
        finally:
            self._finishing.discard(name)
        if rows and self._store.items(rows[0]):
            self._tell_progress(stored.copy())
        else:
            self._release(name, stored.copy(), established=bool(rows))

    def _delete_objects(self, rows: tuple[Resource, ...]) -> None:
        for each in self._store.items(rows[0]) if rows else ():
            metadata = each.obj["metadata"]
            if not metadata.get("deletionTimestamp"):
                self._delete(rows[0], metadata.get("namespace", ""), metadata["name"])

    def _tell_progress(self, definition: Object) -> None:
        now = rfc3339(self._now())
        if _set_condition(definition["status"], "Terminating", "True", "InstanceDeletionInProgress", _DELETING, now):
            self._store.put(DEFINITIONS, definition)

    def _release(self, name: str, definition: Object, *, established: bool) -> None:
        reason, why = "InstanceDeletionCompleted", "removed all instances"
        if not established:
            reason, why = "NeverEstablished", "resource was never established"
        _set_condition(definition["status"], "Terminating", "False", reason, why, rfc3339(self._now()))
        metadata = definition["metadata"]
        metadata["finalizers"] = [item for item in metadata["finalizers"] if item != CLEANUP]
        if metadata["finalizers"]:
            self._store.put(DEFINITIONS, definition)
        else:
            del metadata["finalizers"]
            self._store.remove(DEFINITIONS, "", name, definition)

    def _forget(self, name: str, group: str) -> None:
        """The definition is gone: its paths are no more, and others may have its names."""
        rows = self._catalogue.defined_by(name)
        self._catalogue.define(name, ())
        for row in rows[:1]:
            self._store.end_watches(row)
        for other in self._store.items(DEFINITIONS):
            if other.obj["spec"]["group"] == group:
                self._sync(other.obj["metadata"]["name"], other.copy())

    def _accept_names(self, name: str, definition: Object) -> None:
        status, now = definition["status"], rfc3339(self._now())
        accepted, conflict = self._accepted(name, definition)
        status["acceptedNames"] = accepted
        if conflict is not None:
            _set_condition(status, "NamesAccepted", "False", *conflict, now)
            if not _is_true(status, "Established"):
                _set_condition(status, "Established", "False", "NotAccepted", "not all names are accepted", now)
            return
        _set_condition(status, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now)
        if not _is_true(status, "Established"):
            why = "the initial names have been accepted"
            _set_condition(status, "Established", "True", "InitialNamesAccepted", why, now)

    def _accepted(self, name: str, definition: Object) -> tuple[Object, tuple[str, str] | None]:
        """The names that the definition may have, and where it may not have all, the last conflict."""
        wanted, accepted = definition["spec"]["names"], dict(definition["status"].get("acceptedNames") or {})
        plurals, kinds = self._taken(name, definition["spec"]["group"])
        conflict: tuple[str, str] | None = None
        for field, taken in (("plural", plurals), ("singular", plurals), ("kind", kinds), ("listKind", kinds)):
            asked = wanted.get(field, "")
            if asked != accepted.get(field) and asked in taken:
                conflict = f"{field[0].upper()}{field[1:]}Conflict", f'"{asked}" is already in use'
            else:
                accepted[field] = asked
        clashes = [short for short in wanted.get("shortNames") or () if short in plurals]
        if clashes:
            texts = [f'"{short}" is already in use' for short in clashes]
            conflict = "ShortNamesConflict", texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
        else:
            accepted["shortNames"] = wanted.get("shortNames")
        accepted["categories"] = wanted.get("categories")
        return {key: value for key, value in accepted.items() if value is not None}, conflict

    def _taken(self, name: str, group: str) -> tuple[set[str], set[str]]:
        plurals, kinds = set[str](), set[str]()
        for other in self._store.items(DEFINITIONS):
            if other.obj["spec"]["group"] == group and other.obj["metadata"]["name"] != name:
                names = other.obj.get("status", {}).get("acceptedNames") or {}
                plurals |= {names.get("plural", ""), names.get("singular", ""), *(names.get("shortNames") or ())}
                kinds |= {names.get("kind", ""), names.get("listKind", "")}
        return plurals - {""}, kinds - {""}


def _ends(definition: Object) -> bool:
    metadata = definition["metadata"]
    return bool(metadata.get("deletionTimestamp")) and CLEANUP in (metadata.get("finalizers") or ())


def _is_true(status: Object, kind: str) -> bool:
    return any(item.get("type") == kind and item.get("status") == "True" for item in status.get("conditions") or ())


def _set_condition(status: Object, kind: str, value: str, reason: str, message: str, now: str) -> bool:
    """Whether that changed anything."""
    conditions = status.setdefault("conditions", [])
    present = next((item for item in conditions if item.get("type") == kind), None)
    said = {"status": value, "reason": reason, "message": message}
    if present is None:
        conditions.append({"lastTransitionTime": now, **said, "type": kind})
        return True
    changed = any(present.get(key) != word for key, word in said.items())
    if present.get("status") != value:
        present["lastTransitionTime"] = now
    present.update(said)
    return changed
