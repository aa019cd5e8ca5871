"""A Service or EndpointSlice -> what is wrong with it.

Source: kubernetes `pkg/apis/core/validation` (ValidateService and below), `pkg/apis/discovery/validation`.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.sandbox.apiserver.field_errors import FieldErrors
    from harness.sandbox.apiserver.store import Object

PROTOCOLS = ("SCTP", "TCP", "UDP")
_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_OUTSIDE = ("LoadBalancer", "NodePort")
_POLICIES = ("Cluster", "Local")
_NEARNESS = ("PreferClose", "PreferSameNode", "PreferSameZone")
_FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
_LONGEST_AFFINITY_S = 86_400
_ADDRESS_TYPES = {"IPv4": IPv4Address, "IPv6": IPv6Address, "FQDN": str}
_MOST_ENDPOINTS, _MOST_ADDRESSES = 1000, 100


def check_service(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """A Service, its addresses and node ports given."""
    spec = obj["spec"]
    kind, headless = spec["type"], spec.get("clusterIP") == "None"
    ports = spec.get("ports") or []
    if not ports and not headless and kind != "ExternalName":
        errors.required("spec.ports")
    _kind(errors, spec, kind, headless=headless)
    _ports(errors, ports, kind)
    errors.labels("spec.selector", spec.get("selector") or {})
    _affinity(errors, spec)
    _cluster_addresses(errors, spec, (old or {}).get("spec", {}))
    for n, address in enumerate(spec.get("externalIPs") or ()):
        errors.ip(f"spec.externalIPs[{n}]", address)
    errors.one_of("spec.type", kind, _TYPES)
    _from_outside(errors, spec, kind)
    for field, words in (("internalTrafficPolicy", _POLICIES), ("trafficDistribution", _NEARNESS)):
        if spec.get(field) is not None:
            errors.one_of(f"spec.{field}", spec[field], words)


def _kind(errors: FieldErrors, spec: Object, kind: str, *, headless: bool) -> None:
    if headless and kind in _OUTSIDE:
        errors.invalid("spec.clusterIPs[0]", "None", f"may not be set to 'None' for {kind} services")
    if kind != "ExternalName":
        return
    for field in ("clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if spec.get(field):
            errors.forbidden(f"spec.{field}", "may not be set for ExternalName services")
    if spec.get("externalName"):
        errors.subdomain("spec.externalName", spec["externalName"].removesuffix("."))
    else:
        errors.required("spec.externalName")


def _ports(errors: FieldErrors, ports: list[Object], kind: str) -> None:
    """Each port is one of its own: named where there are several, no name and no number twice."""
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
        errors.port(f"{at}.port", port.get("port", 0))
        errors.one_of(f"{at}.protocol", port["protocol"], PROTOCOLS)
        errors.port_or_name(f"{at}.targetPort", port.get("targetPort", 0))
        if port.get("appProtocol") is not None:
            errors.qualified(f"{at}.appProtocol", port["appProtocol"])
        if kind not in _OUTSIDE and port.get("nodePort"):
            errors.forbidden(f"{at}.nodePort", f"may not be used when `type` is '{kind}'")
    _given_twice(errors, ports)


def _given_twice(errors: FieldErrors, ports: list[Object]) -> None:
    """The value shown is Kubernetes' own type, which has no names for JSON."""
    seen: set[tuple[str, int]] = set()
    for n, port in enumerate(ports):
        key = (port["protocol"], port.get("port", 0))
        if key in seen:
            shown = {"Name": "", "Protocol": key[0], "AppProtocol": None, "Port": key[1], "TargetPort": 0}
            errors.duplicate(f"spec.ports[{n}]", {**shown, "NodePort": 0})
        seen.add(key)


def _affinity(errors: FieldErrors, spec: Object) -> None:
    affinity, at = spec.get("sessionAffinity"), "spec.sessionAffinityConfig"
    errors.one_of("spec.sessionAffinity", affinity, ("ClientIP", "None"))
    timeout_s = ((spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}).get("timeoutSeconds")
    if timeout_s is not None and not 0 < timeout_s <= _LONGEST_AFFINITY_S:
        why = f"must be greater than 0 and less than {_LONGEST_AFFINITY_S}"
        errors.invalid(f"{at}.clientIP.timeoutSeconds", timeout_s, why)


