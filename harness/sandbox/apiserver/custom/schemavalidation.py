"""A custom object and the schema of its kind -> what is wrong with it, in the words of the real API.

`jsonschema` decides, with what Kubernetes means by a schema: `nullable`, numbers or strings, patterns in RE2 (whose
time is bounded, whatever pattern a definition brings), and a few formats. Source: kube-openapi `pkg/validation`,
apiextensions-apiserver `pkg/apiserver/validation` and `schema/listtype`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema

from harness.sandbox.apiserver.api_errors import Cause, shown
from harness.sandbox.apiserver.custom.formats import fits
from harness.sandbox.apiserver.custom.patterns import pattern_of
from harness.sandbox.apiserver.custom.rules import Rules
from harness.sandbox.apiserver.custom.structural import child_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    Schema = dict[str, Any]
    Errors = Iterator[jsonschema.ValidationError]

_INT32, _INT64 = 2**31, 2**63
_INT_OR_STRING = "x-kubernetes-int-or-string"
_ROOT = "<nil>"  # the real API's name for the place of a finding that has none


class SchemaValidator:
    """The validator of one schema; made once, used for every object."""

    def __init__(self, schema: Schema) -> None:
        self._schema, self._validator = schema, _VALIDATOR(schema)
        self._rules = Rules(schema)

    def causes(self, obj: Any, old: Any = None) -> list[Cause]:
        """What is wrong with `obj`; what is as in `old` is let pass, for the schema may be newer than the object."""
        errors = [each for error in self._validator.iter_errors(obj) for each in _with_context(error)]
        found = [(tuple(error.absolute_path), _cause(error)) for error in errors]
        found += _list_causes(obj, self._schema, ())
        wrong = [cause for path, cause in found if old is None or not _unchanged(path, cause, obj, old)]
        return [*wrong, *self._rules.causes(obj, old, wrong)]

    def unevaluated(self) -> list[str]:
        """A sentence for each rule of the schema that cannot be evaluated here, which lets everything pass."""
        return self._rules.unevaluated()


def field_of(path: tuple[Any, ...]) -> str:
    """`spec.ports[0].name`: a path as messages write it."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _type(validator: Any, wanted: str, value: Any, schema: Schema) -> Errors:
    if value is None and schema.get("nullable"):
        return
    if not _is(wanted, value):
        yield jsonschema.ValidationError(_type_text(wanted, value))


def _int_or_string(validator: Any, wanted: bool, value: Any, schema: Schema) -> Errors:
    if not wanted or (value is None and schema.get("nullable")):
        return
    if not _is("integer", value) and not isinstance(value, str):
        yield jsonschema.ValidationError(_type_text("integer,string", value))


def _is(wanted: str, value: Any) -> bool:
    if wanted == "integer":
        return (isinstance(value, int) and not isinstance(value, bool)) or (
            isinstance(value, float) and value.is_integer()
        )
    if wanted == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return {"string": str, "boolean": bool, "array": list, "object": dict}.get(wanted) is type(value)


def _required(validator: Any, names: list[str], value: Any, schema: Schema) -> Errors:
    if isinstance(value, dict):
        yield from (jsonschema.ValidationError(name) for name in names if name not in value)


def _pattern(validator: Any, pattern: str, value: Any, schema: Schema) -> Errors:
    if not isinstance(value, str) or len(value) > schema.get("maxLength", len(value)):
        return  # of a text that is too long nothing else is said
    if pattern_of(pattern).search(value) is None:
        yield jsonschema.ValidationError(pattern)


def _format(validator: Any, name: str, value: Any, schema: Schema) -> Errors:
    if isinstance(value, str):
        if not fits(name, value):
            yield jsonschema.ValidationError(_type_text(name, value, shown(value)))
    elif schema.get("type") == "integer" and isinstance(value, int):
        limit = _INT32 if name == "int32" else _INT64
        if not -limit <= value < limit:
            yield jsonschema.ValidationError(f"Checked value must be of type integer with format {name}")


def _multiple_of(validator: Any, factor: float, value: Any, schema: Schema) -> Errors:
    if _is("number", value) and (factor <= 0 or value % factor):
        yield jsonschema.ValidationError("multipleOf")


def _same_kind_enum(validator: Any, wanted: list[Any], value: Any, schema: Schema) -> Errors:
    if value is None and schema.get("nullable"):
        wanted = [*wanted, None] if None in wanted else wanted
    if not any(item == value and isinstance(item, bool) == isinstance(value, bool) for item in wanted):
        yield jsonschema.ValidationError("enum")


_VALIDATOR = jsonschema.validators.extend(
    jsonschema.Draft4Validator,
    {
        "type": _type, _INT_OR_STRING: _int_or_string, "pattern": _pattern, "format": _format, "enum": _same_kind_enum,
        "required": _required, "multipleOf": _multiple_of,
        "$ref": None, "dependencies": None, "uniqueItems": None,
    },
)  # fmt: skip


def _with_context(error: jsonschema.ValidationError) -> Errors:
    """The finding; for one on alternatives also what is wrong with the best of them."""
    yield error
    if error.validator in ("anyOf", "oneOf") and error.context:
        branches: dict[Any, list[jsonschema.ValidationError]] = {}
        for inner in error.context:
            branches.setdefault(inner.schema_path[0], []).append(inner)
        for inner in min(branches.values(), key=len):
            yield from _with_context(inner)


