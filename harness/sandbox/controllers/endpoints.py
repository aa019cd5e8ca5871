"""A Service and its pods -> endpoints with their conditions, grouped by the port numbers they have.

A targetPort with a name may be another number in each pod; pods with different numbers go to different slices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

from harness.sandbox.controllers.pods import is_finished, is_ready, is_terminating

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.sandbox.apiclient import Object


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


def grouped(service: Object, pods: Sequence[Object]) -> dict[tuple[Port, ...], dict[str, Object]]:
    """Endpoints by pod uid, by the ports they share. Without any pod there is one empty group without ports."""
    groups: dict[tuple[Port, ...], dict[str, Object]] = {}
    for pod in pods:
        if not pod.get("status", {}).get("podIP") or is_finished(pod):
            continue
        ports = tuple(sorted(ports_of(service, pod)))
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


def ports_of(service: Object, pod: Object) -> list[Port]:
    """The Service's ports as they are in this pod; one whose name no container has is left out."""
    found = []
    for port in service["spec"].get("ports") or ():
        protocol = port.get("protocol", "TCP")
        number = _number(pod, port.get("targetPort", port["port"]), protocol)
        if number is not None:
            found.append(Port(port.get("name") or "", protocol, number, port.get("appProtocol") or ""))
    return found


def _number(pod: Object, target: int | str, protocol: str) -> int | None:
    """The number behind a target port; a name is a container's or a native sidecar's (pkg/api/v1/pod, FindPort)."""
    if isinstance(target, int):
        return target
    sidecars = (c for c in pod["spec"].get("initContainers") or () if c.get("restartPolicy") == "Always")
    for container in (*(pod["spec"].get("containers") or ()), *sidecars):
        for port in container.get("ports") or ():
            if port.get("name") == target and port.get("protocol", "TCP") == protocol:
                return int(port["containerPort"])
    return None
