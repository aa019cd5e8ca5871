"""An object with its defaults -> nothing, or a 422 that names every field that is wrong.

The checks that people meet when they write workloads and Services; texts as the real API's (kubernetes
`pkg/apis/*/validation`). Kinds without checks of their own get those of the metadata alone.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.field_errors import Findings
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

    Check = Callable[[Findings, Object, Object | None], None]

_SERVICE_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_CHECKED = ("v1", "apps/v1", "batch/v1", "discovery.k8s.io/v1")
_ADDRESS_TYPES = {"IPv4": IPv4Address, "IPv6": IPv6Address, "FQDN": str}
_LARGEST_DATA_BYTES = 1024 * 1024


def validate(resource: Resource, obj: Object, old: Object | None = None) -> None:
    """Raises: Refusal (422) with all causes; `old` is the stored state where the object is changed."""
    findings = Findings()
    _metadata(findings, resource, obj)
    check = _CHECKS.get(resource.kind) if resource.api_version in _CHECKED else None
    if check is not None:
        check(findings, obj, old)
    if findings.causes:
        raise api_errors.invalid(resource, obj["metadata"].get("name", ""), findings.causes)


def _metadata(findings: Findings, resource: Resource, obj: Object) -> None:
    metadata = obj["metadata"]
    name = metadata["name"]
    if resource is NAMESPACES:
        findings.label("metadata.name", name)
    elif resource is SERVICES:
        findings.label_1035("metadata.name", name)
    elif resource.plural != "events":
        findings.subdomain("metadata.name", name)
    findings.labels("metadata.labels", metadata.get("labels") or {})
    for key in metadata.get("annotations") or {}:
        findings.qualified("metadata.annotations", key.lower())
    for n, finalizer in enumerate(metadata.get("finalizers") or ()):
        if finalizer not in ("orphan", "foregroundDeletion", "kubernetes"):
            findings.qualified(f"metadata.finalizers[{n}]", finalizer)
    for n, owner in enumerate(metadata.get("ownerReferences") or ()):
        for key in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(key):
                findings.invalid(f"metadata.ownerReferences[{n}].{key}", owner.get(key, ""), "must not be empty")


def _service(findings: Findings, obj: Object, old: Object | None) -> None:
    spec = obj["spec"]
    findings.one_of("spec.type", spec["type"], _SERVICE_TYPES)
    findings.labels("spec.selector", spec.get("selector") or {})
    findings.one_of("spec.sessionAffinity", spec.get("sessionAffinity"), ("ClientIP", "None"))
    ports = spec.get("ports") or []
    if not ports and spec.get("clusterIP") != "None" and spec["type"] != "ExternalName":
        findings.required("spec.ports")
    if spec["type"] == "ExternalName" and not spec.get("externalName"):
        findings.required("spec.externalName")
    names: set[str] = set()
    for n, port in enumerate(ports):
        at, name = f"spec.ports[{n}]", port.get("name", "")
        if not name and len(ports) > 1:
            findings.required(f"{at}.name")
        elif name:
            findings.label(f"{at}.name", name)
            if name in names:
                findings.duplicate(f"{at}.name", name)
            names.add(name)
        findings.one_of(f"{at}.protocol", port["protocol"], _PROTOCOLS)
        if port.get("port") is None:
            findings.required(f"{at}.port")
            continue
        findings.port(f"{at}.port", port["port"])
        findings.port_or_name(f"{at}.targetPort", port["targetPort"])
    before = (old or {}).get("spec", {})
    if before.get("clusterIP") and spec.get("clusterIP") and before["clusterIP"] != spec["clusterIP"]:
        findings.invalid("spec.clusterIPs[0]", [spec["clusterIP"]], "may not change once set")


def _endpoint_slice(findings: Findings, obj: Object, old: Object | None) -> None:
    kind = obj.get("addressType", "")
    findings.one_of("addressType", kind, _ADDRESS_TYPES)
    if old is not None:
        findings.immutable("addressType", kind, old.get("addressType"))
    for n, endpoint in enumerate(obj.get("endpoints") or ()):
        at, addresses = f"endpoints[{n}].addresses", endpoint.get("addresses") or []
        if not addresses:
            findings.required(at, "must contain at least 1 address")
        for m, address in enumerate(addresses):
            try:
                _ADDRESS_TYPES.get(kind, str)(address)
            except ValueError:
                findings.invalid(f"{at}[{m}]", address, f"must be an {kind} address")
    for n, port in enumerate(obj.get("ports") or ()):
        findings.one_of(f"ports[{n}].protocol", port.setdefault("protocol", "TCP"), _PROTOCOLS)
        if port.get("port") is not None:
            findings.port(f"ports[{n}].port", port["port"])


def _node(findings: Findings, obj: Object, old: Object | None) -> None:
    for n, taint in enumerate(obj.get("spec", {}).get("taints") or ()):
        if not taint.get("key"):
            findings.required(f"spec.taints[{n}].key")


def _data(findings: Findings, obj: Object, old: Object | None) -> None:
    total = 0
    for part in ("data", "binaryData"):
        for key, value in (obj.get(part) or {}).items():
            findings.config_key(f"{part}[{key}]", key)
            total += len(value)
    if total > _LARGEST_DATA_BYTES:
        findings.invalid("", "", f"Too long: may not be more than {_LARGEST_DATA_BYTES} bytes")
    if (old or {}).get("immutable"):
        for part in ("data", "binaryData"):
            if obj.get(part) != (old or {}).get(part):
                findings.forbidden(part, "field is immutable when `immutable` is set")


def _pod(findings: Findings, obj: Object, old: Object | None) -> None:
    check_pod(findings, obj, old)


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
