"""The OpenAPI document of version 2 as JSON has it -> the same in protobuf, in which kubectl asks for it.

kubectl falls back to it for what version 3 does not name: a List, or a kind that is not served. The messages are those
of gnostic's `openapiv2/OpenAPIv2.proto`; of a document only what this server's documents hold is written.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

Object = dict[str, Any]

_VERBS = {"get": 2, "put": 3, "post": 4, "delete": 5, "options": 6, "head": 7, "patch": 8}
_TEXTS = {"$ref": 1, "format": 2, "title": 3, "description": 4, "pattern": 13}
_DOUBLES = {"multipleOf": 6, "maximum": 7, "minimum": 9}
_NUMBERS = {  # bools too
    "exclusiveMaximum": 8, "exclusiveMinimum": 10, "maxLength": 11, "minLength": 12, "maxItems": 14, "minItems": 15,
    "uniqueItems": 16, "maxProperties": 17, "minProperties": 18, "readOnly": 27,
}  # fmt: skip


def encoded(document: Object) -> bytes:
    """The message Document."""
    info = _text(1, document["info"]["title"]) + _text(2, document["info"]["version"])
    paths = b"".join(_named(2, name, _path(item)) for name, item in document["paths"].items())
    definitions = b"".join(_named(1, name, _schema(schema)) for name, schema in document["definitions"].items())
    return _text(1, document["swagger"]) + _part(2, info) + _part(8, paths) + _part(9, definitions)


def _path(item: Object) -> bytes:
    return b"".join(_part(_VERBS[verb], _operation(operation)) for verb, operation in item.items())


def _operation(operation: Object) -> bytes:
    parameters = b"".join(_part(8, _parameter(each)) for each in operation.get("parameters") or ())
    consumes = b"".join(_text(7, each) for each in operation.get("consumes") or ())
    codes = b"".join(
        _named(1, code, _part(1, _text(1, response.get("description", ""))))
        for code, response in (operation.get("responses") or {}).items()
    )
    return consumes + parameters + _part(9, codes) + _extensions(13, operation)


def _parameter(parameter: Object) -> bytes:
    """One in the query, the only sort that there is: inside of what it is an alternative to, three times."""
    body = _text(2, parameter["in"]) + _text(4, parameter["name"]) + _text(6, parameter.get("type", ""))
    return _part(1, _part(2, _part(3, body)))


def _schema(schema: Object) -> bytes:
    parts = [_text(number, str(schema[key])) for key, number in _TEXTS.items() if key in schema]
    parts += [_double(number, schema[key]) for key, number in _DOUBLES.items() if key in schema]
    parts += [_number(number, int(schema[key])) for key, number in _NUMBERS.items() if key in schema]
    parts += [_text(19, each) for each in schema.get("required") or ()]
    parts += [_part(20, _any(each)) for each in schema.get("enum") or ()]
    if isinstance(more := schema.get("additionalProperties"), bool):
        parts.append(_part(21, _number(2, int(more))))
    elif more is not None:
        parts.append(_part(21, _part(1, _schema(more))))
    if "type" in schema:
        parts.append(_part(22, _text(1, schema["type"])))
    if "items" in schema:
        parts.append(_part(23, _part(1, _schema(schema["items"]))))
    parts += [_part(24, _schema(each)) for each in schema.get("allOf") or ()]
    if schema.get("properties"):
        inner = b"".join(_named(1, name, _schema(each)) for name, each in schema["properties"].items())
        parts.append(_part(25, inner))
    return b"".join([*parts, _extensions(31, schema)])


def _extensions(number: int, obj: Object) -> bytes:
    return b"".join(_named(number, key, _any(value)) for key, value in obj.items() if key.startswith("x-"))


def _any(value: Any) -> bytes:
    """A value as YAML, which JSON is."""
    return _text(2, json.dumps(value, separators=(",", ":")))


def _named(number: int, name: str, value: bytes) -> bytes:
    return _part(number, _text(1, name) + _part(2, value))


def _text(number: int, text: str) -> bytes:
    return _part(number, text.encode()) if text else b""


def _part(number: int, body: bytes) -> bytes:
    return bytes(_varint(number << 3 | 2)) + bytes(_varint(len(body))) + body


def _number(number: int, value: int) -> bytes:
    return bytes(_varint(number << 3)) + bytes(_varint(value & 0xFFFFFFFFFFFFFFFF))


def _double(number: int, value: float) -> bytes:
    return bytes(_varint(number << 3 | 1)) + struct.pack("<d", value)


def _varint(value: int) -> Iterable[int]:
    while value > 0x7F:
        yield value & 0x7F | 0x80
        value >>= 7
    yield value
