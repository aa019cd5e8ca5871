"""The API's watches -> one shared cache a resource, with listeners that are told of every change.

All controllers of a process share the caches, as they share informers in kube-controller-manager. Cached objects are
never changed: `copied` gives one that may be.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.sandbox.apiclient import ChangeType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.sandbox.apiclient import ApiClient, Object
    from harness.sandbox.apiserver.resources import Resource

    Listener = Callable[["Update"], None]


class Key(NamedTuple):
    """An object's namespace (empty for a cluster-wide kind) and name."""

    namespace: str
    name: str


class Update(NamedTuple):
    """One change of an object: `old` is None where it is new; for a deletion `new` is its last state."""

    type: ChangeType
    new: Object
    old: Object | None


class Cache:
    """The objects of one resource, as the watch last showed them."""

    def __init__(self, client: ApiClient, resource: Resource) -> None:
        self.resource = resource
        self.synced = asyncio.Event()
        self._informer = client.informer(resource.collection())
        self._by_key: dict[Key, Object] = {}
        self._by_namespace: dict[str, dict[str, Object]] = {}
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Calls `listener` with every change from now on; it must not wait."""
        self._listeners.append(listener)

    def get(self, namespace: str, name: str) -> Object | None:
        """The object under this name."""
        return self._by_key.get(Key(namespace, name))

    def by_uid(self, uid: str) -> Object | None:
        """The object with this uid."""
        return self._informer.objects.get(uid)

    def all(self, namespace: str | None = None) -> list[Object]:
        """The objects of a namespace, or of all."""
        if namespace is None:
            return list(self._by_key.values())
        return list(self._by_namespace.get(namespace, {}).values())

    async def run(self) -> None:
        """Follows the watch for ever."""
        async for kind, obj in self._informer:
            if kind is ChangeType.SYNCED:
                self.synced.set()
                continue
            key = key_of(obj)
            old = self._by_key.get(key)
            if kind is ChangeType.DELETED:
                if old is not None and old["metadata"]["uid"] == obj["metadata"]["uid"]:
                    del self._by_key[key]
                    self._by_namespace[key.namespace].pop(obj["metadata"]["uid"])
            else:
                self._by_key[key] = obj
                self._by_namespace.setdefault(key.namespace, {})[obj["metadata"]["uid"]] = obj
            for listener in self._listeners:
                listener(Update(kind, obj, old))


class Caches:
    """The caches of a process, made when first asked for and run together."""

    def __init__(self, client: ApiClient) -> None:
        self.client = client
        self._caches: dict[Resource, Cache] = {}

    def of(self, resource: Resource) -> Cache:
        """The one cache of this resource; ask before `run`."""
        if resource not in self._caches:
            self._caches[resource] = Cache(self.client, resource)
        return self._caches[resource]

    def __iter__(self) -> Iterator[Cache]:
        return iter(self._caches.values())

    async def run(self) -> None:
        """Follows all watches for ever."""
        async with asyncio.TaskGroup() as group:
            for cache in self:
                group.create_task(cache.run(), name=f"cache of {cache.resource.plural}")

    async def wait_synced(self) -> None:
        """Returns when every cache has listed once."""
        for cache in self:
            await cache.synced.wait()


def key_of(obj: Object) -> Key:
    """The key of an object."""
    metadata = obj["metadata"]
    return Key(metadata.get("namespace", ""), metadata["name"])


def copied(obj: Object) -> Object:
    """A deep copy, to be changed: of JSON, so it need not remember what it has copied already, as `deepcopy` does."""
    return {key: _copied(value) for key, value in obj.items()}


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return copied(value)
    return [_copied(item) for item in value] if isinstance(value, list) else value
