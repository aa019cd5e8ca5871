"""A Service and its pods -> the `subsets` of its Endpoints: addresses by the ports that they share, ready ones apart.

Source: kubernetes `pkg/controller/endpoint/endpoints_controller.go`, `pkg/api/v1/endpoints/util.go` (RepackSubsets).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.controllers.endpoints import ports_of
from harness.sandbox.controllers.pods import is_finished, is_ready, is_terminating

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.endpoints import Port

_NO_PORT = None


def subsets_of(service: Object, pods: Iterable[Object]) -> list[Object]:
    """Pods without an address, those that ended and those that end are not in it: slices alone tell of the last."""
    every = bool(service["spec"].get("publishNotReadyAddresses"))
    addresses: dict[str, tuple[Object, bool]] = {}
    holders: dict[Port | None, set[str]] = {}
    for pod in pods:
        if not pod.get("status", {}).get("podIP") or is_finished(pod) or (is_terminating(pod) and not every):
            continue
        uid = pod["metadata"]["uid"]
        ports: Sequence[Port | None] = ports_of(service, pod)
        if not ports and not service["spec"].get("ports"):
            ports = (_NO_PORT,)
        for port in ports:
            addresses[uid] = (_address(service, pod), every or is_ready(pod))
            holders.setdefault(port, set()).add(uid)
    by_holders: dict[frozenset[str], list[Port]] = {}
    for port, uids in holders.items():
        shared = by_holders.setdefault(frozenset(uids), [])
        if port is not None:
            shared.append(port)
    made = [_subset([addresses[uid] for uid in uids], sorted(ports)) for uids, ports in by_holders.items()]
    return sorted(made, key=lambda subset: str(sorted(item["ip"] for item in _all(subset))))


def _subset(addresses: list[tuple[Object, bool]], ports: list[Port]) -> Object:
    subset: Object = {}
    for key, wanted in (("addresses", True), ("notReadyAddresses", False)):
        found = [address for address, ready in addresses if ready is wanted]
        if found:
            subset[key] = sorted(found, key=lambda address: (address["ip"], address["targetRef"]["uid"]))
    if ports:
        subset["ports"] = [_port(port) for port in ports]
    return subset


def _port(port: Port) -> Object:
    return {key: value for key, value in port.as_object().items() if value != ""}


def _all(subset: Object) -> list[Object]:
    return [*subset.get("addresses", ()), *subset.get("notReadyAddresses", ())]


def _address(service: Object, pod: Object) -> Object:
    metadata, spec = pod["metadata"], pod["spec"]
    target = {"kind": "Pod", "namespace": metadata["namespace"], "name": metadata["name"], "uid": metadata["uid"]}
    address: Object = {"ip": pod["status"]["podIP"], "targetRef": target}
    if spec.get("nodeName"):
        address["nodeName"] = spec["nodeName"]
    if spec.get("hostname") and spec.get("subdomain") == service["metadata"]["name"]:
        address["hostname"] = spec["hostname"]
    return address
