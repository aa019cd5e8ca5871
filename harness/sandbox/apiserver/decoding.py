"""JSON as it came and the published shape of its kind -> the object with what the kind does not know left out.

What has the wrong type is a 400, as where the real API decodes into its types. Unknown fields are dropped, and said in
a warning; with strict validation they are a 400 too. Kinds without a published shape (those of custom resources) need
proper metadata, and are pruned by their own schema. `schemas.json` is made by scripts/sandbox_schemas.py.
"""

from __future__ import annotations

import base64
import binascii
import json
import string
from datetime import datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver import api_errors, quantities

if TYPE_CHECKING:
    from collections.abc import Callable

    Prune = Callable[[dict[str, Any]], tuple[dict[str, Any], list[str]]]

_GO_KINDS = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}
_GO_TYPES = {"integer": "int32", "boolean": "bool", "number": "float64", "time": "Time", "bytes": "[]uint8"}
_CUSTOM = {"metadata": "V1ObjectMeta", "kind": "string", "apiVersion": "string"}
_BASE64 = frozenset(string.ascii_letters + string.digits + "+/")
_INT32, _INT64 = 2**31, 2**63
# The published shapes do not tell int32 from int64: these fields are the latter, all others the former.
_LONG = frozenset(
    {
        "activeDeadlineSeconds", "deletionGracePeriodSeconds", "expirationSeconds", "fsGroup", "generation",
        "gracePeriodSeconds", "maxItems", "maxLength", "maxProperties", "minItems", "minLength", "minProperties",
        "observedGeneration", "remainingItemCount", "revision", "runAsGroup", "runAsUser",
        "seconds", "sizeBytes", "startingDeadlineSeconds", "supplementalGroups", "terminationGracePeriodSeconds",
        "tolerationSeconds",
    }
)  # fmt: skip

# Lists and maps that are empty are left out, as Go's `omitempty` does it; these lists are there even so.
_THERE_WHEN_EMPTY = frozenset(
    {
        ("V1ClusterRole", "rules"), ("V1ContainerImage", "names"), ("V1Endpoint", "addresses"),
        ("V1EndpointSlice", "endpoints"), ("V1EndpointSlice", "ports"), ("V1HTTPIngressRuleValue", "paths"),
        ("V1LimitRangeSpec", "limits"), ("V1NodeSelector", "nodeSelectorTerms"), ("V1PodFailurePolicy", "rules"),
        ("V1PodSpec", "containers"), ("V1PolicyRule", "verbs"), ("V1ProjectedVolumeSource", "sources"),
        ("V1Role", "rules"), ("V1SuccessPolicy", "rules"), ("V2HorizontalPodAutoscalerStatus", "currentMetrics"),
    }
)  # fmt: skip

# Numbers, switches and texts that are no pointers in Go are left out too where they are zero: protobuf always brings
# them, JSON may, and two pod templates that differ in nothing else are the same revision.
_LEFT_OUT_AT_ZERO = frozenset(
    {
        "generation", "healthCheckNodePort", "hostIPC", "hostNetwork", "hostPID", "hostPort", "initialDelaySeconds",
        "minReadySeconds", "nodePort", "paused", "publishNotReadyAddresses", "readOnly", "stdin", "stdinOnce", "tty",
        "unschedulable",
    }
)  # fmt: skip
_OF_THESE_TYPES = frozenset(
    {
        ("V1EnvVar", "value"), ("V1Probe", "failureThreshold"), ("V1Probe", "periodSeconds"),
        ("V1Probe", "successThreshold"), ("V1Probe", "timeoutSeconds"),
    }
)  # fmt: skip


@cache
def schemas() -> dict[str, dict[str, Any]]:
    """`kinds`: apiVersion/kind -> type; `types`: type -> field -> type; `required`: type -> fields; `patches`: type ->
    field -> merge strategy; `elsewhere`, `elsewhere_types`: kinds that are not served here, and their own types."""
    text = resources.files("harness.sandbox.apiserver").joinpath("schemas.json").read_text()
    loaded: dict[str, dict[str, Any]] = json.loads(text)
    return loaded


