"""A workload before and after -> the strategic merge patch that makes the one of the other, as kustomize takes it.

https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def patch_of(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any] | None:
    """The patch, with the names by which kustomize finds what it changes; None where nothing differs."""
    if before == after:
        return None
    metadata = {key: after["metadata"][key] for key in ("name", "namespace") if key in after["metadata"]}
    head = {"apiVersion": after["apiVersion"], "kind": after["kind"], "metadata": metadata}
    return {**head, **_difference({**before, "metadata": {}}, {**after, "metadata": {}})}


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that differ; null for those that go."""
    found: dict[str, Any] = dict.fromkeys(before.keys() - after.keys())
    for name, value in after.items():
        if before.get(name) != value:
            found[name] = _changed(before.get(name), value)
    return found


def _changed(old: Any, new: Any) -> Any:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return _difference(old, new)
    if _are_named(old) and _are_named(new):
        past = {item["name"]: item for item in old}
        return [
            {"name": item["name"], **_difference(past.get(item["name"], {}), item)}
            for item in new
            if item != past.get(item["name"])
        ]
    return new


def _are_named(items: Any) -> bool:
    """Whether it is a list that such a patch merges by name, as that of containers."""
    return isinstance(items, list) and bool(items) and all(isinstance(i, dict) and i.get("name") for i in items)
