"""The schema of a custom kind -> the schema that OpenAPI publishes; a document of version 3 -> one of version 2.

Source: apiextensions-apiserver `pkg/controller/openapi/{builder,v2}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.sandbox.apiserver.resources import Resource

Object = dict[str, Any]

_TYPES = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}
_PRESERVED, _EMBEDDED = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"
# What version 2 has no words for, or clients of it would misread.
_NOT_IN_2 = ("nullable", "anyOf", "oneOf", "not", "default", "x-kubernetes-validations")


def definition_name(resource: Resource) -> str:
    """`org.example.v1.Shop`: under which the schema of a custom kind is published."""
    return f"{'.'.join(reversed(resource.group.split('.')))}.{resource.version}.{resource.kind}"


def published(resource: Resource, metadata: str) -> Object:
    """The schema with what every object has; `metadata` is a reference to the schema of metadata."""
    custom = resource.custom
    schema = _with_resources(custom.schema if custom is not None else {"type": "object", _PRESERVED: True}, metadata)
    properties = {**(schema.get("properties") or {}), "metadata": {"allOf": [{"$ref": metadata}]}}
    for key, plain in _TYPES.items():
        properties.setdefault(key, dict(plain))
    return {**schema, "type": "object", "properties": properties}


def _with_resources(schema: Object, metadata: str) -> Object:
    """Embedded resources, too, have kind, apiVersion and metadata."""
    changed = dict(schema)
    if isinstance(properties := schema.get("properties"), dict):
        changed["properties"] = {key: _with_resources(inner, metadata) for key, inner in properties.items()}
    for key in ("items", "additionalProperties"):
        if isinstance(inner := schema.get(key), dict):
            changed[key] = _with_resources(inner, metadata)
    if schema.get(_EMBEDDED):
        own = {**_TYPES, "metadata": {"allOf": [{"$ref": metadata}]}}
        changed["properties"] = {**(changed.get("properties") or {}), **own}
        changed["required"] = [*dict.fromkeys([*(schema.get("required") or ()), "kind", "apiVersion"])]
    return changed


def version_2(document: Object) -> Object:
    """The same as Swagger 2.0, without what that cannot say."""
    return {
        "swagger": "2.0",
        "info": document["info"],
        "paths": {path: _operations(item) for path, item in document["paths"].items()},
        "definitions": {name: _in_2(schema) for name, schema in document["components"]["schemas"].items()},
    }


def _operations(item: Object) -> Object:
    operations: Object = {}
    for verb, operation in item.items():
        plain = {key: value for key, value in operation.items() if key not in ("requestBody", "parameters")}
        if (body := operation.get("requestBody")) is not None:
            plain["consumes"] = list(body["content"])
        if operation.get("parameters"):
            plain["parameters"] = [
                {key: value for key, value in each.items() if key != "schema"} | each["schema"]
                for each in operation["parameters"]
            ]
        operations[verb] = plain
    return operations


def _in_2(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_in_2(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    references = schema.get("allOf") or []
    if references and "$ref" in references[0]:
        return {"$ref": references[0]["$ref"].replace("#/components/schemas/", "#/definitions/")}
    if schema.get("format") == "int-or-string":
        return {"type": "string", "format": "int-or-string"}
    plain = {key: value for key, value in schema.items() if key not in _NOT_IN_2 and key not in _NESTED}
    if schema.get(_PRESERVED) and "x-kubernetes-group-version-kind" in schema:
        plain.pop("required", None)
        return plain  # with any properties clients of version 2 would refuse all others
    return plain | _nested_in_2(schema)


def _nested_in_2(schema: Object) -> Object:
    return {
        key: {name: _in_2(inner) for name, inner in schema[key].items()} if key == "properties" else _in_2(schema[key])
        for key in _NESTED
        if key in schema and key != "allOf"
    }


_NESTED = ("properties", "items", "additionalProperties", "allOf")
