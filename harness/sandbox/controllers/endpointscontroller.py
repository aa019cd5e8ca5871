"""Services and pods -> Endpoints: what clients from before EndpointSlices read.

Source: kubernetes `pkg/controller/endpoint`. Changes of pods are gathered for a while, which the real controller does
where `--endpoint-updates-batch-period` says so: each change writes all of a Service's addresses anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ApiError
from harness.sandbox.apiserver.resources import ENDPOINTS, PODS, SERVICES
from harness.sandbox.controllers.caches import Key, copied, key_of
from harness.sandbox.controllers.subsets import subsets_of
from harness.sandbox.controllers.triggers import TRIGGER, Triggers
from harness.sandbox.controllers.workqueue import WorkQueue

if TYPE_CHECKING:
    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.caches import Caches, Update

MANAGED, MANAGER = "endpoints.kubernetes.io/managed-by", "endpoint-controller"
_HEADLESS = "service.kubernetes.io/headless"
_CAPACITY, _MOST_ADDRESSES = "endpoints.kubernetes.io/over-capacity", 1000
_BATCH_S = 0.1


class EndpointsController:
    """Keeps the Endpoints of every Service that has a selector."""

    def __init__(self, caches: Caches) -> None:
        self._client = caches.client
        self._services, self._pods, self._endpoints = caches.of(SERVICES), caches.of(PODS), caches.of(ENDPOINTS)
        self._queue: WorkQueue[Key] = WorkQueue("endpoints", self._sync)
        self._triggers = Triggers()
        self._services.listen(lambda update: self._queue.add(key_of(update.new)))
        self._pods.listen(self._on_pod)
        self._endpoints.listen(lambda update: self._queue.add(key_of(update.new)))

    async def run(self) -> None:
        """Works for ever."""
        await self._queue.run()

    def _on_pod(self, update: Update) -> None:
        states = [state["metadata"].get("labels") or {} for state in (update.old, update.new) if state is not None]
        for service in self._services.all(update.new["metadata"]["namespace"]):
            selector = service["spec"].get("selector")
            if selector and any(selector.items() <= labels.items() for labels in states):
                self._queue.add_after(key_of(service), _BATCH_S)

    async def _sync(self, key: Key) -> None:
        service, present = self._services.get(*key), self._endpoints.get(*key)
        if service is None:
            self._triggers.forget(key)
            await self._delete(key, present)
            return
        selector = service["spec"].get("selector")
        if not selector or service["spec"]["type"] == "ExternalName" or service["metadata"].get("deletionTimestamp"):
            return
        pods = [
            pod
            for pod in self._pods.all(key.namespace)
            if selector.items() <= (pod["metadata"].get("labels") or {}).items()
        ]
        wanted = _wanted(service, present, subsets_of(service, pods), self._triggers.fresh(key, service, pods))
        if wanted is None:
            return
        if present is None:
            await self._client.create(ENDPOINTS.collection(key.namespace), wanted)
        else:
            await self._client.update(ENDPOINTS.path(*key), wanted)

    async def _delete(self, key: Key, present: Object | None) -> None:
        """Those of a Service that is gone go too, unless somebody else made them."""
        if present is None or (present["metadata"].get("labels") or {}).get(MANAGED) != MANAGER:
            return
        try:
            await self._client.delete(ENDPOINTS.path(*key), uid=present["metadata"]["uid"])
        except ApiError as error:
            if error.status not in (404, 409):
                raise


def _wanted(service: Object, present: Object | None, subsets: list[Object], trigger: str | None) -> Object | None:
    """The Endpoints as they are to be written; None where they are so already."""
    labels = {**(service["metadata"].get("labels") or {}), MANAGED: MANAGER}
    labels.pop(_HEADLESS, None)
    if service["spec"].get("clusterIP") == "None":
        labels[_HEADLESS] = ""
    wanted: Object = copied(present) if present is not None else {"metadata": {"name": service["metadata"]["name"]}}
    metadata = wanted["metadata"]
    annotations = dict(metadata.get("annotations") or {})
    subsets, over = _within_capacity(subsets)
    if (
        present is not None
        and (present.get("subsets") or []) == subsets
        and metadata.get("labels") == labels
        and (_CAPACITY in annotations) == over
    ):
        return None
    annotations.pop(TRIGGER, None)
    annotations.pop(_CAPACITY, None)
    if trigger is not None:
        annotations[TRIGGER] = trigger
    if over:
        annotations[_CAPACITY] = "truncated"
    metadata["labels"] = labels
    metadata.pop("annotations", None)
    if annotations:
        metadata["annotations"] = annotations
    wanted["subsets"] = subsets
    return wanted


def _within_capacity(subsets: list[Object]) -> tuple[list[Object], bool]:
    """At most 1,000 addresses, ready ones first; whether some were left out."""
    places = [(key, n) for key in ("addresses", "notReadyAddresses") for n in range(len(subsets))]
    left, cut = _MOST_ADDRESSES, [dict(subset) for subset in subsets]
    for key, n in places:
        had = cut[n].pop(key, [])
        if kept := had[:left]:
            cut[n][key] = kept
        left -= len(kept)
    total = sum(len(subset.get(key, ())) for subset in subsets for key in ("addresses", "notReadyAddresses"))
    return (cut, True) if total > _MOST_ADDRESSES else (subsets, False)
