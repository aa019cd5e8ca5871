"""CustomResourceDefinitions -> the objects of their kinds, followed from when a kind is established until it is gone.

What `Caches` is for the kinds that are always there. Source: the dynamic informers of kubernetes
`pkg/controller/garbagecollector`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ChangeType
from harness.sandbox.apiserver.custom.kinds import resource_to_follow
from harness.sandbox.apiserver.resources import DEFINITIONS, resource_of
from harness.sandbox.controllers.caches import Cache, Update

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.sandbox.apiserver.resources import Resource
    from harness.sandbox.controllers.caches import Caches


@dataclass(slots=True)
class _Followed:
    resource: Resource
    cache: Cache
    task: asyncio.Task[None]


class CustomKinds:
    """Tells its listeners of every change of every custom object, and which kinds there are."""

    def __init__(self, caches: Caches) -> None:
        self._client = caches.client
        self._listeners: list[Callable[[Resource, Update], None]] = []
        self._followed: dict[str, _Followed] = {}
        self._changes: asyncio.Queue[Update] = asyncio.Queue()
        caches.of(DEFINITIONS).listen(self._changes.put_nowait)

    def listen(self, listener: Callable[[Resource, Update], None]) -> None:
        """Calls `listener` with the resource and every change of its objects; ask before `run`."""
        self._listeners.append(listener)

    def of(self, api_version: str, kind: str) -> Resource | None:
        """The resource of an object's apiVersion and kind, the API's own kinds included, whichever version is named."""
        group = api_version.rpartition("/")[0]
        rows = (each.resource for each in self._followed.values())
        custom = next((row for row in rows if (row.group, row.kind) == (group, kind)), None)
        return resource_of(api_version, kind) or custom

    async def run(self) -> None:
        """Follows for ever."""
        async with asyncio.TaskGroup() as group:
            while True:
                update = await self._changes.get()
                self._heed(update, group)

    def _heed(self, update: Update, group: asyncio.TaskGroup) -> None:
        name = update.new["metadata"]["name"]
        wanted = None if update.type is ChangeType.DELETED else resource_to_follow(update.new)
        present = self._followed.get(name)
        if present is not None and present.resource != wanted:
            present.task.cancel()
            del self._followed[name]
            for obj in present.cache.all():
                self._tell(present.resource, Update(ChangeType.DELETED, obj, obj))
            present = None
        if wanted is not None and present is None:
            cache = Cache(self._client, wanted)
            cache.listen(partial(self._tell, wanted))
            task = group.create_task(cache.run(), name=f"cache of {wanted.plural}.{wanted.group}")
            self._followed[name] = _Followed(wanted, cache, task)

    def _tell(self, resource: Resource, update: Update) -> None:
        for listener in self._listeners:
            listener(resource, update)
