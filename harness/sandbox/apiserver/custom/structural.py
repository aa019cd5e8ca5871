"""A custom object and the structural schema of its kind -> the object pruned and with its defaults.

Source: apiextensions-apiserver `pkg/apiserver/schema/{pruning,defaulting}`; kubernetes.io/docs/tasks/extend-kubernetes/
custom-resources/custom-resource-definitions (pruning, defaulting and nullable).
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Schema = dict[str, Any]

_OWN = ("apiVersion", "kind", "metadata")
_PRESERVED = "x-kubernetes-preserve-unknown-fields"
_EMBEDDED = "x-kubernetes-embedded-resource"


def pruned(obj: dict[str, Any], schema: Schema) -> tuple[dict[str, Any], list[str]]:
    """The object without what its schema does not specify, and the paths of what went."""
    unknown: list[str] = []
    return _pruned(obj, schema, "", unknown, resource=True), unknown


def defaulted(obj: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """The object with the schema's defaults. A null where the schema allows none gives way to a default, or goes."""
    filled: dict[str, Any] = _defaulted(obj, schema)
    return filled


def child_of(schema: Schema, key: str) -> Schema | None:
    """The schema of an object's field: its property, or what all further fields share."""
    properties = schema.get("properties") or {}
    if key in properties:
        found: Schema = properties[key]
        return found
    more = schema.get("additionalProperties")
    return more if isinstance(more, dict) else None


def nested(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """The schemas of what is directly within a value, each with its place as messages name it."""
    for key, inner in (schema.get("properties") or {}).items():
        yield f"properties[{key}]", inner
    for key in ("additionalProperties", "items"):
        if isinstance(inner := schema.get(key), dict):
            yield key, inner


def _pruned(value: Any, schema: Schema, path: str, unknown: list[str], *, resource: bool = False) -> Any:
    if isinstance(value, list):
        items = schema.get("items")
        if not isinstance(items, dict):
            return value
        embedded = bool(items.get(_EMBEDDED))
        return [_pruned(item, items, f"{path}[{n}]", unknown, resource=embedded) for n, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    kept: dict[str, Any] = {}
    for key, item in value.items():
        where = f"{path}.{key}" if path else key
        if resource and key in _OWN:
            kept[key] = item
        elif (inner := child_of(schema, key)) is not None:
            kept[key] = _pruned(item, inner, where, unknown, resource=bool(inner.get(_EMBEDDED)))
        elif schema.get(_PRESERVED) or schema.get("additionalProperties") is True:
            kept[key] = item
        else:
            unknown.append(where)
    return kept


def _defaulted(value: Any, schema: Schema) -> Any:
    if isinstance(value, list):
        items = schema.get("items")
        return [_filled(item, items) for item in value] if isinstance(items, dict) else value
    if not isinstance(value, dict):
        return value
    filled: dict[str, Any] = {}
    for key, item in value.items():
        inner = child_of(schema, key)
        if inner is None:
            filled[key] = item
        elif not (item is None and not inner.get("nullable") and inner.get("default") is None):
            filled[key] = _filled(item, inner)
    for key, inner in (schema.get("properties") or {}).items():
        if key not in filled and inner.get("default") is not None:
            filled[key] = _filled(None, inner)
    return filled


def _filled(value: Any, schema: Schema) -> Any:
    if value is None and not schema.get("nullable") and schema.get("default") is not None:
        value = copy.deepcopy(schema["default"])
    return _defaulted(value, schema)
