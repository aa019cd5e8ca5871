"""A ConfigMap or Secret -> what is wrong with it.

Source: kubernetes `pkg/apis/core/validation` (ValidateConfigMap, ValidateSecret and their updates).
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.sandbox.apiserver.field_errors import FieldErrors
    from harness.sandbox.apiserver.store import Object

_LARGEST_BYTES = 1024 * 1024
_ACCOUNT = "kubernetes.io/service-account.name"
_FROZEN = "field is immutable when `immutable` is set"
# What a Secret of a type must hold; of the user and password one will do.
_NEEDED = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/basic-auth": ("username", "password"),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}


def check_config_map(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """A ConfigMap; one that is immutable stays so."""
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    for part, values in (("data", data), ("binaryData", binary)):
        for key in values:
            errors.config_key(f"{part}[{key}]", key)
    for key in data:
        if key in binary:
            errors.invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
    if sum(map(len, map(str.encode, data.values()))) + _decoded_bytes(binary) > _LARGEST_BYTES:
        errors.too_long("", _LARGEST_BYTES)
    _immutable(errors, obj, old, ("data", "binaryData"))


def check_secret(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """A Secret: its type, which never changes, says what it must hold."""
    data = obj.get("data") or {}
    for key in data:
        errors.config_key(f"data[{key}]", key)
    if _decoded_bytes(data) > _LARGEST_BYTES:
        errors.too_long("data", _LARGEST_BYTES)
    account = (obj["metadata"].get("annotations") or {}).get(_ACCOUNT)
    if obj["type"] == "kubernetes.io/service-account-token" and not account:
        errors.required(f"metadata.annotations[{_ACCOUNT}]")
    _content(errors, obj["type"], data)
    if old is not None:
        errors.immutable("type", obj["type"], old["type"])
    _immutable(errors, obj, old, ("data",))


def _content(errors: FieldErrors, kind: str, data: Object) -> None:
    needed = _NEEDED.get(kind, ())
    missing = [key for key in needed if key not in data or (kind.endswith("ssh-auth") and not data[key])]
    if not kind.endswith("basic-auth") or len(missing) == len(needed):
        for key in missing:
            errors.required(f"data[{key}]")
    if kind.startswith("kubernetes.io/dockerc") and not missing:
        try:
            json.loads(base64.b64decode(data[needed[0]]))
        except (ValueError, RecursionError):
            errors.invalid(f"data[{needed[0]}]", "<secret contents redacted>", "it is not JSON")


def _immutable(errors: FieldErrors, obj: Object, old: Object | None, parts: tuple[str, ...]) -> None:
    if old is None or not old.get("immutable"):
        return
    if not obj.get("immutable"):
        errors.forbidden("immutable", _FROZEN)
    for part in parts:
        if (obj.get(part) or {}) != (old.get(part) or {}):
            errors.forbidden(part, _FROZEN)


def _decoded_bytes(values: Object) -> int:
    """How much the base64 of the values, which is proper, stands for."""
    return sum(len(value) * 3 // 4 - value.count("=") for value in values.values())
