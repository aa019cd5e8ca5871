"""The schema of a custom kind -> what of it the real API would not take: it must be structural, and its defaults valid.

Source: apiextensions-apiserver `pkg/apiserver/schema/validation.go` and `defaulting/validation.go`;
kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions (structural schemas).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.custom import structural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.sandbox.apiserver.field_errors import FieldErrors

Schema = dict[str, Any]

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_UNSUPPORTED = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
_JUNCTIONS = ("allOf", "anyOf", "oneOf")
_INT_OR_STRING = "x-kubernetes-int-or-string"
_PRESERVED = "x-kubernetes-preserve-unknown-fields"
_EMBEDDED = "x-kubernetes-embedded-resource"
_LIST_TYPE, _MAP_KEYS = "x-kubernetes-list-type", "x-kubernetes-list-map-keys"
_EITHER = [{"type": "integer"}, {"type": "string"}]
# What only the structure itself may say, not what is asked of its values: keyword -> the real API's reason.
_ONLY_STRUCTURE = {
    "type": "must be empty to be structural",
    "additionalProperties": "must be undefined to be structural",
    "default": "must be undefined to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "nullable": "must be false to be structural",
    _PRESERVED: "must be false to be structural",
    _EMBEDDED: "must be false to be structural",
    _INT_OR_STRING: "must be false to be structural",
    _LIST_TYPE: "must be undefined to be structural",
    _MAP_KEYS: "must be empty to be structural",
}
_MISSING = {
    "root": "must not be empty at the root",
    "item": "must not be empty for specified array items",
    "field": "must not be empty for specified object fields",
}


def check_schema(errors: FieldErrors, at: str, schema: Schema) -> None:
    """Adds what is wrong with the schema of a kind."""
    if schema.get("nullable"):
        errors.forbidden(f"{at}.nullable", "nullable cannot be true at the root")
    if schema.get("additionalProperties") is not None:
        errors.forbidden(f"{at}.additionalProperties", "must not be used at the root")
    if schema.get("type") not in (None, "", "object"):
        errors.invalid(f"{at}.type", schema["type"], "must be object at the root")
    _check_metadata(errors, f"{at}.properties[metadata]", (schema.get("properties") or {}).get("metadata") or {})
    before = len(errors.causes)
    _check(errors, at, schema, "root")
    if len(errors.causes) == before:
        _check_defaults(errors, at, schema)


def _check_metadata(errors: FieldErrors, at: str, metadata: Schema) -> None:
    further = {*(metadata.get("properties") or {})} - {"name", "generateName"}
    if further or {*metadata} - {"type", "properties", "description"}:
        why = "must not specify anything other than name and generateName, but metadata is implicitly specified"
        errors.forbidden(at, why)


def _check(errors: FieldErrors, at: str, schema: Schema, level: str) -> None:
    _check_keywords(errors, at, schema)
    _check_type(errors, at, schema, level)
    _check_lists(errors, at, schema)
    _check_values(errors, at, schema)
    if level == "root":
        _check_complete(errors, at, schema, at, schema)
    for place, inner in structural.nested(schema):
        if isinstance(inner, dict):
            _check(errors, f"{at}.{place}", inner, "item" if place == "items" else "field")


def _check_type(errors: FieldErrors, at: str, schema: Schema, level: str) -> None:
    kind = schema.get("type") or ""
    if schema.get(_EMBEDDED) and kind != "object":
        errors.required(f"{at}.type", "must be object if x-kubernetes-embedded-resource is true")
    elif not kind and not schema.get(_INT_OR_STRING) and not schema.get(_PRESERVED):
        errors.required(f"{at}.type", _MISSING[level])
    elif kind:
        errors.one_of(f"{at}.type", kind, _TYPES)
    if kind == "array" and not schema.get("items"):
        errors.required(f"{at}.items", "must be specified")
    if schema.get("items") is not None and not isinstance(schema["items"], dict):
        errors.forbidden(f"{at}.items", "items must be a schema object and not an array")
    if schema.get("properties") and schema.get("additionalProperties") not in (None, False):
        errors.forbidden(f"{at}.additionalProperties", "additionalProperties and properties are mutual exclusive")


def _check_keywords(errors: FieldErrors, at: str, schema: Schema) -> None:
    for key in _UNSUPPORTED:
        if schema.get(key):
            errors.forbidden(f"{at}.{key}", f"{key} is not supported")
    if schema.get("uniqueItems"):
        why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        errors.forbidden(f"{at}.uniqueItems", why)
    if schema.get(_PRESERVED) is False:
        errors.invalid(f"{at}.{_PRESERVED}", False, "must be true or undefined")
    if schema.get(_INT_OR_STRING):
        for key in (_PRESERVED, _EMBEDDED):
            if schema.get(key):
                errors.invalid(f"{at}.{key}", True, "must be false if x-kubernetes-int-or-string is true")
    if schema.get(_EMBEDDED) and not schema.get(_PRESERVED) and not schema.get("properties"):
        why = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
        errors.required(f"{at}.properties", why)


def _check_lists(errors: FieldErrors, at: str, schema: Schema) -> None:
    wanted, keys, kind = schema.get(_LIST_TYPE), schema.get(_MAP_KEYS) or [], schema.get("type")
    if wanted is not None:
        errors.one_of(f"{at}.{_LIST_TYPE}", wanted, ("atomic", "map", "set"))
        if kind != "array":
            errors.invalid(f"{at}.type", kind or "", f"must be array if {_LIST_TYPE} is specified")
    if (map_type := schema.get("x-kubernetes-map-type")) is not None:
        errors.one_of(f"{at}.x-kubernetes-map-type", map_type, ("atomic", "granular"))
        if kind != "object":
            errors.invalid(f"{at}.type", kind or "", "must be object if x-kubernetes-map-type is specified")
    if keys and wanted != "map":
        errors.invalid(f"{at}.{_LIST_TYPE}", wanted or "", f"must be map if {_MAP_KEYS} is non-empty")
    if wanted == "map":
        _check_keys(errors, at, schema, keys)


def _check_keys(errors: FieldErrors, at: str, schema: Schema, keys: list[str]) -> None:
    items = schema.get("items")
    if not keys:
        errors.required(f"{at}.{_MAP_KEYS}", f"must not be empty if {_LIST_TYPE} is map")
    if not isinstance(items, dict):
        errors.required(f"{at}.items", f"must have a schema if {_LIST_TYPE} is map")
        return
    if items.get("type") != "object":
        why = f"must be object if parent array's {_LIST_TYPE} is map"
        errors.invalid(f"{at}.items.type", items.get("type") or "", why)
    if items.get("nullable"):
        errors.forbidden(f"{at}.items.nullable", f"cannot be nullable when {_LIST_TYPE} is map")
    properties = items.get("properties") or {}
    for key in keys:
        if key not in properties:
            errors.invalid(f"{at}.{_MAP_KEYS}", keys, "entries must all be names of item properties")
            continue
        where = f"{at}.items.properties[{key}]"
        if properties[key].get("type") in ("array", "object"):
            why = f"must be a scalar type if parent array's {_LIST_TYPE} is map"
            errors.invalid(f"{where}.type", properties[key]["type"], why)
        if key not in (items.get("required") or ()) and properties[key].get("default") is None:
            why = f"this property is in {_MAP_KEYS}, so it must have a default or be a required property"
            errors.required(f"{where}.default", why)
    if len({*keys}) < len(keys):
        errors.invalid(f"{at}.{_MAP_KEYS}", keys, "must not contain duplicate entries")


def _check_values(errors: FieldErrors, at: str, asked: Schema) -> None:
    """What is asked of values: patterns that can be read, and alternatives that add nothing to the structure."""
    if pattern := asked.get("pattern"):
        from harness.sandbox.apiserver.custom.patterns import pattern_of  # as in `kinds`

        try:
            pattern_of(pattern)
        except ValueError as error:
            why = f"must be a valid regular expression, but isn't: {error}"
            errors.invalid(f"{at}.pattern", pattern, why)
    for place, inner in _alternatives(asked):
        if not (asked.get("anyOf") == _EITHER and place.startswith("anyOf")):
            _check_nested(errors, f"{at}.{place}", inner)


def _alternatives(asked: Schema) -> Iterator[tuple[str, Schema]]:
    for key in _JUNCTIONS:
        for n, inner in enumerate(asked.get(key) or ()):
            yield f"{key}[{n}]", inner
    if asked.get("not"):
        yield "not", asked["not"]


def _check_nested(errors: FieldErrors, at: str, asked: Schema) -> None:
    for key, why in _ONLY_STRUCTURE.items():
        if asked.get(key):
            errors.forbidden(f"{at}.{key}", why)
    _check_values(errors, at, asked)
    for key, inner in (asked.get("properties") or {}).items():
        _check_nested(errors, f"{at}.properties[{key}]", inner)
    if isinstance(items := asked.get("items"), dict):
        _check_nested(errors, f"{at}.items", items)


def _check_complete(errors: FieldErrors, at: str, asked: Schema, place: str, structure: Schema) -> None:
    """What the root's alternatives ask of a field is asked of one that the structure has."""
    for where, inner in _alternatives(asked):
        _check_fields(errors, f"{at}.{where}", inner, place, structure)