def _cluster_addresses(errors: FieldErrors, spec: Object, before: Object) -> None:
    """One address, of IPv4 as the cluster, that stays what it was."""
    address, addresses = spec.get("clusterIP") or "", spec.get("clusterIPs") or []
    if addresses and addresses[0] != address:
        errors.invalid("spec.clusterIPs", addresses, "first value must match `clusterIP`")
    for n, each in enumerate(addresses):
        if each == "None":
            if n:
                errors.invalid(f"spec.clusterIPs[{n}]", each, "'None' must be the first and only value")
        else:
            errors.ip(f"spec.clusterIPs[{n}]", each)
    if len(addresses) > 1:
        errors.invalid("spec.clusterIPs", addresses, "may only hold up to 1 value: this cluster is not dual-stack")
    if before.get("clusterIP") and address and before["clusterIP"] != address:
        errors.invalid("spec.clusterIPs[0]", [address], "may not change once set")
    policy, families = spec.get("ipFamilyPolicy"), spec.get("ipFamilies") or []
    if policy is not None:
        errors.one_of("spec.ipFamilyPolicy", policy, _FAMILY_POLICIES)
    if policy == "RequireDualStack":
        errors.invalid("spec.ipFamilyPolicy", policy, "this cluster is not configured for dual-stack services")
    for n, family in enumerate(families):
        if family == "IPv6":
            errors.invalid(f"spec.ipFamilies[{n}]", family, "not configured on this cluster")
        else:
            errors.one_of(f"spec.ipFamilies[{n}]", family, ("IPv4", "IPv6"))


def _from_outside(errors: FieldErrors, spec: Object, kind: str) -> None:
    """What only Services that are reached from outside may have."""
    policy = spec.get("externalTrafficPolicy") or None
    if policy is not None and kind not in _OUTSIDE and not spec.get("externalIPs"):
        why = "may only be set for externally-accessible services"
        errors.invalid("spec.externalTrafficPolicy", policy, why)
    elif policy is not None or kind in _OUTSIDE:
        errors.one_of("spec.externalTrafficPolicy", policy, _POLICIES)
    if spec.get("healthCheckNodePort") and not (kind == "LoadBalancer" and policy == "Local"):
        why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        errors.invalid("spec.healthCheckNodePort", spec["healthCheckNodePort"], why)
    ranges = spec.get("loadBalancerSourceRanges") or []
    if ranges and kind != "LoadBalancer":
        errors.forbidden("spec.LoadBalancerSourceRanges", "may only be used when `type` is 'LoadBalancer'")
    for n, each in enumerate(ranges):
        errors.cidr(f"spec.LoadBalancerSourceRanges[{n}]", each.strip())
    for field in ("allocateLoadBalancerNodePorts", "loadBalancerClass"):
        if spec.get(field) is not None and kind != "LoadBalancer":
            errors.forbidden(f"spec.{field}", "may only be used when `type` is 'LoadBalancer'")


def check_endpoint_slice(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """An EndpointSlice."""
    kind, endpoints = obj.get("addressType", ""), obj.get("endpoints") or []
    errors.one_of("addressType", kind, _ADDRESS_TYPES)
    if old is not None:
        errors.immutable("addressType", kind, old.get("addressType"))
    if len(endpoints) > _MOST_ENDPOINTS:
        errors.too_many("endpoints", len(endpoints), _MOST_ENDPOINTS)
        return
    for n, endpoint in enumerate(endpoints):
        at, addresses = f"endpoints[{n}].addresses", endpoint.get("addresses") or []
        if not addresses:
            errors.required(at, "must contain at least 1 address")
        if len(addresses) > _MOST_ADDRESSES:
            errors.too_many(at, len(addresses), _MOST_ADDRESSES)
            continue
        for m, address in enumerate(addresses):
            try:
                _ADDRESS_TYPES.get(kind, str)(address)
            except ValueError:
                errors.invalid(f"{at}[{m}]", address, f"must be an {kind} address")
    names: set[str] = set()
    for n, port in enumerate(obj.get("ports") or ()):
        errors.one_of(f"ports[{n}].protocol", port.setdefault("protocol", "TCP"), PROTOCOLS)
        if port.get("port") is not None:
            errors.port(f"ports[{n}].port", port["port"])
        if (name := port.get("name", "")) in names:
            errors.duplicate(f"ports[{n}].name", name)
        names.add(name)