def type_of(api_version: Any, kind: Any) -> str | None:
    """The published type of a kind; None for kinds of custom resources."""
    name: str | None = schemas()["kinds"].get(f"{api_version}/{kind}")
    return name


def published_type(api_version: str, kind: str) -> str | None:
    """The type of a kind of Kubernetes' own, of those too that are not served here; None of others."""
    return type_of(api_version, kind) or schemas()["elsewhere"].get(f"{api_version}/{kind}")


@cache
def published_types() -> dict[str, dict[str, str]]:
    """Type -> field -> type, of the kinds that are not served here too."""
    return schemas()["types"] | schemas()["elsewhere_types"]


def decoded(
    obj: dict[str, Any], *, strict: bool = False, prune: Prune | None = None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The object without nulls and unknown fields, and a sentence for each of the latter.

    `prune`: for kinds without a published shape, tells what is unknown; they keep their nulls.

    Raises: StatusError (400) where a value has the wrong type, or with `strict` where a field is unknown.
    """
    api_version, kind = obj.get("apiVersion", ""), obj.get("kind", "")
    known = type_of(api_version, kind)
    decoder = _Decoder(f'{kind} in version "{str(api_version).rpartition("/")[2]}" cannot be handled as a {kind}')
    if known is None:
        clean, unknown = (prune or _unpruned)(decoder.custom(obj))
        decoder.unknown += [f'unknown field "{path}"' for path in unknown]
    else:
        clean = decoder.struct(obj, known, "")
    if strict and decoder.unknown:
        raise NotDecodedError(decoder.subject, f"strict decoding error: {', '.join(decoder.unknown)}")
    return clean, tuple(decoder.unknown)


def decoded_as(type_name: str, kind: str, version: str, obj: Any) -> dict[str, Any]:
    """The body of a subresource, whose kind is none of a stored object, in its published type.

    Raises: StatusError (400) where it is no object or a value has the wrong type.
    """
    if not isinstance(obj, dict):
        raise api_errors.bad_request(f"the body is not a {kind}")
    return _Decoder(f'{kind} in version "{version}" cannot be handled as a {kind}').struct(obj, type_name, "")


def is_long(field: str) -> bool:
    """Whether a whole number of this name is an int64."""
    return field in _LONG


class NotDecodedError(api_errors.StatusError):
    """An object that is none of its kind; where a patch made it so, the patch is what is wrong."""

    def __init__(self, subject: str, why: str) -> None:
        self.why = why
        super().__init__(400, "BadRequest", f"{subject}: {why}")


def _left_out(name: str, key: str, text: str) -> bool:
    """Whether a field of this type is left out where its value is empty or zero."""
    if text[0] in "[{":
        return (name, key) not in _THERE_WHEN_EMPTY
    return key in _LEFT_OUT_AT_ZERO or (name, key) in _OF_THESE_TYPES


def _zero(text: str) -> Any:
    """What Go makes of a null in a list of this type: the empty one of it."""
    if text[0].isupper() or text[0] == "{":
        return {}
    return "" if text == "string" else None


def _unpruned(obj: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    return obj, []


class _Decoder:
    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.unknown: list[str] = []

    def custom(self, obj: dict[str, Any]) -> dict[str, Any]:
        clean = dict(obj)
        for field, text in _CUSTOM.items():
            if obj.get(field) is None:
                clean.pop(field, None)
            else:
                clean[field] = self._value(obj[field], text, field, kind="", plain=field)
        return clean

    def struct(self, value: Any, name: str, path: str, plain: str = "") -> dict[str, Any]:
        self._expect(value, dict, path, name, plain)
        fields, clean = schemas()["types"][name], {}
        for key, item in value.items():
            text = fields.get(key)
            where = f"{path}.{key}" if path else key
            if text is None:
                self.unknown.append(f'unknown field "{where}"')
            elif item is not None:
                flat = f"{plain}.{key}" if plain else key
                read = self._value(item, text, where, name, flat)
                if read or not _left_out(name, key, text):
                    clean[key] = read
        return clean

    def _value(self, value: Any, text: str, path: str, kind: str, plain: str) -> Any:
        if text[0] == "[":
            self._expect(value, list, path, text, plain, kind)
            inner = text[1:-1]
            items = [_zero(inner) if item is None else item for item in value]
            return [self._value(item, inner, f"{path}[{n}]", kind, plain) for n, item in enumerate(items)]
        if text[0] == "{":
            self._expect(value, dict, path, text, plain, kind)
            return {
                key: self._value(item, text[1:-1], f"{path}.{key}", kind, plain)
                for key, item in value.items()
                if item is not None
            }
        if text[0].isupper():
            return self.struct(value, text, path, plain)
        return self._scalar(value, text, path, kind, plain)

    def _scalar(self, value: Any, text: str, path: str, kind: str, plain: str) -> Any:
        match text:
            case "string":
                self._expect(value, str, path, text, plain, kind)
            case "integer":
                self._integer(value, path, kind, plain)
            case "boolean":
                self._expect(value, bool, path, text, plain, kind)
            case "number":
                if isinstance(value, bool) or not isinstance(value, int | float):
                    raise self._mismatch(value, text, plain, kind)
            case "int-or-string":
                if not isinstance(value, str):
                    self._integer(value, path, kind, plain)
            case "quantity":
                if isinstance(value, bool) or not isinstance(value, str | int | float):
                    raise self._mismatch(value, text, plain, kind)
                if not quantities.is_quantity(str(value)):
                    raise self._bad_request(quantities.FORM_TEXT)
                return str(value)
            case "boolean-or-schema" if not isinstance(value, bool):
                return self.struct(value, "V1JSONSchemaProps", path, plain)
            case "time":
                self._time(value, path, plain, kind)
            case "bytes":
                return self._bytes(value, path, plain, kind)
        return value

    def _integer(self, value: Any, path: str, kind: str, plain: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._mismatch(value, "integer", plain or path, kind)
        wide = is_long(plain.rpartition(".")[2])
        limit = _INT64 if wide else _INT32
        if not -limit <= value < limit:
            why = f"number {value}" if abs(value) < _INT64 * 10 else "number"
            raise self._mismatch(value, "int64" if wide else "integer", plain or path, kind, why)

    def _time(self, value: Any, path: str, plain: str, kind: str) -> None:
        self._expect(value, str, path, "time", plain, kind)
        try:
            stamp = datetime.fromisoformat(value)
        except ValueError:
            stamp = None
        if stamp is None or stamp.tzinfo is None:
            raise self._bad_request(f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": cannot parse it ({path})')

    def _bytes(self, value: Any, path: str, plain: str, kind: str) -> str:
        """The base64 without its line breaks, which Go passes over."""
        self._expect(value, str, path, "bytes", plain, kind)
        text: str = value.replace("\n", "").replace("\r", "")
        try:
            base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            at = next((n for n, sign in enumerate(text) if sign not in _BASE64), len(text))
            raise self._bad_request(f"illegal base64 data at input byte {at} ({path})") from None
        return text

    def _expect(self, value: Any, wanted: type, path: str, text: str, plain: str, kind: str = "") -> None:
        if type(value) is not wanted:
            raise self._mismatch(value, text, plain or path, kind)

    def _mismatch(self, value: Any, text: str, plain: str, kind: str, seen: str = "") -> api_errors.StatusError:
        seen = seen or _GO_KINDS.get(type(value), "null")
        target = _GO_TYPES.get(text, text.removeprefix("V1"))
        field = f"Go struct field {kind.removeprefix('V1')}.{plain}" if kind else f"field {plain}"
        return self._bad_request(f"json: cannot unmarshal {seen} into {field} of type {target}")

    def _bad_request(self, why: str) -> api_errors.StatusError:
        return NotDecodedError(self.subject, why)
