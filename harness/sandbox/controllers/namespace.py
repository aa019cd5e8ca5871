"""Namespaces -> their default ServiceAccount and root CA while they live, their contents deleted when they end."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ApiError, ChangeType, PatchType, Propagation
from harness.sandbox.apiserver.custom.kinds import resource_to_follow
from harness.sandbox.apiserver.resources import (
    CONFIG_MAPS,
    DEFINITIONS,
    EVENTS,
    NAMESPACES,
    PODS,
    RESOURCES,
    SERVICE_ACCOUNTS,
)
from harness.sandbox.controllers.caches import copied
from harness.sandbox.controllers.workqueue import WorkQueue

if TYPE_CHECKING:
    from harness.sandbox.apiclient import Object
    from harness.sandbox.apiserver.resources import Resource
    from harness.sandbox.controllers.caches import Caches, Update

_ROOT_CA = "kube-root-ca.crt"
_RECHECK_S = 0.5


class NamespaceController:
    """Gives every namespace what it always has, and empties those that are being deleted."""

    def __init__(self, caches: Caches, root_ca: str) -> None:
        self._client, self._root_ca = caches.client, root_ca
        self._namespaces, self._pods = caches.of(NAMESPACES), caches.of(PODS)
        self._root_cas = caches.of(CONFIG_MAPS)
        self._queue: WorkQueue[str] = WorkQueue("namespace", self._sync, workers=2)
        self._namespaces.listen(lambda update: self._queue.add(update.new["metadata"]["name"]))
        self._pods.listen(self._on_pod)
        for resource, named in ((CONFIG_MAPS, _ROOT_CA), (SERVICE_ACCOUNTS, "default")):
            caches.of(resource).listen(partial(self._on_furniture, named))

    async def run(self) -> None:
        """Works for ever."""
        await self._queue.run()

    def _on_pod(self, update: Update) -> None:
        name = update.new["metadata"]["namespace"]
        namespace = self._namespaces.get("", name)
        if update.type is ChangeType.DELETED and namespace is not None and _ends(namespace):
            self._queue.add(name)

    def _on_furniture(self, named: str, update: Update) -> None:
        """What every namespace has comes back where somebody deletes or changes it."""
        if update.type is not ChangeType.ADDED and update.new["metadata"]["name"] == named:
            self._queue.add(update.new["metadata"]["namespace"])

    async def _sync(self, name: str) -> None:
        namespace = self._namespaces.get("", name)
        if namespace is None:
            return
        if not _ends(namespace):
            await self._furnish(name)
            return
        live = await self._live(name)
        if live is None or live["metadata"]["uid"] != namespace["metadata"]["uid"]:
            return  # another of this name has taken its place: its contents are not ours to delete
        remaining = await self._empty(name)
        if remaining == 0:
            await self._finalize(namespace)
        elif remaining > len(self._pods.all(name)):
            self._queue.add_after(name, _RECHECK_S)

    async def _live(self, name: str) -> Object | None:
        try:
            return await self._client.get(NAMESPACES.path("", name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def _furnish(self, name: str) -> None:
        account: Object = {"metadata": {"name": "default"}}
        root_ca: Object = {"metadata": {"name": _ROOT_CA}, "data": {"ca.crt": self._root_ca}}
        for resource, obj in ((SERVICE_ACCOUNTS, account), (CONFIG_MAPS, root_ca)):
            try:
                await self._client.create(resource.collection(name), obj)
            except ApiError as error:
                if error.reason not in ("AlreadyExists", "Forbidden", "NotFound"):
                    raise
        there = self._root_cas.get(name, _ROOT_CA)
        if there is not None and there.get("data") != root_ca["data"]:
            change = {"op": "add", "path": "/data", "value": root_ca["data"]}
            await self._client.patch(CONFIG_MAPS.path(name, _ROOT_CA), (change,), PatchType.JSON)

    async def _empty(self, name: str) -> int:
        """Deletes everything, Events last; how many are still there (pods in their grace period, finalizers)."""
        rows = [
            row for row in RESOURCES if row.namespaced and "deletecollection" in row.verbs and row.plural != "events"
        ]
        remaining = sum([await self._emptied(row, name) for row in await self._custom_rows()])
        for resource in (*rows, EVENTS):
            remaining += await self._emptied(resource, name)
        return remaining

    async def _emptied(self, resource: Resource, namespace: str) -> int:
        """How many objects are left of one kind after the deletion of all."""
        path = resource.collection(namespace)
        try:
            if not (await self._client.list(path))["items"]:
                return 0
            await self._client.delete(path, propagation=Propagation.BACKGROUND)
            return len((await self._client.list(path))["items"])
        except ApiError as error:
            if error.status == 404 and resource.custom is not None:
                return 0  # its definition is gone, and its objects with it
            raise

    async def _custom_rows(self) -> list[Resource]:
        """The namespaced custom kinds of this moment: asked of the API, so that none is missed."""
        definitions = (await self._client.list(DEFINITIONS.collection()))["items"]
        rows = [row for definition in definitions if (row := resource_to_follow(definition)) is not None]
        return [row for row in rows if row.namespaced]

    async def _finalize(self, namespace: Object) -> None:
        name, body = namespace["metadata"]["name"], copied(namespace)
        body["spec"]["finalizers"] = [item for item in body["spec"].get("finalizers", ()) if item != "kubernetes"]
        try:
            await self._client.update(f"{NAMESPACES.path('', name)}/finalize", body)
        except ApiError as error:
            if error.status not in (404, 409):
                raise


def _ends(namespace: Object) -> bool:
    return bool(namespace["metadata"].get("deletionTimestamp"))
