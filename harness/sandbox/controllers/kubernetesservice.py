"""The Service `kubernetes`, its Endpoints and its slice -> there again where somebody deletes or changes them.

In the real thing the API server itself looks after them. Source: kubernetes `pkg/controlplane/controller`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiserver.bootstrap import NAME, service_objects
from harness.sandbox.controllers.caches import Cache, copied
from harness.sandbox.controllers.workqueue import WorkQueue

if TYPE_CHECKING:
    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.caches import Caches, Update

_HOME = "default"


class KubernetesServiceController:
    """Keeps the way to the API."""

    def __init__(self, caches: Caches) -> None:
        self._client = caches.client
        self._wanted = [(caches.of(resource), obj) for resource, obj in service_objects()]
        self._queue: WorkQueue[str] = WorkQueue("kubernetesservice", self._sync, workers=1)
        for cache, _ in self._wanted:
            cache.listen(self._on_change)

    async def run(self) -> None:
        """Works for ever."""
        await self._queue.run()

    def _on_change(self, update: Update) -> None:
        metadata = update.new["metadata"]
        if (metadata["namespace"], metadata["name"]) == (_HOME, NAME):
            self._queue.add(NAME)

    async def _sync(self, name: str) -> None:
        for cache, wanted in self._wanted:
            await self._put(cache, wanted)

    async def _put(self, cache: Cache, wanted: Object) -> None:
        name = wanted["metadata"]["name"]
        present = cache.get(_HOME, name)
        if present is None:
            await self._client.create(cache.resource.collection(_HOME), wanted)
            return
        changed = merged(present, wanted)
        if changed != present:
            await self._client.update(cache.resource.path(_HOME, name), changed)


def merged(present: Object, wanted: Object) -> Object:
    """The present object with everything in it that is wanted; what somebody added stays."""
    result = copied(present)
    for key, value in wanted.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result
