"""The table of resources -> what clients ask first: versions, groups, resources, health."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.custom.kinds import priority

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.sandbox.apiserver.resources import Resource

    Rows = Sequence[Resource]

Object = dict[str, Any]

VERSION = "v1.36.2+sandbox"
_AGGREGATED = "apidiscovery.k8s.io/v2"
_SCALE_KIND = {"group": "autoscaling", "version": "v1", "kind": "Scale"}


def document(path: str, accept: str, rows: Rows) -> Object | None:
    """The discovery document at `path`, None where it is none; aggregated where the client asks for that."""
    aggregated = "as=APIGroupDiscoveryList" in accept and "v=v2" in accept.replace("v=v2beta1", "")
    match path.strip("/").split("/"):
        case [""]:
            return {"paths": _paths(rows)}
        case ["version"]:
            return _version()
        case ["api"]:
            return _aggregated(rows, core=True) if aggregated else {"kind": "APIVersions", "versions": ["v1"]}
        case ["apis"]:
            return _aggregated(rows, core=False) if aggregated else _groups(rows)
        case ["apis", group]:
            return next((item for item in _groups(rows)["groups"] if item["name"] == group), None)
        case ["api", version]:
            return _resources(rows, "", version)
        case ["apis", group, version]:
            return _resources(rows, group, version)
    return None


def _paths(rows: Rows) -> list[str]:
    """What GET / lists."""
    groups = {part for row in rows if row.group for part in (f"/apis/{row.group}", row.root)}
    health = ("/healthz", "/livez", "/readyz")
    return sorted({"/api", "/api/v1", "/apis", "/openapi/v2", "/openapi/v3", "/version", *health, *groups})


def _version() -> Object:
    major, minor = VERSION.removeprefix("v").split(".")[:2]
    return {
        "major": major,
        "minor": minor,
        "gitVersion": VERSION,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
        "goVersion": "none",
        "compiler": f"python{platform.python_version()}",
        "platform": "linux/" + {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
    }


def _group_versions(rows: Rows) -> list[tuple[str, str]]:
    """Groups in the table's order; a group's versions, which several definitions may add, the preferred first."""
    pairs = dict.fromkeys((row.group, row.version) for row in rows if row.group)
    own = {(row.group, row.version) for row in rows if row.custom is None}
    places = {group: n for n, group in enumerate(dict.fromkeys(group for group, _ in pairs))}

    def order(pair: tuple[str, str]) -> tuple[int, bool, tuple[int, int, int, str]]:
        added = pair not in own
        return places[pair[0]], added, priority(pair[1]) if added else (0, 0, 0, "")

    return sorted(pairs, key=order)


def _groups(rows: Rows) -> Object:
    groups: list[Object] = []
    for group, version in _group_versions(rows):
        entry = {"groupVersion": f"{group}/{version}", "version": version}
        present = next((item for item in groups if item["name"] == group), None)
        if present is None:
            head = {"kind": "APIGroup", "apiVersion": "v1"}
            groups.append({**head, "name": group, "versions": [entry], "preferredVersion": entry})
        else:
            present["versions"].append(entry)
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def _resources(rows: Rows, group: str, version: str) -> Object | None:
    served = _served(rows, group, version)
    if not served:
        return None
    listed = []
    for row in served:
        listed.append(_resource(row))
        listed.extend(_subresource(row, name) for name in row.subresources)
    group_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": listed}


def _served(rows: Rows, group: str, version: str) -> list[Resource]:
    """By name, as the real API lists them: in that order `kubectl get all` shows them."""
    return sorted((row for row in rows if (row.group, row.version) == (group, version)), key=lambda row: row.plural)


def _resource(row: Resource) -> Object:
    entry: Object = {"name": row.plural, "singularName": row.singular, "namespaced": row.namespaced}
    entry.update(kind=row.kind, verbs=list(row.verbs))
    if row.short_names:
        entry["shortNames"] = list(row.short_names)
    if row.categories:
        entry["categories"] = list(row.categories)
    return entry


def _subresource(row: Resource, name: str) -> Object:
    entry: Object = {"name": f"{row.plural}/{name}", "singularName": "", "namespaced": row.namespaced}
    if name == "scale":
        entry.update(_SCALE_KIND)
    elif name == "eviction":
        entry.update(group="policy", version="v1", kind="Eviction")
    elif name == "proxy":
        entry.update(kind=f"{row.kind}ProxyOptions")
    elif name == "binding":
        entry.update(kind="Binding")
    else:
        entry.update(kind=row.kind)
    return {**entry, "verbs": _subresource_verbs(name)}


def _subresource_verbs(name: str) -> list[str]:
    match name:
        case "status" | "scale":
            return ["get", "patch", "update"]
        case "log":
            return ["get"]
        case "proxy":
            return ["create", "delete", "get", "patch", "update"]
        case "finalize":
            return ["update"]
        case _:
            return ["create"]


def _aggregated(rows: Rows, *, core: bool) -> Object:
    pairs = [("", "v1")] if core else _group_versions(rows)
    names = list(dict.fromkeys(group for group, _ in pairs))
    items = [
        {
            "metadata": {"name": name, "creationTimestamp": None},
            "versions": [
                {
                    "version": version,
                    "freshness": "Current",
                    "resources": [_aggregated_resource(row) for row in _served(rows, name, version)],
                }
                for group, version in pairs
                if group == name
            ],
        }
        for name in names
    ]
    return {"kind": "APIGroupDiscoveryList", "apiVersion": _AGGREGATED, "metadata": {}, "items": items}


def _aggregated_resource(row: Resource) -> Object:
    entry: Object = {
        "resource": row.plural,
        "responseKind": {"group": row.group, "version": row.version, "kind": row.kind},
        "scope": "Namespaced" if row.namespaced else "Cluster",
        "singularResource": row.singular,
        "verbs": list(row.verbs),
    }
    if row.short_names:
        entry["shortNames"] = list(row.short_names)
    if row.categories:
        entry["categories"] = list(row.categories)
    if row.subresources:
        entry["subresources"] = [
            {
                "subresource": name,
                "responseKind": _SCALE_KIND
                if name == "scale"
                else {"group": row.group, "version": row.version, "kind": row.kind},
                "verbs": _subresource_verbs(name),
            }
            for name in row.subresources
        ]
    return entry
