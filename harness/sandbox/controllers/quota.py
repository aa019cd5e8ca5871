"""ResourceQuotas and what they count -> their status: how much is used of each limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiserver.quota import BY_COUNT, usage_of, written
from harness.sandbox.apiserver.resources import PODS, RESOURCE_QUOTAS
from harness.sandbox.controllers.caches import Key, key_of
from harness.sandbox.controllers.workqueue import WorkQueue

if TYPE_CHECKING:
    from harness.sandbox.controllers.caches import Caches, Update


class QuotaController:
    """Counts what the quotas of a namespace limit, whenever something of it changes."""

    def __init__(self, caches: Caches) -> None:
        self._client, self._caches = caches.client, caches
        self._quotas = caches.of(RESOURCE_QUOTAS)
        self._queue: WorkQueue[Key] = WorkQueue("quota", self._sync, workers=1)
        self._quotas.listen(lambda update: self._queue.add(key_of(update.new)))
        for resource in {PODS, *BY_COUNT.values()} - {RESOURCE_QUOTAS}:
            if "watch" in resource.verbs and resource.namespaced and resource.plural != "events":
                caches.of(resource).listen(self._on_counted)

    async def run(self) -> None:
        """Works for ever."""
        await self._queue.run()

    def _on_counted(self, update: Update) -> None:
        for quota in self._quotas.all(update.new["metadata"].get("namespace", "")):
            self._queue.add(key_of(quota))

    async def _sync(self, key: Key) -> None:
        quota = self._quotas.get(*key)
        if quota is None:
            return
        hard = quota.get("spec", {}).get("hard") or {}
        used = {limit: written(limit, self._used(key.namespace, limit)) for limit in hard}
        status = {"hard": hard, "used": used}
        if status != quota.get("status"):
            await self._client.update(f"{RESOURCE_QUOTAS.path(*key)}/status", {**quota, "status": status})

    def _used(self, namespace: str, limit: str) -> float:
        resource = BY_COUNT.get(limit, PODS)
        return sum(usage_of(limit, resource, obj) for obj in self._caches.of(resource).all(namespace))
