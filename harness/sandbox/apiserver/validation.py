"""An object with its defaults -> nothing, or a 422 that names every field that is wrong.

The checks that people meet when they write workloads and Services; texts as the real API's (kubernetes
`pkg/apis/*/validation`). Kinds without checks of their own get those of the metadata alone.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.field_errors import FieldErrors
from harness.sandbox.apiserver.podvalidation import check_pod
from harness.sandbox.apiserver.resources import NAMESPACES, PODS, SERVICES
from harness.sandbox.apiserver.workloadvalidation import (
    check_deployment,
    check_job,
    check_replica_set,
    check_stateful_set,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.sandbox.apiserver.resources import Resource
    from harness.sandbox.apiserver.store import Object

    Check = Callable[[FieldErrors, Object, Object | None], None]

_SERVICE_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_CHECKED = ("v1", "apps/v1", "batch/v1", "discovery.k8s.io/v1")
_ADDRESS_TYPES = {"IPv4": IPv4Address, "IPv6": IPv6Address, "FQDN": str}
_LARGEST_DATA_BYTES = 1024 * 1024


def validate(resource: Resource, obj: Object, old: Object | None = None) -> None:
    """Raises: StatusError (422) with all causes; `old` is the stored state where the object is changed."""
    errors = FieldErrors()
    _metadata(errors, resource, obj)
    check = _CHECKS.get(resource.kind) if resource.api_version in _CHECKED else None
    if check is not None:
        check(errors, obj, old)
    if errors.causes:
        raise api_errors.invalid(resource, obj["metadata"].get("name", ""), errors.causes)


def _metadata(errors: FieldErrors, resource: Resource, obj: Object) -> None:
    metadata = obj["metadata"]
    name = metadata["name"]
    if resource is NAMESPACES:
        errors.label("metadata.name", name)
    elif resource is SERVICES:
        errors.label_1035("metadata.name", name)
    elif resource.plural != "events":
        errors.subdomain("metadata.name", name)
    errors.labels("metadata.labels", metadata.get("labels") or {})
    for key in metadata.get("annotations") or {}:
        errors.qualified("metadata.annotations", key.lower())
    for n, finalizer in enumerate(metadata.get("finalizers") or ()):
        if finalizer not in ("orphan", "foregroundDeletion", "kubernetes"):
            errors.qualified(f"metadata.finalizers[{n}]", finalizer)
    for n, owner in enumerate(metadata.get("ownerReferences") or ()):
        for key in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(key):
                errors.invalid(f"metadata.ownerReferences[{n}].{key}", owner.get(key, ""), "must not be empty")


def _service(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    spec = obj["spec"]
    errors.one_of("spec.type", spec["type"], _SERVICE_TYPES)
    errors.labels("spec.selector", spec.get("selector") or {})
    errors.one_of("spec.sessionAffinity", spec.get("sessionAffinity"), ("ClientIP", "None"))
    ports = spec.get("ports") or []
    if not ports and spec.get("clusterIP") != "None" and spec["type"] != "ExternalName":
        errors.required("spec.ports")
    if spec["type"] == "ExternalName" and not spec.get("externalName"):
        errors.required("spec.externalName")
    _service_ports(errors, ports)
    before = (old or {}).get("spec", {})
    if before.get("clusterIP") and spec.get("clusterIP") and before["clusterIP"] != spec["clusterIP"]:
        errors.invalid("spec.clusterIPs[0]", [spec["clusterIP"]], "may not change once set")


def _service_ports(errors: FieldErrors, ports: list[Object]) -> None:
    """Each port is one of its own: named where there are several, no name twice."""
    names: set[str] = set()
    for n, port in enumerate(ports):
        at, name = f"spec.ports[{n}]", port.get("name", "")
        if not name and len(ports) > 1:
            errors.required(f"{at}.name")
        elif name:
            errors.label(f"{at}.name", name)
            if name in names:
                errors.duplicate(f"{at}.name", name)
            names.add(name)
        errors.one_of(f"{at}.protocol", port["protocol"], _PROTOCOLS)
        if port.get("port") is None:
            errors.required(f"{at}.port")
            continue
        errors.port(f"{at}.port", port["port"])
        errors.port_or_name(f"{at}.targetPort", port["targetPort"])


def _endpoint_slice(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    kind = obj.get("addressType", "")
    errors.one_of("addressType", kind, _ADDRESS_TYPES)
    if old is not None:
        errors.immutable("addressType", kind, old.get("addressType"))
    for n, endpoint in enumerate(obj.get("endpoints") or ()):
        at, addresses = f"endpoints[{n}].addresses", endpoint.get("addresses") or []
        if not addresses:
            errors.required(at, "must contain at least 1 address")
        for m, address in enumerate(addresses):
            try:
                _ADDRESS_TYPES.get(kind, str)(address)
            except ValueError:
                errors.invalid(f"{at}[{m}]", address, f"must be an {kind} address")
    for n, port in enumerate(obj.get("ports") or ()):
        errors.one_of(f"ports[{n}].protocol", port.setdefault("protocol", "TCP"), _PROTOCOLS)
        if port.get("port") is not None:
            errors.port(f"ports[{n}].port", port["port"])


def _node(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    for n, taint in enumerate(obj.get("spec", {}).get("taints") or ()):
        if not taint.get("key"):
            errors.required(f"spec.taints[{n}].key")


def _data(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    total = 0
    for part in ("data", "binaryData"):
        for key, value in (obj.get(part) or {}).items():
            errors.config_key(f"{part}[{key}]", key)
            total += len(value)
    if total > _LARGEST_DATA_BYTES:
        errors.invalid("", "", f"Too long: may not be more than {_LARGEST_DATA_BYTES} bytes")
    if (old or {}).get("immutable"):
        for part in ("data", "binaryData"):
            if obj.get(part) != (old or {}).get(part):
                errors.forbidden(part, "field is immutable when `immutable` is set")


def _pod(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    check_pod(errors, obj, old)


_CHECKS: dict[str, Check] = {
    "Deployment": check_deployment,
    "ReplicaSet": check_replica_set,
    "StatefulSet": check_stateful_set,
    "Job": check_job,
    PODS.kind: _pod,
    "Service": _service,
    "EndpointSlice": _endpoint_slice,
    "Node": _node,
    "ConfigMap": _data,
    "Secret": _data,
}
