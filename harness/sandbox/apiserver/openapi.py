"""The table of resources and their shapes -> OpenAPI documents, version 3, one a group and version.

kubectl asks them whether the server validates fields (the parameter fieldValidation of each PATCH) before it applies,
and `kubectl explain` reads the fields. Strategic merge patch is among the patches' content types of the kinds that have
published types: kubectl makes its patches with the merge keys in these documents, by which the server applies them.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.custom.publishing import definition_name, published, version_2
from harness.sandbox.apiserver.decoding import is_long, schemas, type_of
from harness.sandbox.apiserver.fieldmanager.shapes import topology_of
from harness.sandbox.apiserver.strategic import merge_key, strategies

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.sandbox.apiserver.catalogue import Catalogue
    from harness.sandbox.apiserver.resources import Resource

Object = dict[str, Any]

_PREFIX = "io.k8s.api."
_SCALARS: dict[str, Object] = {
    "string": {"type": "string"},
    "integer": {"type": "integer", "format": "int64"},
    "boolean": {"type": "boolean"},
    "number": {"type": "number", "format": "double"},
    "bytes": {"type": "string", "format": "byte"},
    "any": {"type": "object"},
    "boolean-or-schema": {},
}
# Scalars that have a name of their own, by which `kubectl explain` calls them.
_NAMED: dict[str, tuple[str, Object]] = {
    "time": ("Time", {"type": "string", "format": "date-time"}),
    "quantity": ("Quantity", {"oneOf": [{"type": "string"}, {"type": "number"}]}),
    "int-or-string": (
        "IntOrString",
        {"oneOf": [{"type": "integer"}, {"type": "string"}], "format": "int-or-string"},
    ),
}
_VALIDATION = {
    "name": "fieldValidation",
    "in": "query",
    "schema": {"type": "string", "uniqueItems": True},
}
_PATCHES = ("application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml")
_STRATEGIC = "application/strategic-merge-patch+json"


class Documents:
    """The documents of what a catalogue serves, made when asked for and anew when its definitions changed."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._revision = -1
        self._made: dict[str, bytes] = {}

    def index(self) -> Object:
        """The document at /openapi/v3: where each group's document is, with a hash that changes with it."""
        paths = {}
        for root in dict.fromkeys(row.root.lstrip("/") for row in self._catalogue.rows):
            digest = hashlib.sha256(self._catalogue.state_of(root).encode()).hexdigest()[:32].upper()
            paths[root] = {"serverRelativeURL": f"/openapi/v3/{root}?hash={digest}"}
        return {"paths": paths}

    def encoded(self, root: str) -> bytes | None:
        """The document of `api/v1` or `apis/GROUP/VERSION` as JSON, None where there is no such group."""
        rows = tuple(row for row in self._catalogue.rows if row.root.lstrip("/") == root)
        if not rows:
            return None
        if all(row.custom is None for row in rows):
            return encoded_document(rows)
        return self._once(root, lambda: _encoded(document(rows)))

    def encoded_v2(self) -> bytes:
        """The one document of version 2, at /openapi/v2, as JSON."""
        return self._once("v2", lambda: _encoded(version_2(document(self._catalogue.rows))))

    def encoded_v2_protobuf(self) -> bytes:
        """The same as protobuf."""
        from harness.sandbox.apiserver import openapi_protobuf

        return self._once("v2 in protobuf", lambda: openapi_protobuf.encoded(json.loads(self.encoded_v2())))

    def _once(self, name: str, make: Callable[[], bytes]) -> bytes:
        if self._revision != self._catalogue.revision:
            self._made, self._revision = {}, self._catalogue.revision
        made = self._made  # which a change meanwhile replaces
        if name not in made:
            made[name] = make()
        return made[name]


@cache
def encoded_document(rows: tuple[Resource, ...]) -> bytes:
    """The document of the API's own resources as JSON; it never changes."""
    return _encoded(document(rows))


def document(rows: Sequence[Resource]) -> Object:
    """The document of these resources."""
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "sandbox"},
        "paths": {path: item for row in rows for path, item in _paths(row).items()},
        "components": {"schemas": _components(rows)},
    }


def _encoded(document: Object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _paths(row: Resource) -> dict[str, Object]:
    base = row.collection("{namespace}")
    paths: dict[str, Object] = {base: {"get": _operation(row, "list")}}
    if "create" in row.verbs:
        paths[base]["post"] = _operation(row, "post")
    if "patch" in row.verbs:
        paths[f"{base}/{{name}}"] = {verb: _operation(row, verb) for verb in ("get", "put", "patch", "delete")}
    return paths


def _operation(row: Resource, verb: str) -> Object:
    operation: Object = {
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": verb,
        "x-kubernetes-group-version-kind": _kind(row),
    }
    if verb in ("post", "put", "patch"):
        operation["parameters"] = [_VALIDATION]
    if verb == "patch":
        kinds = (*_PATCHES, _STRATEGIC) if type_of(row.api_version, row.kind) else _PATCHES
        operation["requestBody"] = {"content": {kind: {"schema": {"type": "object"}} for kind in kinds}}
    return operation


def _kind(row: Resource) -> Object:
    return {"group": row.group, "version": row.version, "kind": row.kind}


def _components(rows: Sequence[Resource]) -> Object:
    types = schemas()["types"]
    components: Object = {_PREFIX + name: dict(schema) for name, schema in _NAMED.values()}
    for row in rows:
        name = type_of(row.api_version, row.kind)
        waiting = [name or "V1ObjectMeta"]
        while waiting:
            each = waiting.pop()
            if _named(each) not in components:
                components[_named(each)] = _schema(each, types[each], waiting)
        own = components[_named(name)] if name else published(row, f"#/components/schemas/{_named('V1ObjectMeta')}")
        own["x-kubernetes-group-version-kind"] = [_kind(row)]
        if not name:
            components[definition_name(row)] = own
    return components


def _named(name: str) -> str:
    """A type's name in documents, without the client's prefix; of a kind that two groups have with its group."""
    return _PREFIX + re.sub(r"^V\d+(?=[A-Z])", "", re.sub(r"^([A-Z][a-z]+)V\d+(?=[A-Z])", r"\1.", name))


def _schema(name: str, fields: dict[str, str], waiting: list[str]) -> Object:
    properties = {
        key: _property(text, waiting) | _width(key, text) | _patch_extensions(name, key) for key, text in fields.items()
    }
    required = schemas()["required"].get(name)
    schema: Object = {"type": "object", "properties": properties} | ({"required": required} if required else {})
    return schema | topology_of(name)


def _width(field: str, text: str) -> Object:
    return {"format": "int64" if is_long(field) else "int32"} if text == "integer" else {}


def _patch_extensions(name: str, field: str) -> Object:
    extensions = {
        "x-kubernetes-patch-strategy": ",".join(strategies(name, field)),
        "x-kubernetes-patch-merge-key": merge_key(name, field),
    }
    return {key: value for key, value in extensions.items() if value} | topology_of(name, field)


def _property(text: str, waiting: list[str]) -> Object:
    if text[0] == "[":
        return {"type": "array", "items": _property(text[1:-1], waiting)}
    if text[0] == "{":
        return {"type": "object", "additionalProperties": _property(text[1:-1], waiting)}
    if text[0].isupper():
        waiting.append(text)
        return {"allOf": [{"$ref": f"#/components/schemas/{_named(text)}"}]}
    if text in _NAMED:
        return {"allOf": [{"$ref": f"#/components/schemas/{_PREFIX}{_NAMED[text][0]}"}]}
    return dict(_SCALARS[text])
