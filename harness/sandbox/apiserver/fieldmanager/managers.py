"""metadata.managedFields <-> who manages which fields, since when, and in which version of the kind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from harness.sandbox.apiserver.fieldmanager.fieldsets import FieldSet, read, union
from harness.sandbox.apiserver.fieldmanager.shapes import compact

Object = dict[str, Any]

APPLY, UPDATE = "Apply", "Update"
_MOST_UPDATERS = 10
_OLD_UPDATES = "ancient-changes"


class Manager(NamedTuple):
    """One entry's identity. Who applies is the same whatever the version: `api_version` is empty."""

    name: str
    operation: str
    api_version: str = ""
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Managed:
    """What one manager owns; `time` as it is written, None where nothing of the object changed with it.

    `entry`: how a stored object has it, where nothing of it changed.
    """

    fields: FieldSet
    api_version: str
    time: str | None = None
    entry: Object | None = None


Managers = dict[Manager, Managed]


def decoded(entries: Any) -> Managers:
    """The entries of an object. Raises: ValueError where one is not whole, which counts as if none were given."""
    managers: Managers = {}
    for entry in entries or ():
        operation, version = entry.get("operation"), entry.get("apiVersion")
        if operation not in (APPLY, UPDATE):
            raise ValueError("operation must be `Apply` or `Update`")
        if not version or entry.get("fieldsType") != "FieldsV1":
            raise ValueError("apiVersion must not be empty and fieldsType is FieldsV1")
        name = Manager(
            entry.get("manager", ""), operation, "" if operation == APPLY else version, entry.get("subresource", "")
        )
        managers[name] = Managed(read(entry.get("fieldsV1") or {}), version, entry.get("time"))
    return managers


def stored(entries: Any) -> Managers:
    """The entries of a stored object, which were written by `encoded`."""
    return {
        Manager(
            entry.get("manager", ""),
            entry["operation"],
            "" if entry["operation"] == APPLY else entry["apiVersion"],
            entry.get("subresource", ""),
        ): Managed(entry.get("fieldsV1") or {}, entry["apiVersion"], entry.get("time"), entry)
        for entry in entries or ()
    }


def encoded(managers: Managers) -> list[Object]:
    """The entries, those who apply before those who update, older before newer."""
    entries = []
    for name in sorted(managers, key=lambda name: (name.operation, managers[name].time or "", name)):
        managed = managers[name]
        if managed.entry is not None:
            entries.append(managed.entry)
            continue
        entry: Object = {"manager": name.name, "operation": name.operation, "apiVersion": managed.api_version}
        if managed.time is not None:
            entry["time"] = managed.time
        entry |= {"fieldsType": "FieldsV1", "fieldsV1": managed.fields}
        if name.subresource:
            entry["subresource"] = name.subresource
        entries.append({key: value for key, value in entry.items() if value != ""})
    return entries


def capped(managers: Managers) -> Managers:
    """At most ten who update: the oldest of one version become one entry."""
    updaters = [name for name in managers if name.operation == UPDATE]
    if len(updaters) <= _MOST_UPDATERS:
        return managers
    kept, count, first = dict(managers), len(updaters), dict[str, Manager]()
    for name in sorted(updaters, key=lambda name: (managers[name].time or "", name)):
        if count <= _MOST_UPDATERS:
            break
        managed = kept[name]
        known = first.setdefault(managed.api_version, name)
        if known is name:
            continue
        bucket = Manager(_OLD_UPDATES, UPDATE, managed.api_version)
        if bucket not in kept:
            kept[bucket] = replace(kept.pop(known), entry=None)
        kept[bucket] = replace(managed, fields=union(managed.fields, kept[bucket].fields), entry=None)
        del kept[name]
        count -= 1
    return kept


def shown(name: Manager) -> str:
    """A manager as conflicts name it."""
    text = compact(name.name)
    if name.subresource:
        text += f' with subresource "{name.subresource}"'
    return f"{text} using {name.api_version}" if name.operation == UPDATE else text
