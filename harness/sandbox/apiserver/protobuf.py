"""Kubernetes' protobuf envelope -> the object as JSON would carry it.

`kubectl create namespace|configmap|secret|...`, `kubectl drain` and `kubectl auth can-i` send protobuf and do not try
JSON after a 415. The table has the field numbers of what these commands send (generated.proto of each group); a message
with anything else in it is refused, never half understood.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver import api_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

# Type -> field number -> "name:type". Types: s string, i integer, b boolean, y bytes, q quantity, p int-or-string, a
# name of this table; [..] a list, {..} a map from strings. "-" is read and left out.
_TYPES: dict[str, dict[int, str]] = {
    "ObjectMeta": {
        1: "name:s", 2: "generateName:s", 3: "namespace:s", 4: "selfLink:s", 5: "uid:s", 6: "resourceVersion:s",
        7: "generation:i", 8: "creationTimestamp:-", 11: "labels:{s}", 12: "annotations:{s}", 14: "finalizers:[s]",
    },
    "Namespace": {1: "metadata:ObjectMeta", 2: "spec:Empty", 3: "status:-"},
    "ConfigMap": {1: "metadata:ObjectMeta", 2: "data:{s}", 3: "binaryData:{y}", 4: "immutable:b"},
    "Secret": {1: "metadata:ObjectMeta", 2: "data:{y}", 3: "type:s", 4: "stringData:{s}", 5: "immutable:b"},
    "ServiceAccount": {1: "metadata:ObjectMeta"},
    "Service": {1: "metadata:ObjectMeta", 2: "spec:ServiceSpec", 3: "status:-"},
    "ServiceSpec": {
        1: "ports:[ServicePort]", 2: "selector:{s}", 3: "clusterIP:s", 4: "type:s", 7: "sessionAffinity:s",
        10: "externalName:s",
    },
    "ServicePort": {
        1: "name:s", 2: "protocol:s", 3: "port:i", 4: "targetPort:p", 5: "nodePort:i", 6: "appProtocol:s",
    },
    "Deployment": {1: "metadata:ObjectMeta", 2: "spec:DeploymentSpec", 3: "status:-"},
    "DeploymentSpec": {
        1: "replicas:i", 2: "selector:LabelSelector", 3: "template:PodTemplateSpec", 4: "strategy:Strategy",
        5: "minReadySeconds:i", 6: "revisionHistoryLimit:i", 7: "paused:b", 9: "progressDeadlineSeconds:i",
    },
    "Strategy": {1: "type:s"},
    "LabelSelector": {1: "matchLabels:{s}"},
    "PodTemplateSpec": {1: "metadata:ObjectMeta", 2: "spec:PodSpec"},
    "PodSpec": {
        2: "containers:[Container]", 3: "restartPolicy:s", 4: "terminationGracePeriodSeconds:i", 6: "dnsPolicy:s",
        8: "serviceAccountName:s", 9: "serviceAccount:s", 10: "nodeName:s", 11: "hostNetwork:b", 12: "hostPID:b",
        13: "hostIPC:b", 16: "hostname:s", 17: "subdomain:s", 19: "schedulerName:s",
    },
    "Container": {
        1: "name:s", 2: "image:s", 3: "command:[s]", 4: "args:[s]", 5: "workingDir:s", 6: "ports:[ContainerPort]",
        8: "resources:Resources", 13: "terminationMessagePath:s", 14: "imagePullPolicy:s", 16: "stdin:b",
        17: "stdinOnce:b", 18: "tty:b", 20: "terminationMessagePolicy:s",
    },
    "ContainerPort": {1: "name:s", 2: "hostPort:i", 3: "containerPort:i", 4: "protocol:s", 5: "hostIP:s"},
    "Resources": {1: "limits:{q}", 2: "requests:{q}"},
    "Job": {1: "metadata:ObjectMeta", 2: "spec:JobSpec", 3: "status:-"},
    "JobSpec": {
        1: "parallelism:i", 2: "completions:i", 3: "activeDeadlineSeconds:i", 6: "template:PodTemplateSpec",
        7: "backoffLimit:i",
    },
    "ResourceQuota": {1: "metadata:ObjectMeta", 2: "spec:QuotaSpec", 3: "status:-"},
    "QuotaSpec": {1: "hard:{q}", 2: "scopes:[s]"},
    "PodDisruptionBudget": {1: "metadata:ObjectMeta", 2: "spec:BudgetSpec", 3: "status:-"},
    "BudgetSpec": {1: "minAvailable:p", 2: "selector:LabelSelector", 3: "maxUnavailable:p"},
    "Eviction": {1: "metadata:ObjectMeta", 2: "deleteOptions:DeleteOptions"},
    "DeleteOptions": {
        1: "gracePeriodSeconds:i", 2: "preconditions:Preconditions", 3: "orphanDependents:b",
        4: "propagationPolicy:s", 5: "dryRun:[s]",
    },
    "Preconditions": {1: "uid:s", 2: "resourceVersion:s"},
    "SelfSubjectAccessReview": {1: "metadata:ObjectMeta", 2: "spec:AccessSpec", 3: "status:-"},
    "AccessSpec": {1: "resourceAttributes:ResourceAttributes", 2: "nonResourceAttributes:NonResource"},
    "ResourceAttributes": {
        1: "namespace:s", 2: "verb:s", 3: "group:s", 4: "version:s", 5: "resource:s", 6: "subresource:s", 7: "name:s",
    },
    "NonResource": {1: "path:s", 2: "verb:s"},
    "SelfSubjectRulesReview": {1: "metadata:ObjectMeta", 2: "spec:RulesSpec", 3: "status:-"},
    "RulesSpec": {1: "namespace:s"},
    "Empty": {},
    "IntOrString": {1: "type:i", 2: "intVal:i", 3: "strVal:s"},
    "Quantity": {1: "string:s"},
    "Unknown": {1: "typeMeta:TypeMeta", 2: "raw:y", 3: "contentEncoding:s", 4: "contentType:s"},
    "TypeMeta": {1: "apiVersion:s", 2: "kind:s"},
}  # fmt: skip

# What Go writes in protobuf whether it is set or not, and leaves out of JSON where it is zero.
_LEFT_OUT_AS_ZERO = frozenset(
    {
        "generation", "hostIPC", "hostNetwork", "hostPID", "hostPort", "minReadySeconds", "nodePort", "paused", "stdin",
        "stdinOnce", "tty",
    }
)  # fmt: skip


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
        kind = envelope.get("typeMeta", {}).get("kind", "")
        if kind not in _TYPES:
            raise _not_read(kind, "")
        obj = _message(kind, base64.b64decode(envelope.get("raw", "")))
    except (IndexError, UnicodeDecodeError):
        raise _unrecognized("unexpected EOF") from None
    return {"kind": kind, "apiVersion": envelope["typeMeta"].get("apiVersion", ""), **obj}


def _message(name: str, raw: bytes) -> dict[str, Any]:
    message: dict[str, Any] = {}
    for number, value in _fields(raw):
        text = _TYPES[name].get(number)
        if text is None:
            if not value:
                continue  # Go writes strings and numbers that were never set, as zeros
            raise _not_read(name, f"field {number}")
        field, _, kind = text.partition(":")
        if kind == "-":
            continue
        if kind[0] == "[":
            message.setdefault(field, []).append(_value(kind[1:-1], value))
        elif kind[0] == "{":
            entry = dict(_fields(_as_bytes(value)))
            key = _as_bytes(entry.get(1, b"")).decode()
            message.setdefault(field, {})[key] = _value(kind[1:-1], entry.get(2, b""))
        elif (read := _value(kind, value)) != "" and (read or field not in _LEFT_OUT_AS_ZERO):
            message[field] = read
    return message


def _value(kind: str, value: int | bytes) -> Any:
    match kind:
        case "s":
            return _as_bytes(value).decode()
        case "y":
            return base64.b64encode(_as_bytes(value)).decode()
        case "b":
            return bool(value)
        case "i":
            number = value if isinstance(value, int) else 0
            return number - 2**64 if number >= 2**63 else number
        case "q":
            return _message("Quantity", _as_bytes(value)).get("string", "0")
        case "p":
            either = _message("IntOrString", _as_bytes(value))
            return either.get("strVal", "") if either.get("type") == 1 else either.get("intVal", 0)
    return _message(kind, _as_bytes(value))


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