def _check_fields(errors: FieldErrors, at: str, asked: Schema, place: str, structure: Schema) -> None:
    _check_complete(errors, at, asked, place, structure)
    known = {f"properties[{key}]": inner for key, inner in (structure.get("properties") or {}).items()}
    known["items"] = structure.get("items")
    for where, inner in structural.nested(asked):
        if where == "additionalProperties":
            continue
        if isinstance(known.get(where), dict):
            _check_fields(errors, f"{at}.{where}", inner, f"{place}.{where}", known[where])
        else:
            errors.required(f"{place}.{where}", f"because it is defined in {at}.{where}")


def _check_defaults(errors: FieldErrors, at: str, schema: Schema) -> None:
    """Defaults have what the schema asks of a value, and nothing it does not know."""
    from harness.sandbox.apiserver.custom.schemavalidation import SchemaValidator  # as in `kinds`

    if (default := schema.get("default")) is not None:
        if isinstance(default, dict):
            _, unknown = structural.pruned({"value": default}, {"properties": {"value": schema}})
            if unknown:
                why = f"must not have unknown fields: {', '.join(path.partition('.')[2] for path in unknown)}"
                errors.invalid(f"{at}.default", default, why)
        for cause in SchemaValidator(schema).causes(
            structural.defaulted({"v": default}, {"properties": {"v": schema}})["v"]
        ):
            errors.invalid(f"{at}.default", default, cause.message.partition(": ")[2])
    for place, inner in structural.nested(schema):
        _check_defaults(errors, f"{at}.{place}", inner)
