"""A kind -> its shape: what in it is owned whole, what by field, and how the elements of lists are told apart.

Shapes come from the published types (`schemas.json` and the tables beside this module), from the structural schema of a
custom resource, or from the values themselves where nothing is known: then a list is owned whole, a map by its keys.
"""

from __future__ import annotations

import json
import re
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.decoding import schemas
from harness.sandbox.apiserver.fieldmanager.topologies import (
    ATOMIC_TYPES,
    EMPTY,
    KEY_DEFAULTS,
    NO_KEY_DEFAULT,
    TOPOLOGIES,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Object = dict[str, Any]

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_NOT_IN_HTML = re.compile("[&<>]")


class Form(Enum):
    """What kind of value: a scalar, a list or map that is owned whole, or one that is owned by its parts."""

    SCALAR = "scalar"
    ATOMIC = "atomic"
    MAP = "map"
    LIST = "list"
    ANY = "any"


class Shape:
    """One type. `rest`: the shape of fields that are not declared, None where they are refused.

    `scalar`: which scalars may stand here, in the words of schemas.json. `keys`: what tells the elements of a list
    apart, none where it is a set of scalars. `item`: the elements of a list.
    """

    __slots__ = ("_declare", "_declared", "form", "item", "keys", "rest", "scalar")

    def __init__(
        self,
        form: Form,
        *,
        scalar: str = "any",
        item: Shape | None = None,
        keys: Mapping[str, Any] | None = None,
        rest: Shape | None = None,
        declare: Callable[[], Mapping[str, Shape]] = dict,
    ) -> None:
        self.form, self.scalar, self.item, self.rest = form, scalar, item, rest
        self.keys = dict(sorted(keys.items())) if keys else {}
        self._declare = declare
        self._declared: Mapping[str, Shape] | None = None

    @property
    def declared(self) -> Mapping[str, Shape]:
        """The named fields of a struct; made at the first question, for types that hold themselves."""
        if self._declared is None:
            self._declared = self._declare()
        return self._declared

    def field(self, name: str) -> Shape | None:
        """The shape of a field, None where the type has no such field."""
        return self.declared.get(name) or self.rest

    def element(self, item: Any) -> str:
        """How an element of this list is named in a field set: `k:{...}` or `v:...`. Raises: ValueError."""
        if not self.keys:
            if isinstance(item, dict):
                raise ValueError("associative list without keys has an element that's a map type")
            if isinstance(item, list):
                raise ValueError("not supported: associative list with lists as elements")
            if item is None:
                raise ValueError("associative list without keys has an element that's an explicit null")
            return "v:" + compact(item)
        if item is None:
            raise ValueError("associative list with keys may not have a null element")
        if not isinstance(item, dict):
            raise ValueError("associative list with keys may not have non-map elements")
        named = {key: item.get(key, default) for key, default in self.keys.items()}
        named = {key: value for key, value in named.items() if value is not None}
        if not named:
            listed = " ".join(f'"{key}"' for key in self.keys)
            why = "associative list with keys has an element that omits all key fields"
            raise ValueError(f"{why} [{listed}] (and doesn't have default values for any key fields)")
        return "k:" + compact(named)


def compact(value: Any) -> str:
    """JSON as field sets name their elements by it, which is Go's: nothing in it that HTML would take for its own."""
    text = _encode(value)
    return _NOT_IN_HTML.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text) if _NOT_IN_HTML.search(text) else text


UNKNOWN = Shape(Form.ANY)
UNKNOWN.item = UNKNOWN.rest = UNKNOWN
_SCALARS = {
    text: Shape(Form.SCALAR, scalar=text)
    for text in ("string", "integer", "boolean", "number", "time", "bytes", "quantity", "int-or-string")
}
_ATOMIC = Shape(Form.ATOMIC, item=UNKNOWN, rest=UNKNOWN)


@cache
def published(type_name: str) -> Shape:
    """The shape of a type of schemas.json."""

    def declare() -> dict[str, Shape]:
        rows = TOPOLOGIES.get(type_name, {})
        return {key: _of_text(text, rows.get(key, "")) for key, text in schemas()["types"][type_name].items()}

    return Shape(Form.ATOMIC if type_name in ATOMIC_TYPES else Form.MAP, declare=declare)