def _type_text(wanted: str, value: Any, data: str = "") -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    seen = kinds.get(type(value), "null")
    return f"must be of type {wanted}: {data or shown(seen)}"


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _cause(error: jsonschema.ValidationError) -> Cause:
    path, limit, value = tuple(error.absolute_path), error.validator_value, error.instance
    field = field_of(path)
    kind = str(error.validator)
    match kind:
        case "required":
            return _made(field_of((*path, error.message)), "FieldValueRequired", "Required value")
        case "enum":
            words = ", ".join(shown(item if isinstance(item, str) else shown(item)) for item in limit)
            return _made(
                field, "FieldValueNotSupported", f"Unsupported value: {shown(value)}: supported values: {words}"
            )
        case "maxLength":
            return _made(field, "FieldValueTooLong", f"Too long: may not be more than {limit} bytes")
        case "maxItems" | "maxProperties":
            return _made(field, "FieldValueTooMany", f"Too many: {len(value)}: must have at most {limit} items")
        case "type" | "x-kubernetes-int-or-string":
            seen = error.message.rpartition(": ")[2]
            return _typed(field, seen, error.message)
        case "format" if isinstance(value, str):
            return _typed(field, shown(value), error.message)
        case "format":
            return _invalid(_ROOT, '""', f"{error.message} in {field}")
        case "anyOf" | "oneOf" | "allOf" | "not":
            return _invalid(_ROOT, '""', f'"{field}" {_alternatives(kind, error)}')
    return _invalid(field, *_bounded(kind, error, field))


def _bounded(kind: str, error: jsonschema.ValidationError, field: str) -> tuple[str, str]:
    """The value as shown, and why it is out of its bounds."""
    limit, value, schema = _number(error.validator_value), error.instance, error.schema
    where = f"{field} in body should"
    match kind:
        case "maximum":
            bound = "less than" if schema.get("exclusiveMaximum") else "less than or equal to"
            return shown(value), f"{where} be {bound} {limit}"
        case "minimum":
            bound = "greater than" if schema.get("exclusiveMinimum") else "greater than or equal to"
            return shown(value), f"{where} be {bound} {limit}"
        case "multipleOf":
            return shown(value), f"{where} be a multiple of {limit}"
        case "minLength":
            return shown(value), f"{where} be at least {limit} chars long"
        case "minItems":
            return str(len(value)), f"{where} have at least {limit} items"
        case "minProperties":
            return str(len(value)), f"{where} have at least {limit} properties"
        case "pattern":
            return shown(value), f"{where} match '{limit}'"
    return shown(value), f"{field} in body {error.message}"


def _alternatives(kind: str, error: jsonschema.ValidationError) -> str:
    if kind == "anyOf":
        return "must validate at least one schema (anyOf)"
    if kind == "not":
        return "must not validate the schema (not)"
    if kind == "allOf":
        return "must validate all the schemas (allOf)"
    if error.context:
        return "must validate one and only one schema (oneOf). Found none valid"
    valid = sum(_VALIDATOR(each).is_valid(error.instance) for each in error.validator_value)
    return f"must validate one and only one schema (oneOf). Found {valid} valid alternatives"


def _typed(field: str, seen: str, why: str) -> Cause:
    message = f"Invalid value: {seen}: {field} in body {why}"
    return _made(field or _ROOT, "FieldValueTypeInvalid", message)


def _invalid(field: str, seen: str, why: str) -> Cause:
    return _made(field or _ROOT, "FieldValueInvalid", f"Invalid value: {seen}: {why}")


def _made(field: str, reason: str, message: str) -> Cause:
    return Cause(field=field, reason=reason, message=message)


def _list_causes(value: Any, schema: Schema, path: tuple[Any, ...]) -> list[tuple[tuple[Any, ...], Cause]]:
    """Items that lists of type set or map hold twice."""
    found: list[tuple[tuple[Any, ...], Cause]] = []
    if isinstance(value, dict):
        for key, item in value.items():
            if (inner := child_of(schema, key)) is not None:
                found += _list_causes(item, inner, (*path, key))
    elif isinstance(value, list) and isinstance(items := schema.get("items"), dict):
        seen: list[Any] = []
        for n, item in enumerate(value):
            found += _list_causes(item, items, (*path, n))
            identity = _identity(item, items, schema)
            if identity is not None and identity in seen:
                twice = f"Duplicate value: {shown(identity)}"
                found.append(((*path, n), _made(field_of((*path, n)), "FieldValueDuplicate", twice)))
            seen.append(identity)
    return found


def _identity(item: Any, items: Schema, schema: Schema) -> Any:
    """By what an item of a list is told from the others; None where it need not be."""
    match schema.get("x-kubernetes-list-type"):
        case "set":
            return item
        case "map" if isinstance(item, dict):
            keys = schema.get("x-kubernetes-list-map-keys") or ()
            return {key: item[key] for key in keys if key in item}
    return None


def _unchanged(path: tuple[Any, ...], cause: Cause, obj: Any, old: Any) -> bool:
    """Whether the value that is wrong, or one around it, is the old object's; a missing field is its parent's fault."""
    if cause.field == _ROOT and not path:
        return False
    for step in path:
        try:
            obj, old = obj[step], old[step]
        except (KeyError, IndexError, TypeError):
            return False
        if obj == old:
            return True
    return False
