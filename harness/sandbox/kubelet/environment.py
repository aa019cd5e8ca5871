"""A container's `env` and `envFrom`, and the Services around its pod -> its environment variables.

Source: pkg/kubelet/kubelet_pods.go (makeEnvironmentVariables) and third_party/forked/golang/expansion.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from harness.sandbox.kubelet.resource_fields import resource_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.sandbox.kubelet.records import Object, PodRecord

_REFERENCE = re.compile(r"\$(\$)|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)")


class ConfigError(Exception):
    """A container asks for something that does not exist; the text is what CreateContainerConfigError shows."""


# (kind: "configmap", "secret" or "token", name) -> its data, or None where there is no such object; and under
# `SERVICES` the variables of the Services around the pod.
Source = dict[tuple[str, str], dict[str, bytes] | None]

SERVICES = ("services", "")


def sources(pod: Object) -> frozenset[tuple[str, str]]:
    """The ConfigMaps and Secrets that the environment of the pod's containers needs."""
    found = set()
    for container in (*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]):
        for item in container.get("envFrom") or ():
            found |= {(kind, item[key]["name"]) for kind, key in _FROM if key in item}
        for item in container.get("env") or ():
            value_from = item.get("valueFrom") or {}
            found |= {(kind, value_from[key]["name"]) for kind, key in _KEY if key in value_from}
    return frozenset(found)


_FROM = (("configmap", "configMapRef"), ("secret", "secretRef"))
_KEY = (("configmap", "configMapKeyRef"), ("secret", "secretKeyRef"))


def object_data(obj: Object) -> dict[str, bytes]:
    """The data of a ConfigMap or Secret."""
    data = {name: base64.b64decode(value) for name, value in (obj.get("binaryData") or {}).items()}
    if obj.get("kind") == "Secret":
        return data | {name: base64.b64decode(value) for name, value in (obj.get("data") or {}).items()}
    return data | {name: value.encode() for name, value in (obj.get("data") or {}).items()}


def environment(container: Object, record: PodRecord, host_ip: str, data: Source) -> tuple[tuple[str, str], ...]:
    """The variables that the pod's manifest gives to a container.

    Raises:
        ConfigError: a ConfigMap, Secret or key that is not optional does not exist.
    """
    env = {name: value.decode() for name, value in (data.get(SERVICES) or {}).items()}
    for item in container.get("envFrom") or ():
        for kind, key in _FROM:
            if key in item:
                found = _data(data, kind, item[key])
                env |= {item.get("prefix", "") + name: value.decode() for name, value in found.items()}
    for item in container.get("env") or ():
        value = item.get("value", "") if "valueFrom" not in item else None
        if value is None:
            value = _value_from(item["valueFrom"], record, container, host_ip, data)
        if value is not None:
            env[item["name"]] = expand(value, env.get)
    return tuple(env.items())


def expand(text: str, lookup: Callable[[str], str | None]) -> str:
    """`$(NAME)` becomes the variable's value where there is one; `$$` is a dollar."""

    def replaced(match: re.Match[str]) -> str:
        if match.group(1):
            return "$"
        value = lookup(match.group(2))
        return match.group(0) if value is None else value

    return _REFERENCE.sub(replaced, text)


def field(path: str, record: PodRecord, host_ip: str) -> str:
    """The value of a downward API field such as `metadata.name` or `metadata.labels['app']`.

    Raises:
        ConfigError: the downward API has no such field.
    """
    metadata = record.pod["metadata"]
    keyed = re.fullmatch(r"metadata\.(labels|annotations)\['([^']+)'\]", path)
    if keyed:
        return str((metadata.get(keyed.group(1)) or {}).get(keyed.group(2), ""))
    if path in ("metadata.labels", "metadata.annotations"):
        return "\n".join(f'{k}="{v}"' for k, v in sorted((metadata.get(path.partition(".")[2]) or {}).items()))
    values = {
        "metadata.name": record.name,
        "metadata.namespace": record.namespace,
        "metadata.uid": record.uid,
        "spec.nodeName": record.spec.get("nodeName", ""),
        "spec.serviceAccountName": record.spec.get("serviceAccountName", "default"),
        "status.podIP": record.ip,
        "status.podIPs": record.ip,
        "status.hostIP": host_ip,
        "status.hostIPs": host_ip,
    }
    if path not in values:
        raise ConfigError(f"unsupported fieldPath: {path}")
    return str(values[path])


def resource(reference: Object, record: PodRecord, container: Object | None) -> str:
    """The value of a resourceFieldRef; `container`: the one that asks, where it is none of a volume's.

    Raises:
        ConfigError: there is no such container or resource.
    """
    containers = (*record.spec["containers"], *(record.spec.get("initContainers") or ()))
    try:
        return resource_value(reference, containers, container)
    except LookupError as error:
        raise ConfigError(str(error)) from None


def _value_from(value_from: Object, record: PodRecord, container: Object, host_ip: str, data: Source) -> str | None:
    if "fieldRef" in value_from:
        return field(value_from["fieldRef"]["fieldPath"], record, host_ip)
    if "resourceFieldRef" in value_from:
        return resource(value_from["resourceFieldRef"], record, container)
    for kind, key in _KEY:
        if key in value_from:
            reference = value_from[key]
            found = _data(data, kind, reference)
            if reference["key"] in found:
                return found[reference["key"]].decode()
            if not reference.get("optional"):
                where = f"{_named(kind)} {record.namespace}/{reference['name']}"
                raise ConfigError(f"couldn't find key {reference['key']} in {where}")
    return None


def _data(data: Source, kind: str, reference: Object) -> dict[str, bytes]:
    found = data.get((kind, reference["name"]))
    if found is None and not reference.get("optional"):
        raise ConfigError(f'{kind} "{reference["name"]}" not found')
    return found or {}


def _named(kind: str) -> str:
    return "ConfigMap" if kind == "configmap" else "Secret"
