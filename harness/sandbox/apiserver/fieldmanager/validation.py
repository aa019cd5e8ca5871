"""A configuration that is to be applied -> what in it does not fit its kind's shape, each with its path.

The words are structured-merge-diff's, which clients see behind "failed to create typed patch object".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.fieldmanager.fieldsets import shown
from harness.sandbox.apiserver.fieldmanager.shapes import Form, Shape, compact

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXPECTED = {"string": "string", "bytes": "string", "integer": "numeric (int or float)"}
_EXPECTED |= {"number": "numeric (int or float)", "boolean": "boolean"}
_GO_TYPES = {str: "string", bool: "bool", int: "int64", float: "float64", list: "[]interface {}"}
_GO_TYPES[dict] = "map[string]interface {}"


def misfits(shape: Shape, config: Any) -> str:
    """What does not fit, as one message; empty where all does."""
    errors = list(_misfits(shape, config, ()))
    return (
        errors[0] if len(errors) == 1 else "\n".join(["errors:", *(f"  {error}" for error in errors)] if errors else ())
    )


def _misfits(shape: Shape, value: Any, path: tuple[str, ...]) -> Iterator[str]:
    if value is None or shape.form is Form.ANY:
        return
    if shape.form is Form.SCALAR:
        yield from _wrong_scalar(shape, value, path)
    elif shape.item is not None and (shape.form is Form.LIST or shape.rest is None):
        yield from _wrong_list(shape, value, path)
    elif shape.rest is None or shape.item is None:
        yield from _wrong_map(shape, value, path)


def _at(path: tuple[str, ...], why: str) -> str:
    return f"{shown(path)}: {why}" if path else why


def _wrong_scalar(shape: Shape, value: Any, path: tuple[str, ...]) -> Iterator[str]:
    kinds = {"string": str, "bytes": str, "boolean": bool}
    if shape.scalar in kinds:
        fits = isinstance(value, kinds[shape.scalar])
    elif shape.scalar in ("integer", "number"):
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    else:
        fits = not isinstance(value, dict | list)
    if not fits:
        seen = f"&value.valueUnstructured{{Value:{compact(value)}}}" if shape.scalar in ("string", "bytes") else ""
        seen = seen or (_GO_TYPES[type(value)] if shape.scalar in ("integer", "number") else f"&{{{_plain(value)}}}")
        yield _at(path, f"expected {_EXPECTED.get(shape.scalar, 'any scalar')}, got {seen}")


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else compact(value)


def _wrong_list(shape: Shape, value: Any, path: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(value, list):
        yield _at(path, f"expected list, got &{{{_plain(value)}}}")
        return
    seen: set[str] = set()
    for n, item in enumerate(value):
        key = f"i:{n}"
        if shape.form is Form.LIST:
            try:
                key = shape.element(item)
            except ValueError as error:
                yield _at(path, f"element {n}: {error}")
                return
            if key in seen:
                yield _at(path, f"duplicate entries for key {shown((key,))}")
            seen.add(key)
        if shape.item is not None:
            yield from _misfits(shape.item, item, (*path, key))


def _wrong_map(shape: Shape, value: Any, path: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(value, dict):
        yield _at(path, f"expected map, got &{{{_plain(value)}}}")
        return
    for name, child in value.items():
        inner = shape.field(name)
        if inner is None:
            yield _at((*path, f"f:{name}"), "field not declared in schema")
            return
        yield from _misfits(inner, child, (*path, f"f:{name}"))
