"""Services -> the variables by which a pod's containers find them: NAME_SERVICE_HOST, NAME_PORT_80_TCP_ADDR ...

Those of the pod's namespace, unless `enableServiceLinks: false`, and of the API in any case. Source: kubernetes
`pkg/kubelet/envvars`, `pkg/kubelet/kubelet_pods.go` (getServiceEnvVarMap).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from harness.sandbox.apiclient import ApiClient, ChangeType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.sandbox.kubelet.records import Object

_API_HOME, _API_NAME = "default", "kubernetes"


class ServiceLinks:
    """The Services of the cluster, as one node knows them."""

    def __init__(self, client: ApiClient) -> None:
        self._informer = client.informer("/api/v1/services")
        self.synced = anyio.Event()

    async def run(self) -> None:
        """Follows them for ever."""
        async for change in self._informer:
            if change.type is ChangeType.SYNCED:
                self.synced.set()

    def variables(self, pod: Object) -> dict[str, bytes]:
        """What a container of this pod that starts now is told."""
        return dict(variables(pod, self._informer.objects.values()))


def variables(pod: Object, services: Iterable[Object]) -> Iterator[tuple[str, bytes]]:
    """Of two with one name the pod's own namespace comes before the API's."""
    links, home = pod["spec"].get("enableServiceLinks") is not False, pod["metadata"]["namespace"]
    told: dict[str, Object] = {}
    for service in services:
        metadata = service["metadata"]
        own = links and metadata["namespace"] == home
        api = (metadata["namespace"], metadata["name"]) == (_API_HOME, _API_NAME)
        if service["spec"].get("clusterIP") in (None, "", "None") or not (own or api):
            continue
        if own or metadata["name"] not in told:
            told[metadata["name"]] = service
    for name in sorted(told):
        for variable, text in _of_service(told[name]):
            yield variable, text.encode()


def _of_service(service: Object) -> Iterator[tuple[str, str]]:
    name, address = _name(service["metadata"]["name"]), service["spec"]["clusterIP"]
    ports = service["spec"].get("ports") or ()
    yield f"{name}_SERVICE_HOST", address
    if not ports:
        return
    yield f"{name}_SERVICE_PORT", str(ports[0]["port"])
    for port in ports:
        if port.get("name"):
            yield f"{name}_SERVICE_PORT_{_name(port['name'])}", str(port["port"])
    for n, port in enumerate(ports):
        protocol, number = port.get("protocol") or "TCP", port["port"]
        url = f"{protocol.lower()}://{address}:{number}"
        if n == 0:
            yield f"{name}_PORT", url
        prefix = f"{name}_PORT_{number}_{protocol.upper()}"
        yield prefix, url
        yield f"{prefix}_PROTO", protocol.lower()
        yield f"{prefix}_PORT", str(number)
        yield f"{prefix}_ADDR", address


def _name(text: str) -> str:
    return text.upper().replace("-", "_")
