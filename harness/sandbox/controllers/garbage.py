"""ownerReferences of everything -> dependents deleted with their owners (background, foreground) or freed (orphan).

Source: kubernetes `pkg/controller/garbagecollector`; kubernetes.io/docs/concepts/architecture/garbage-collection.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ApiError, ChangeType, Propagation
from harness.sandbox.apiserver.resources import RESOURCES
from harness.sandbox.controllers.workqueue import WorkQueue

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from harness.sandbox.apiclient import Object
    from harness.sandbox.apiserver.resources import Resource
    from harness.sandbox.controllers.caches import Caches, Update
    from harness.sandbox.controllers.customkinds import CustomKinds

_ORPHAN, _FOREGROUND = "orphan", "foregroundDeletion"


class GarbageCollector:
    """Follows every resource but Events, and acts on objects whose owners go."""

    def __init__(self, caches: Caches, custom: CustomKinds) -> None:
        self._client, self._custom = caches.client, custom
        self._objects: dict[str, tuple[Resource, Object]] = {}
        self._dependents: dict[str, set[str]] = {}
        self._queue: WorkQueue[str] = WorkQueue("garbage", self._sync)
        for resource in RESOURCES:
            if "watch" in resource.verbs and resource.plural != "events":
                caches.of(resource).listen(partial(self._on_change, resource))
        custom.listen(self._on_change)

    async def run(self) -> None:
        """Works for ever."""
        await self._queue.run()

    def _on_change(self, resource: Resource, update: Update) -> None:
        uid = update.new["metadata"]["uid"]
        for owner in {*_owners(update.old), *_owners(update.new)}:
            if (siblings := self._dependents.get(owner)) is not None:
                siblings.discard(uid)
                if not siblings:
                    del self._dependents[owner]
        if update.type is ChangeType.DELETED:
            self._objects.pop(uid, None)
            for dependent in self._dependents.pop(uid, ()):
                self._queue.add(dependent)
            for owner in _owners(update.new):
                if owner in self._objects and _has(self._objects[owner][1], _FOREGROUND):
                    self._queue.add(owner)
            return
        self._objects[uid] = (resource, update.new)
        for owner in _owners(update.new):
            self._dependents.setdefault(owner, set()).add(uid)
            if owner not in self._objects or _has(self._objects[owner][1], _FOREGROUND):
                self._queue.add(uid)
        if update.new["metadata"].get("deletionTimestamp") and _has(update.new, _FOREGROUND, _ORPHAN):
            self._queue.add(uid)

    async def _sync(self, uid: str) -> None:
        if uid not in self._objects:
            return
        resource, obj = self._objects[uid]
        if obj["metadata"].get("deletionTimestamp"):
            if _has(obj, _ORPHAN):
                await self._free_dependents(resource, obj)
            elif _has(obj, _FOREGROUND):
                await self._end_dependents(resource, obj)
            return
        if _owners(obj):
            await self._judge(resource, obj)

    async def _judge(self, resource: Resource, obj: Object) -> None:
        """Deletes an object none of whose owners stays; otherwise frees it of those that are gone."""
        references = obj["metadata"]["ownerReferences"]
        states = [await self._state(obj, reference) for reference in references]
        if "solid" in states:
            kept = [item for item, state in zip(references, states, strict=True) if state == "solid"]
            if len(kept) < len(references):
                await self._patch(resource, obj, {"ownerReferences": kept})
            return
        if "ending" in states and self._dependents.get(obj["metadata"]["uid"]):
            await self._delete(resource, obj, Propagation.FOREGROUND)
        elif _has(obj, _ORPHAN):
            await self._delete(resource, obj, Propagation.ORPHAN)
        elif _has(obj, _FOREGROUND):
            await self._delete(resource, obj, Propagation.FOREGROUND)
        else:
            await self._delete(resource, obj, Propagation.BACKGROUND)

    async def _state(self, obj: Object, reference: Object) -> str:
        """`solid`, `ending` (waits for its dependents to go first) or `absent`; what the cache lacks is asked for."""
        known = self._objects.get(reference["uid"])
        owner = known[1] if known is not None else await self._asked(obj, reference)
        if owner is None:
            return "absent"
        ends = owner["metadata"].get("deletionTimestamp") and _has(owner, _FOREGROUND)
        return "ending" if ends else "solid"

    async def _asked(self, obj: Object, reference: Object) -> Object | None:
        resource = self._custom.of(reference["apiVersion"], reference["kind"])
        if resource is None:
            return {"metadata": {}}
        namespace = obj["metadata"].get("namespace", "") if resource.namespaced else ""
        try:
            owner = await self._client.get(resource.path(namespace, reference["name"]))
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return owner if owner["metadata"]["uid"] == reference["uid"] else None

    async def _end_dependents(self, resource: Resource, obj: Object) -> None:
        """Foreground: the owner goes when no dependent that blocks it is left."""
        uid = obj["metadata"]["uid"]
        blocking = [item for item in self._dependents.get(uid, ()) if self._blocks(item, uid)]
        if not blocking:
            await self._drop_finalizer(resource, obj, _FOREGROUND)
            return
        for dependent in blocking:
            if not self._objects[dependent][1]["metadata"].get("deletionTimestamp"):
                self._queue.add(dependent)

    def _blocks(self, dependent: str, owner: str) -> bool:
        known = self._objects.get(dependent)
        references = known[1]["metadata"].get("ownerReferences") or () if known is not None else ()
        return any(item["uid"] == owner and item.get("blockOwnerDeletion") for item in references)

    async def _free_dependents(self, resource: Resource, obj: Object) -> None:
        uid = obj["metadata"]["uid"]
        for dependent in tuple(self._dependents.get(uid, ())):
            if dependent in self._objects:
                row, state = self._objects[dependent]
                kept = [item for item in state["metadata"].get("ownerReferences") or () if item["uid"] != uid]
                await self._patch(row, state, {"ownerReferences": kept or None})
        await self._drop_finalizer(resource, obj, _ORPHAN)

    async def _drop_finalizer(self, resource: Resource, obj: Object, finalizer: str) -> None:
        kept = [item for item in obj["metadata"].get("finalizers") or () if item != finalizer]
        await self._patch(resource, obj, {"finalizers": kept or None})

    async def _patch(self, resource: Resource, obj: Object, metadata: Object) -> None:
        own = obj["metadata"]
        pinned = {"uid": own["uid"], "resourceVersion": own["resourceVersion"]}
        await self._call(self._client.patch(_path(resource, obj), {"metadata": {**metadata, **pinned}}))

    async def _delete(self, resource: Resource, obj: Object, propagation: Propagation) -> None:
        uid = obj["metadata"]["uid"]
        await self._call(self._client.delete(_path(resource, obj), propagation=propagation, uid=uid))

    @staticmethod
    async def _call(call: Awaitable[Object]) -> None:
        try:
            await call
        except ApiError as error:
            if error.status != 404:
                raise


def _path(resource: Resource, obj: Object) -> str:
    return resource.path(obj["metadata"].get("namespace", ""), obj["metadata"]["name"])


def _owners(obj: Object | None) -> list[str]:
    return [] if obj is None else [item["uid"] for item in obj["metadata"].get("ownerReferences") or ()]


def _has(obj: Object, *finalizers: str) -> bool:
    return any(item in finalizers for item in obj["metadata"].get("finalizers") or ())