def _of_text(text: str, topology: str) -> Shape:
    """A field's type in the words of schemas.json."""
    if text[0] == "[":
        item = _of_text(text[1:-1], "")
        if topology.startswith("map "):
            keys = {key: _key_default(text[1:-1], key) for key in topology[4:].split(",")}
            return Shape(Form.LIST, item=item, keys=keys)
        return Shape(Form.LIST if topology == "set" else Form.ATOMIC, item=item)
    if text[0] == "{":
        return Shape(Form.ATOMIC if topology == "atomic" else Form.MAP, rest=_of_text(text[1:-1], ""))
    if text[0].isupper():
        return published(text)
    return _SCALARS.get(text, _ATOMIC)


def topology_of(type_name: str, field: str = "") -> Object:
    """How a field, or the type as a whole, is owned, as the OpenAPI documents say it."""
    if not field:
        return {"x-kubernetes-map-type": "atomic"} if type_name in ATOMIC_TYPES else {}
    text = schemas()["types"][type_name][field]
    kind, _, keys = TOPOLOGIES.get(type_name, {}).get(field, "").partition(" ")
    if text[0] == "{":
        return {"x-kubernetes-map-type": kind} if kind else {}
    if text[0] != "[":
        return {}
    extensions: Object = {"x-kubernetes-list-type": kind or "atomic"}
    return {**extensions, "x-kubernetes-list-map-keys": keys.split(",")} if keys else extensions


def _key_default(type_name: str, key: str) -> Any:
    if (type_name, key) in NO_KEY_DEFAULT:
        return None
    number = schemas()["types"].get(type_name, {}).get(key) == "integer"
    return KEY_DEFAULTS.get((type_name, key), 0 if number else "")


def custom(schema: Object | None) -> Shape:
    """The shape of a custom resource with this openAPIV3Schema, None where it has none; its metadata is as of all."""
    body = _of_schema(schema) if schema else UNKNOWN
    head = {"metadata": published("V1ObjectMeta"), "apiVersion": _SCALARS["string"], "kind": _SCALARS["string"]}
    return Shape(Form.MAP, rest=body.rest, declare=lambda: {**body.declared, **head})


def _of_schema(schema: Object) -> Shape:
    """One node of a structural schema."""
    kind, open_ended = schema.get("type"), schema.get("x-kubernetes-preserve-unknown-fields") is True
    if schema.get("x-kubernetes-int-or-string"):
        return _SCALARS["int-or-string"]
    if kind == "array":
        return _of_array(schema)
    if kind == "object":
        values = schema.get("additionalProperties")
        rest = _of_schema(values) if isinstance(values, dict) else UNKNOWN if values or open_ended else None
        atomic = schema.get("x-kubernetes-map-type") == "atomic"
        properties = schema.get("properties") or {}
        if schema.get("x-kubernetes-embedded-resource"):
            rest = UNKNOWN
        return Shape(
            Form.ATOMIC if atomic else Form.MAP,
            rest=rest,
            declare=lambda: {key: _of_schema(value) for key, value in properties.items()},
        )
    return _SCALARS.get(str(kind), UNKNOWN)


def _of_array(schema: Object) -> Shape:
    items = schema.get("items") if isinstance(schema.get("items"), dict) else {}
    item, kind = _of_schema(items or {}), schema.get("x-kubernetes-list-type")
    if kind == "map":
        defaults = (items or {}).get("properties") or {}
        keys = {key: (defaults.get(key) or {}).get("default") for key in schema.get("x-kubernetes-list-map-keys") or ()}
        return Shape(Form.LIST, item=item, keys=keys)
    return Shape(Form.LIST if kind == "set" else Form.ATOMIC, item=item)


def empty(type_name: str) -> Object:
    """An object of a published type as it shows in which nothing is set."""
    fields = schemas()["types"].get(type_name, {})
    shown: Object = {}
    for key, value in EMPTY.get(type_name, {}).items():
        shown[key] = empty(fields.get(key, "")) if value == {} else value
    return shown
