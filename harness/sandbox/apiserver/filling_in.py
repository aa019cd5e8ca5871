"""Where a default is written: a field that is not there, or empty; what has the wrong shape is left to validation."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


def fill(target: Object, **values: Any) -> None:
    """Set those of the fields that have no value; a text that is empty is none, as in Go."""
    for key, value in values.items():
        if target.get(key) is None or (target[key] == "" and isinstance(value, str)):
            target[key] = value


def dicts(items: Any) -> list[Object]:
    """The objects in a list; none where it is no list."""
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def child(target: Object, key: str) -> Object:
    """The object in a field, made where there is none; one that belongs to nothing where something else is there."""
    child = target.get(key)
    if child is None:
        child = target[key] = {}
    return child if isinstance(child, dict) else {}
