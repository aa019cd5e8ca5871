"""An object and a strategic merge patch of a workload -> the object patched, and the patch that takes it back.

Lists in such a patch are of items with a name, which it merges by, as Kubernetes does with containers.
https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def patched(found: Any, patch: Any) -> Any:
    """The object as it would be after the patch.

    >>> patched({"spec": {"replicas": 2, "paused": True}}, {"spec": {"replicas": 3, "paused": None}})
    {'spec': {'replicas': 3}}
    """
    if isinstance(patch, Mapping):
        base = dict(found) if isinstance(found, Mapping) else {}
        for key, value in patch.items():
            if value is None:
                base.pop(key, None)
            else:
                base[key] = patched(base.get(key), value)
        return base
    if _is_named(patch):
        items = list(found or ())
        for change in patch:
            at = next((n for n, item in enumerate(items) if item.get("name") == change["name"]), len(items))
            items[at : at + 1] = [patched(items[at] if at < len(items) else {}, change)]
        return items
    return patch


def taken_back(patch: Any, before: Any) -> Any:
    """The patch that gives what `patch` changes the values that it had before; null takes away what was not there.

    >>> taken_back({"spec": {"replicas": 3, "paused": True}}, {"spec": {"replicas": 2}})
    {'spec': {'replicas': 2, 'paused': None}}
    """
    if isinstance(patch, Mapping):
        past = before if isinstance(before, Mapping) else {}
        return {key: value if key == "name" else taken_back(value, past.get(key)) for key, value in patch.items()}
    if _is_named(patch) and before:
        past = {item.get("name"): item for item in before}
        return [taken_back(change, past.get(change["name"], {})) for change in patch]
    return before


def _is_named(items: Any) -> bool:
    return (
        isinstance(items, list | tuple)
        and bool(items)
        and all(isinstance(item, Mapping) and "name" in item for item in items)
    )
