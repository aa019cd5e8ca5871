"""Kubernetes' protobuf envelope -> the object as JSON would carry it.

`kubectl create ...`, `run`, `autoscale`, `debug`, `drain` and `auth can-i` send protobuf and do not try JSON after a
415. `protobuf.json` has the field numbers of the kinds that kubectl sends, made by scripts/sandbox_protobuf.py, which
says how it is to be read; a message with anything else in it is refused, never half understood.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.clock import rfc3339, rfc3339_micro

if TYPE_CHECKING:
    from collections.abc import Iterator

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_META = "meta/v1"
_WIRE: dict[str, dict[int, str]] = {
    "IntOrString": {1: "type:i", 2: "intVal:i!", 3: "strVal:s!"},
    "Quantity": {1: "string:s"},
    "Time": {1: "seconds:i!", 2: "nanos:i!"},
    "RawExtension": {1: "raw:y"},
    "Unknown": {1: "typeMeta:TypeMeta", 2: "raw:y", 3: "contentEncoding:s", 4: "contentType:s"},
    "TypeMeta": {1: "apiVersion:s", 2: "kind:s"},
}


@cache
def _types() -> dict[str, dict[int, str]]:
    """Type -> field number -> "name:type"."""
    text = resources.files("harness.sandbox.apiserver").joinpath("protobuf.json").read_text()
    published = json.loads(text).items()
    return {**_WIRE, **{name: {int(number): field for number, field in fields.items()} for name, fields in published}}


def decoded(raw: bytes) -> dict[str, Any]:
    """The object in an envelope.

    Raises: StatusError (400 where it is broken, 415 where it holds what the table lacks).
    """
    if not raw.startswith(_MAGIC):
        raise _unrecognized("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    if len(raw) == len(_MAGIC):
        raise _unrecognized("empty body")
    try:
        envelope = _message("Unknown", raw[len(_MAGIC) :])
        head = envelope.get("typeMeta", {})
        kind, api_version = head.get("kind", ""), head.get("apiVersion", "")
        obj = _message(_type_of(api_version, kind), base64.b64decode(envelope.get("raw", "")))
    except (IndexError, ValueError, OverflowError):
        raise _unrecognized("unexpected EOF") from None
    return {"kind": kind, "apiVersion": api_version, **obj}


def _type_of(api_version: str, kind: str) -> str:
    """The type of a kind; options are of every group. Raises: StatusError (415)."""
    group, _, version = api_version.rpartition("/")
    for name in (f"{group.partition('.')[0] or 'core'}/{version}/{kind}", f"{_META}/{kind}"):
        if name in _types():
            return name
    raise _not_read(kind, "")


def _message(name: str, raw: bytes) -> dict[str, Any]:
    message: dict[str, Any] = {}
    for number, value in _fields(raw):
        text = _types()[name].get(number)
        if text is None:
            if not value:
                continue  # Go writes strings and numbers that were never set, as zeros
            raise _not_read(name, f"field {number}")
        field, _, kind = text.partition(":")
        if kind == "-":
            continue
        if not field:
            message |= _message(kind, _as_bytes(value))
        elif kind[0] == "[":
            message.setdefault(field, []).append(_value(kind[1:-1], value))
        elif kind[0] == "{":
            entry = dict(_fields(_as_bytes(value)))
            key = _as_bytes(entry.get(1, b"")).decode()
            message.setdefault(field, {})[key] = _value(kind[1:-1], entry.get(2, b""))
        elif (read := _value(kind.rstrip("!"), value)) or kind not in _ZERO_IS_NOTHING:
            message[field] = read
    return message


# A zero of these is a field that was never set: Go writes it into protobuf all the same, and leaves it out of JSON.
_ZERO_IS_NOTHING = ("s", "i", "b", "t", "m")


def _value(kind: str, value: int | bytes) -> Any:
    if kind == "b":
        return bool(value)
    if kind == "i":
        number = value if isinstance(value, int) else 0
        return number - 2**64 if number >= 2**63 else number
    raw = _as_bytes(value)
    match kind:
        case "s":
            return raw.decode()
        case "y":
            return base64.b64encode(raw).decode()
        case "q":
            return _message("Quantity", raw).get("string", "0")
        case "p":
            either = _message("IntOrString", raw)
            return either.get("strVal", "") if either.get("type") == 1 else either.get("intVal", 0)
        case "t" | "m":
            return _time(raw, micro=kind == "m")
        case "j":
            return json.loads(base64.b64decode(_message("RawExtension", raw).get("raw", "")) or b"null")
    return _message(kind, raw)


def _time(raw: bytes, *, micro: bool) -> str:
    """A time as JSON has it; empty where it was never set."""
    if not raw:
        return ""
    parts = _message("Time", raw)
    seconds = parts.get("seconds", 0)
    return rfc3339_micro(seconds + parts.get("nanos", 0) / 1e9) if micro else rfc3339(seconds)


def _as_bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise IndexError
    return value


def _fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(raw):
        key, at = _varint(raw, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(raw, at)
            yield number, value
        elif wire == _BYTES:
            length, at = _varint(raw, at)
            if at + length > len(raw):
                raise IndexError
            yield number, raw[at : at + length]
            at += length
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
            if at + size > len(raw):
                raise IndexError
            yield number, int.from_bytes(raw[at : at + size], "little")
            at += size
        else:
            raise IndexError


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = 0
    for n in range(10):
        byte = raw[at + n]
        value |= (byte & 0x7F) << (7 * n)
        if byte < 0x80:
            return value, at + n + 1
    raise IndexError


def _unrecognized(why: str) -> api_errors.StatusError:
    return api_errors.bad_request(f"the object provided is unrecognized: {why}")


def _not_read(kind: str, what: str) -> api_errors.StatusError:
    message = f"the sandbox reads protobuf of what kubectl creates only, not {kind} {what}".strip()
    return api_errors.StatusError(415, "UnsupportedMediaType", f"{message}; send application/json")
