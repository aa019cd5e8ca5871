"""A Service without addresses -> its ClusterIP and node ports, each given out once.

Ranges as in the usual cluster: 10.96.0.0/16 (the first is the API's own) and ports 30000-32767.
"""

from __future__ import annotations

import ipaddress
import random
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.resources import SERVICES

if TYPE_CHECKING:
    from harness.sandbox.apiserver.store import Object, Store

_ADDRESSES = ipaddress.ip_network("10.96.0.0/16")
_RESERVED = 16
_ADDRESS_TEXT = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
_NODE_PORTS = range(30000, 32768)
# The types that may have them -> fields.
_OF_TYPES = {
    ("ClusterIP", "NodePort", "LoadBalancer"): ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"),
    ("NodePort", "LoadBalancer"): ("externalTrafficPolicy",),
    ("LoadBalancer",): ("allocateLoadBalancerNodePorts", "loadBalancerClass", "healthCheckNodePort"),
    ("ExternalName",): ("externalName",),
}
_WITH_NODE_PORTS = ("NodePort", "LoadBalancer")


class ServiceAddresses:
    """Which addresses and node ports are taken is read from the stored Services: nothing is kept twice."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def assign(self, service: Object, old: Object | None = None) -> None:
        """Fills in clusterIP, clusterIPs and nodePort where the Service needs them; keeps those it had.

        Raises: StatusError (422) where a wished address or port is outside the range or taken.
        """
        spec, before = service["spec"], (old or {}).get("spec", {})
        _drop_what_was_of_the_other_type(spec, before)
        if spec.get("type") == "ExternalName":
            return
        listed = spec.get("clusterIPs") or []
        if listed and not before and not spec.get("clusterIP"):
            raise _invalid(service, "spec.clusterIPs", listed, "must be empty when `clusterIP` is not specified")
        address = spec.get("clusterIP") or before.get("clusterIP") or ""
        if not address:
            address = self._free_address()
        elif address != "None" and address != before.get("clusterIP"):
            self._check_address(service, address)
        was_listed = not listed or listed == before.get("clusterIPs")
        spec["clusterIP"], spec["clusterIPs"] = address, [address] if was_listed else listed
        self._assign_ports(service, before)

    def _assign_ports(self, service: Object, before: Object) -> None:
        spec = service["spec"]
        ports = [port for port in spec.get("ports") or () if isinstance(port, dict)]
        if spec.get("type") not in _WITH_NODE_PORTS:
            return
        had = {(port.get("port"), port.get("protocol")): port.get("nodePort") for port in before.get("ports") or ()}
        taken = self._taken_ports(service["metadata"])
        for n, port in enumerate(ports):
            wish = port.get("nodePort") or had.get((port.get("port"), port.get("protocol")))
            if wish is not None:
                _check_node_port(service, n, wish, taken)
            elif spec.get("allocateLoadBalancerNodePorts") is False:
                continue
            port["nodePort"] = wish or _free_port(taken)
            taken.add(port["nodePort"])
        self._assign_health_check_port(service, before, taken)

    def _assign_health_check_port(self, service: Object, before: Object, taken: set[int]) -> None:
        """The port at which nodes tell a balancer whether they have pods of this Service.

        Source: kubernetes `pkg/registry/core/service/storage/alloc.go`, allocHealthCheckNodePort; it needs one where
        `pkg/api/service/util.go` says so: a load balancer's Service, with the external policy `Local`.
        """
        spec = service["spec"]
        if not (spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"):
            if spec.get("healthCheckNodePort") == before.get("healthCheckNodePort"):
                spec.pop("healthCheckNodePort", None)
            return
        wish = spec.get("healthCheckNodePort") or before.get("healthCheckNodePort")
        if wish and wish != before.get("healthCheckNodePort"):
            _check_port(service, "spec.healthCheckNodePort", wish, taken)
        spec["healthCheckNodePort"] = wish or _free_port(taken)

    def _free_address(self) -> str:
        taken = {stored.obj["spec"].get("clusterIP") for stored in self._store.items(SERVICES)}
        while True:
            address = str(_ADDRESSES[random.randrange(_RESERVED, _ADDRESSES.num_addresses - 1)])
            if address not in taken:
                return address

    def _check_address(self, service: Object, address: str) -> None:
        try:
            inside = ipaddress.ip_address(address) in _ADDRESSES
        except ValueError:
            raise _invalid(service, "spec.clusterIPs[0]", address, _ADDRESS_TEXT) from None
        if not inside:
            why = f"failed to allocate IP {address}: the provided IP ({address}) is not in the valid range. The range of valid IPs is {_ADDRESSES}"  # noqa: E501
            raise _invalid(service, "spec.clusterIPs", [address], why)
        if any(stored.obj["spec"].get("clusterIP") == address for stored in self._store.items(SERVICES)):
            why = f"failed to allocate IP {address}: provided IP is already allocated"
            raise _invalid(service, "spec.clusterIPs", [address], why)

    def _taken_ports(self, except_for: Object) -> set[int]:
        own = (except_for.get("namespace"), except_for.get("name"))
        others = (
            stored.obj["spec"]
            for stored in self._store.items(SERVICES)
            if (stored.obj["metadata"]["namespace"], stored.obj["metadata"]["name"]) != own
        )
        found = (
            (*(port.get("nodePort") for port in s.get("ports") or ()), s.get("healthCheckNodePort")) for s in others
        )
        return {number for numbers in found for number in numbers if number}


def _drop_what_was_of_the_other_type(spec: Object, before: Object) -> None:
    """A change of the type alone takes with it what only the type before could have; what is new stays, to be refused.

    Source: kubernetes `pkg/registry/core/service/strategy.go`, dropTypeDependentFields.
    """
    kind = spec.get("type")
    if not before or before.get("type") == kind:
        return
    dropped = [field for kinds, fields in _OF_TYPES.items() if kind not in kinds for field in fields]
    for field in dropped:
        if field in before and spec.get(field) == before[field]:
            del spec[field]
    had = [port.get("nodePort") for port in before.get("ports") or ()]
    if kind not in _WITH_NODE_PORTS and [port.get("nodePort") for port in spec.get("ports") or ()] == had:
        for port in spec.get("ports") or ():
            port.pop("nodePort", None)


def _check_node_port(service: Object, n: int, wish: int, taken: set[int]) -> None:
    _check_port(service, f"spec.ports[{n}].nodePort", wish, taken)


def _free_port(taken: set[int]) -> int:
    return random.choice([free for free in _NODE_PORTS if free not in taken])


def _check_port(service: Object, field: str, wish: int, taken: set[int]) -> None:
    if wish in taken:
        raise _invalid(service, field, wish, "provided port is already allocated")
    if wish not in _NODE_PORTS:
        why = "provided port is not in the valid range. The range of valid ports is 30000-32767"
        raise _invalid(service, field, wish, why)


def _invalid(service: Object, field: str, value: Any, why: str) -> api_errors.StatusError:
    cause = api_errors.Cause(
        field=field, reason="FieldValueInvalid", message=f"Invalid value: {api_errors.shown(value)}: {why}"
    )
    return api_errors.invalid(SERVICES, service["metadata"].get("name", ""), [cause])
