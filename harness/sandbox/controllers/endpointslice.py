"""Services and pods -> EndpointSlices: who may be sent requests, who still serves while it ends.

Source: kubernetes `pkg/controller/endpointslice` and `staging/src/k8s.io/endpointslice`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ApiError
from harness.sandbox.apiserver.resources import ENDPOINT_SLICES, PODS, SERVICES
from harness.sandbox.controllers.caches import Key, copied, key_of
from harness.sandbox.controllers.endpoints import grouped
from harness.sandbox.controllers.owners import reference_to
from harness.sandbox.controllers.slicepacking import Plan, planned
from harness.sandbox.controllers.triggers import TRIGGER, Triggers
from harness.sandbox.controllers.workqueue import WorkQueue

if TYPE_CHECKING:
    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.caches import Caches, Update

_SERVICE = "kubernetes.io/service-name"
_MANAGED = "endpointslice.kubernetes.io/managed-by"
_MANAGER = "endpointslice-controller.k8s.io"
_HEADLESS = "service.kubernetes.io/headless"


class EndpointSliceController:
    """Keeps the slices of every Service that has a selector."""

    def __init__(self, caches: Caches) -> None:
        self._client = caches.client
        self._services, self._pods = caches.of(SERVICES), caches.of(PODS)
        self._slices = caches.of(ENDPOINT_SLICES)
        self._queue: WorkQueue[Key] = WorkQueue("endpointslice", self._sync)
        self._written: dict[Key, dict[str, int]] = {}
        self._triggers = Triggers()
        self._services.listen(lambda update: self._queue.add(key_of(update.new)))
        self._pods.listen(self._on_pod)
        self._slices.listen(self._on_slice)

    async def run(self) -> None:
        """Works for ever."""
        await self._queue.run()

    def _on_pod(self, update: Update) -> None:
        namespace = update.new["metadata"]["namespace"]
        states = [state["metadata"].get("labels") or {} for state in (update.old, update.new) if state is not None]
        for service in self._services.all(namespace):
            selector = service["spec"].get("selector")
            if selector and any(selector.items() <= labels.items() for labels in states):
                self._queue.add(key_of(service))

    def _on_slice(self, update: Update) -> None:
        """A slice that someone else changed or deleted is put right again."""
        metadata = update.new["metadata"]
        labels = metadata.get("labels") or {}
        if labels.get(_MANAGED) == _MANAGER and _SERVICE in labels:
            self._queue.add(Key(metadata["namespace"], labels[_SERVICE]))

    async def _sync(self, key: Key) -> None:
        service = self._services.get(*key)
        if service is None:
            self._written.pop(key, None)
            self._triggers.forget(key)
            return
        selector = service["spec"].get("selector")
        if not selector or service["spec"]["type"] == "ExternalName" or service["metadata"].get("deletionTimestamp"):
            return
        present = self._present(key)
        if present is None:
            return
        pods = [
            pod
            for pod in self._pods.all(key.namespace)
            if selector.items() <= (pod["metadata"].get("labels") or {}).items()
        ]
        trigger = self._triggers.fresh(key, service, pods)
        for plan in planned(grouped(service, pods), present):
            await self._carry_out(key, service, plan, trigger)

    def _present(self, key: Key) -> list[Object] | None:
        """The Service's slices; None while the cache lags behind what this controller wrote."""
        found = [item for item in self._slices.all(key.namespace) if _belongs(item, key.name)]
        versions = {item["metadata"]["name"]: int(item["metadata"]["generation"]) for item in found}
        written = self._written.get(key, {})
        for name, generation in list(written.items()):
            if name not in versions and generation == 1:
                return None
            if name in versions and versions[name] < generation:
                return None
            if name not in versions:
                del written[name]
        return sorted(found, key=lambda item: str(item["metadata"]["name"]))

    async def _carry_out(self, key: Key, service: Object, plan: Plan, trigger: str | None) -> None:
        if plan.drop and plan.present is not None:
            await self._delete(key, plan.present)
            return
        wanted = _wanted(service, plan, trigger)
        if wanted is None:
            return
        if plan.present is not None:
            self._note(key, await self._client.update(ENDPOINT_SLICES.path(*key_of(wanted)), wanted))
            return
        wanted["metadata"] |= {"generateName": f"{key.name}-", "ownerReferences": [reference_to(service)]}
        self._note(key, await self._client.create(ENDPOINT_SLICES.collection(key.namespace), wanted))

    async def _delete(self, key: Key, present: Object) -> None:
        name = present["metadata"]["name"]
        try:
            await self._client.delete(ENDPOINT_SLICES.path(key.namespace, name))
        except ApiError as error:
            if error.status != 404:
                raise
        self._written.get(key, {}).pop(name, None)

    def _note(self, key: Key, written: Object) -> None:
        self._written.setdefault(key, {})[written["metadata"]["name"]] = int(written["metadata"]["generation"])


def _wanted(service: Object, plan: Plan, trigger: str | None) -> Object | None:
    """The slice as it is to be written; None where it is so already. Only a slice that changes is stamped anew."""
    wanted: Object = copied(plan.present) if plan.present is not None else {"addressType": "IPv4", "metadata": {}}
    wanted["endpoints"] = list(plan.endpoints) or None
    wanted["ports"] = [port.as_object() for port in plan.ports] or None
    metadata = wanted["metadata"]
    metadata["labels"] = _labels(service)
    if plan.present is not None and _content(wanted) == _content(plan.present):
        return None
    annotations = {key: text for key, text in (metadata.pop("annotations", None) or {}).items() if key != TRIGGER}
    if trigger is not None:
        annotations[TRIGGER] = trigger
    if annotations:
        metadata["annotations"] = annotations
    return wanted


def _belongs(item: Object, service: str) -> bool:
    labels = item["metadata"].get("labels") or {}
    going = item["metadata"].get("deletionTimestamp")
    return labels.get(_SERVICE) == service and labels.get(_MANAGED) == _MANAGER and not going


def _labels(service: Object) -> Object:
    given = {
        key: value
        for key, value in (service["metadata"].get("labels") or {}).items()
        if key not in (_SERVICE, _MANAGED, _HEADLESS)
    }
    own = {_SERVICE: service["metadata"]["name"], _MANAGED: _MANAGER}
    headless = {_HEADLESS: ""} if service["spec"].get("clusterIP") == "None" else {}
    return {**given, **own, **headless}


def _content(item: Object) -> tuple[Object, list[Object], list[Object]]:
    return item["metadata"].get("labels") or {}, item.get("endpoints") or [], item.get("ports") or []
