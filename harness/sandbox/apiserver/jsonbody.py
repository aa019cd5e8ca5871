"""A request's body in JSON -> the value in it, and each field that stands twice in an object."""

from __future__ import annotations

import json
from typing import Any

# What Python's decoder expected, and how Go's says where it is.
_PLACES = {
    "Expecting value": "looking for beginning of value",
    "Expecting property name": "looking for beginning of object key string",
    "Expecting ':'": "after object key",
    "Expecting ','": "after a value of an object or array",
    "Extra data": "after top-level value",
    "Invalid control": "in string literal",
    "Invalid \\": "in string escape code",
}


class _Twice(Exception):
    """An object has a key twice."""


class _Pairs(list[tuple[str, Any]]):
    """An object as it is written, with what stands twice."""


def loads(raw: bytes) -> tuple[Any, list[str]]:
    """The value, where the last of equal keys counts, and a sentence for each. Raises: ValueError: it is no JSON."""
    value, twice = parsed(raw)
    return value, [f'duplicate field "{where}"' for where, _ in twice]


def parsed(raw: bytes) -> tuple[Any, list[tuple[str, str]]]:
    """The same with the place, such as "spec.replicas", and the key of each field that stands twice."""
    try:
        return _ONCE.decode(raw.decode(json.detect_encoding(raw), "surrogatepass")), []
    except _Twice:
        twice: list[tuple[str, str]] = []
        written = json.loads(raw, object_pairs_hook=_Pairs, parse_constant=_no_constant)
        return _value(written, "", twice), twice


def why(error: json.JSONDecodeError) -> str:
    """What is wrong with it, as Go's decoder says it."""
    if error.pos >= len(error.doc) or error.msg.startswith("Unterminated"):
        return "unexpected end of JSON input"
    place = next((said for begins, said in _PLACES.items() if error.msg.startswith(begins)), "in it")
    return f"invalid character {json.dumps(error.doc[error.pos])} {place}"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Twice
    return found


def _value(written: Any, path: str, twice: list[tuple[str, str]]) -> Any:
    if isinstance(written, _Pairs):
        found: dict[str, Any] = {}
        for key, item in written:
            where = f"{path}.{key}" if path else key
            if key in found:
                twice.append((where, key))
            found[key] = _value(item, where, twice)
        return found
    if isinstance(written, list):
        return [_value(item, f"{path}[{n}]", twice) for n, item in enumerate(written)]
    return written


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_ONCE = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant)
