"""Objects of a custom kind and its definition's columns -> the rows that `kubectl get` prints.

Source: apiextensions-apiserver `pkg/registry/customresource/tableconvertor`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.custom.jsonpath import PathError, path_of

if TYPE_CHECKING:
    from harness.sandbox.apiserver.custom.kinds import CustomKind
    from harness.sandbox.apiserver.printers import Clock

Object = dict[str, Any]


def definitions_of(custom: CustomKind) -> list[Object]:
    """The table's columns: the name, and those of the definition."""
    name = {"name": "Name", "type": "string", "format": "name", "description": "", "priority": 0}
    return [name, *(_definition(column) for column in custom.columns)]


def cells_of(custom: CustomKind, obj: Object, clock: Clock) -> list[Any]:
    """One object's row; a cell without a value is null, which kubectl prints as `<none>`."""
    return [obj["metadata"]["name"], *(_cell(column, obj, clock) for column in custom.columns)]


def _definition(column: Object) -> Object:
    described = f"Custom resource definition column (in JSONPath format): {column['jsonPath']}"
    return {
        "name": column["name"],
        "type": column["type"],
        "format": column.get("format", ""),
        "description": column.get("description") or described,
        "priority": column.get("priority", 0),
    }


def _cell(column: Object, obj: Object, clock: Clock) -> Any:
    try:
        found = path_of(column["jsonPath"]).found(obj)
    except PathError:
        return None
    if not found:
        return None
    value = found[0]
    match column["type"]:
        case "string":
            return _text(value)
        case "integer" if _is_number(value):
            return int(value)
        case "number" if _is_number(value):
            return value
        case "boolean" if isinstance(value, bool):
            return value
        case "date" if isinstance(value, str):
            return _age(value, clock)
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"  # as Go prints it, and so the real API
    return json.dumps(value, separators=(",", ":"))


def _age(stamp: str, clock: Clock) -> str:
    try:
        return clock.age(stamp)
    except ValueError:
        return "<invalid>"
