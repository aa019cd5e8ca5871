"""A Service and its pods -> endpoints with their conditions, grouped by the port numbers they have.

A targetPort with a name may be another number in each pod; pods with different numbers go to different slices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from harness.sandbox.controllers.pods import is_finished, is_ready, is_terminating

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.sandbox.apiclient import Object

MOST_ENDPOINTS = 100


class Port(NamedTuple):
    """One port of a slice."""

    name: str
    protocol: str
    number: int
    app_protocol: str = ""

    @classmethod
    def of(cls, port: Object) -> Self:
        """Read from a slice."""
        return cls(port.get("name") or "", port.get("protocol", "TCP"), port["port"], port.get("appProtocol") or "")

    def as_object(self) -> Object:
        """As a slice carries it."""
        port: Object = {"name": self.name, "port": self.number, "protocol": self.protocol}
        return port | ({"appProtocol": self.app_protocol} if self.app_protocol else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to become of one slice: `present` is None where it is to be made."""

    present: Object | None
    ports: tuple[Port, ...]
    endpoints: tuple[Object, ...]
    drop: bool = False


def planned(groups: dict[tuple[Port, ...], dict[str, Object]], present: Sequence[Object]) -> tuple[Plan, ...]:
    """Slices for the groups, with as little change as can be.

    Endpoints stay in the slice and at the place where they are; new ones fill up slices, then open more; a slice that
    would be dropped while another would be made becomes that other.
    """
    plans: list[Plan] = []
    spare = [item for item in present if ports_of(item) not in groups]
    for ports, wanted in groups.items():
        waiting = dict(wanted)
        same = [item for item in present if ports_of(item) == ports]
        kept = [[waiting.pop(uid) for uid in map(_uid, item.get("endpoints") or ()) if uid in waiting] for item in same]
        for endpoints in kept:
            while waiting and len(endpoints) < MOST_ENDPOINTS:
                endpoints.append(waiting.pop(next(iter(waiting))))
        filled = [(item, endpoints) for item, endpoints in zip(same, kept, strict=True) if endpoints]
        spare += [item for item, endpoints in zip(same, kept, strict=True) if not endpoints]
        plans += [Plan(present=item, ports=ports, endpoints=tuple(endpoints)) for item, endpoints in filled]
        while waiting or (not wanted and not plans):
            uids = list(waiting)[:MOST_ENDPOINTS]
            endpoints = [waiting.pop(uid) for uid in uids]
            reused = spare.pop(0) if spare else None
            plans.append(Plan(present=reused, ports=ports, endpoints=tuple(endpoints)))
    return (*plans, *(Plan(present=item, ports=(), endpoints=(), drop=True) for item in spare))


def ports_of(item: Object) -> tuple[Port, ...]:
    """The ports of a slice."""
    return tuple(sorted(Port.of(port) for port in item.get("ports") or ()))


def _uid(endpoint: Object) -> str:
    return str((endpoint.get("targetRef") or {}).get("uid", ""))


def grouped(service: Object, pods: Sequence[Object]) -> dict[tuple[Port, ...], dict[str, Object]]:
    """Endpoints by pod uid, by the ports they share. Without any pod there is one empty group without ports."""
    groups: dict[tuple[Port, ...], dict[str, Object]] = {}
    for pod in pods:
        if not pod.get("status", {}).get("podIP") or is_finished(pod):
            continue
        ports = tuple(sorted(_ports(service, pod)))
        groups.setdefault(ports, {})[pod["metadata"]["uid"]] = endpoint_of(service, pod)
    return groups or {(): {}}


def endpoint_of(service: Object, pod: Object) -> Object:
    """The pod as an endpoint: `ready` means that it serves and is not ending, or that the Service does not care."""
    serving, terminating = is_ready(pod), is_terminating(pod)
    ready = bool(service["spec"].get("publishNotReadyAddresses")) or (serving and not terminating)
    metadata, spec = pod["metadata"], pod["spec"]
    endpoint: Object = {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        "targetRef": {
            "kind": "Pod",
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        },
    }
    if spec.get("nodeName"):
        endpoint["nodeName"] = spec["nodeName"]
    if spec.get("hostname") and spec.get("subdomain") == service["metadata"]["name"]:
        endpoint["hostname"] = spec["hostname"]
    return endpoint


def _ports(service: Object, pod: Object) -> list[Port]:
    found = []
    for port in service["spec"].get("ports") or ():
        protocol = port.get("protocol", "TCP")
        number = _number(pod, port.get("targetPort", port["port"]), protocol)
        if number is not None:
            found.append(Port(port.get("name") or "", protocol, number, port.get("appProtocol") or ""))
    return found


def _number(pod: Object, target: int | str, protocol: str) -> int | None:
    if isinstance(target, int):
        return target
    for container in pod["spec"].get("containers", ()):
        for port in container.get("ports") or ():
            if port.get("name") == target and port.get("protocol", "TCP") == protocol:
                return int(port["containerPort"])
    return None
