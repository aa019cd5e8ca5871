"""A request to `services/{name}:{port}/proxy/PATH` -> the node and the address of one ready pod behind the Service.

Source: kubernetes `pkg/registry/core/service/storage/storage.go` (ResourceLocation).
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.resources import ENDPOINT_SLICES, SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.sandbox.apiserver.registry import Registry
    from harness.sandbox.apiserver.store import Object

_SERVICE_NAME = "kubernetes.io/service-name"


def service_location(registry: Registry, namespace: str, segment: str) -> tuple[str, str]:
    """The node and `ADDRESS:PORT` of a ready endpoint, any of them. Raises: StatusError (400, 404, 501, 503)."""
    name, port = _name_and_port(segment)
    service = registry.existing(SERVICES, namespace, name).obj
    if port.isascii() and port.isdigit():
        port = _port_name(service, int(port))
    slices = (stored.obj for stored in registry.store.items(ENDPOINT_SLICES, namespace))
    own = (each for each in slices if (each["metadata"].get("labels") or {}).get(_SERVICE_NAME) == name)
    locations = [location for each in own for location in _ready(each, port)]
    if not locations:
        raise _unavailable(f'no endpoints available for service "{segment}"')
    return random.choice(locations)


def _name_and_port(segment: str) -> tuple[str, str]:
    """`NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`; a port by its name or number, "" for the one without a name."""
    parts = segment.split(":")
    if len(parts) > 3 or (len(parts) == 3 and parts[0] not in ("", "http", "https")):
        raise api_errors.bad_request(f'invalid service request "{segment}"')
    if len(parts) == 3:
        if parts[0] == "https":
            raise api_errors.not_implemented(f"services/proxy as {segment}")
        parts = parts[1:]
    return parts[0], parts[1] if len(parts) == 2 else ""


def _port_name(service: Object, number: int) -> str:
    for port in service["spec"].get("ports") or ():
        if port["port"] == number:
            return str(port.get("name", ""))
    raise _unavailable(f'no service port {number} found for service "{service["metadata"]["name"]}"')


def _ready(endpoint_slice: Object, port_name: str) -> Iterator[tuple[str, str]]:
    numbers = [port.get("port") for port in endpoint_slice["ports"] or () if (port.get("name") or "") == port_name]
    for endpoint in endpoint_slice["endpoints"] or ():
        node = endpoint.get("nodeName")
        if numbers and node and (endpoint.get("conditions") or {}).get("ready") is not False:
            yield node, f"{endpoint['addresses'][0]}:{numbers[0]}"


def _unavailable(message: str) -> api_errors.StatusError:
    return api_errors.StatusError(503, "ServiceUnavailable", message)
