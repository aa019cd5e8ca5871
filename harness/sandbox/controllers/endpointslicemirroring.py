"""Endpoints that people keep themselves, of Services without a selector -> the EndpointSlices that kube-proxy reads.

Source: kubernetes `pkg/controller/endpointslicemirroring`.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ApiError
from harness.sandbox.apiserver.resources import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from harness.sandbox.controllers.caches import Key, copied, key_of
from harness.sandbox.controllers.owners import reference_to
from harness.sandbox.controllers.workqueue import WorkQueue

if TYPE_CHECKING:
    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.caches import Caches, Update

_SERVICE = "kubernetes.io/service-name"
_MANAGED = "endpointslice.kubernetes.io/managed-by"
_MANAGER = "endpointslicemirroring-controller.k8s.io"
SKIP = "endpointslice.kubernetes.io/skip-mirror"
_LEADER = "control-plane.alpha.kubernetes.io/leader"
_OWN_ANNOTATIONS = (
    "endpoints.kubernetes.io/last-change-trigger-time",
    "kubectl.kubernetes.io/last-applied-configuration",
)
_MOST_ADDRESSES = 1000


class EndpointSliceMirroringController:
    """Keeps a slice for every subset, and address family, of such Endpoints."""

    def __init__(self, caches: Caches) -> None:
        self._client = caches.client
        self._services, self._endpoints = caches.of(SERVICES), caches.of(ENDPOINTS)
        self._slices = caches.of(ENDPOINT_SLICES)
        self._queue: WorkQueue[Key] = WorkQueue("endpointslicemirroring", self._sync, workers=1)
        self._services.listen(self._on_service)
        self._endpoints.listen(lambda update: self._queue.add(key_of(update.new)))
        self._slices.listen(self._on_slice)

    async def run(self) -> None:
        """Works for ever."""
        await self._queue.run()

    def _on_service(self, update: Update) -> None:
        self._queue.add(key_of(update.new))

    def _on_slice(self, update: Update) -> None:
        metadata = update.new["metadata"]
        labels = metadata.get("labels") or {}
        if labels.get(_MANAGED) == _MANAGER and _SERVICE in labels:
            self._queue.add(Key(metadata["namespace"], labels[_SERVICE]))

    async def _sync(self, key: Key) -> None:
        service, endpoints = self._services.get(*key), self._endpoints.get(*key)
        wanted: list[Object] = []
        if (
            service is not None
            and not service["spec"].get("selector")
            and endpoints is not None
            and _is_mirrored(endpoints)
        ):
            wanted = mirrored(endpoints)
        elif not self._has_slices(key):
            return
        selector = f"{_SERVICE}={key.name},{_MANAGED}={_MANAGER}"
        listed = await self._client.list(ENDPOINT_SLICES.collection(key.namespace), labelSelector=selector)
        present = {_identity(item): item for item in listed["items"]}
        for item in wanted:
            await self._put(key, present.pop(_identity(item), None), item)
        for item in present.values():
            await self._delete(item)

    def _has_slices(self, key: Key) -> bool:
        return any(
            (labels := item["metadata"].get("labels") or {}).get(_SERVICE) == key.name
            and labels.get(_MANAGED) == _MANAGER
            for item in self._slices.all(key.namespace)
        )

    async def _put(self, key: Key, present: Object | None, wanted: Object) -> None:
        if present is None:
            await self._client.create(ENDPOINT_SLICES.collection(key.namespace), wanted)
            return
        same = all((present.get(part) or []) == (wanted.get(part) or []) for part in ("endpoints", "ports"))
        kept = ("labels", "annotations")
        if same and all((present["metadata"].get(part) or {}) == wanted["metadata"].get(part, {}) for part in kept):
            return
        changed = copied(present) | {part: wanted[part] for part in ("endpoints", "ports")}
        changed["metadata"] |= {part: wanted["metadata"].get(part, {}) for part in kept}
        await self._client.update(ENDPOINT_SLICES.path(key.namespace, present["metadata"]["name"]), changed)

    async def _delete(self, item: Object) -> None:
        metadata = item["metadata"]
        try:
            await self._client.delete(ENDPOINT_SLICES.path(metadata["namespace"], metadata["name"]))
        except ApiError as error:
            if error.status != 404:
                raise


def mirrored(endpoints: Object) -> list[Object]:
    """The slices of Endpoints: one a subset and address family."""
    found: list[Object] = []
    for subset in endpoints.get("subsets") or ():
        ports = [{"name": "", "protocol": "TCP", **port} for port in subset.get("ports") or ()]
        by_family: dict[str, list[Object]] = {}
        for part, ready in (("addresses", True), ("notReadyAddresses", False)):
            for address in subset.get(part) or ():
                family = f"IPv{ip_address(address['ip']).version}"
                by_family.setdefault(family, []).append(_endpoint(address, ready=ready))
        for family, items in by_family.items():
            found.append(_slice(endpoints, family, items[:_MOST_ADDRESSES], ports))
    return found


def _slice(endpoints: Object, family: str, items: list[Object], ports: list[Object]) -> Object:
    metadata = endpoints["metadata"]
    labels = {**(metadata.get("labels") or {}), _SERVICE: metadata["name"], _MANAGED: _MANAGER}
    annotations = {
        key: text for key, text in (metadata.get("annotations") or {}).items() if key not in _OWN_ANNOTATIONS
    }
    made: Object = {
        "addressType": family,
        "metadata": {
            "generateName": f"{metadata['name']}-",
            "labels": labels,
            "ownerReferences": [reference_to(endpoints)],
        },
        "endpoints": items,
        "ports": ports,
    }
    if annotations:
        made["metadata"]["annotations"] = annotations
    return made


def _endpoint(address: Object, *, ready: bool) -> Object:
    endpoint: Object = {"addresses": [address["ip"]], "conditions": {"ready": ready}}
    for key in ("hostname", "nodeName", "targetRef"):
        if address.get(key):
            endpoint[key] = address[key]
    return endpoint


def _is_mirrored(endpoints: Object) -> bool:
    metadata = endpoints["metadata"]
    return (metadata.get("labels") or {}).get(SKIP) != "true" and _LEADER not in (metadata.get("annotations") or {})


def _identity(item: Object) -> tuple[str, str]:
    """What stays of a slice while its endpoints change: its family and ports."""
    ports = sorted(
        (port.get("name") or "", port.get("protocol") or "TCP", port["port"]) for port in item["ports"] or ()
    )
    return str(item["addressType"]), str(ports)
