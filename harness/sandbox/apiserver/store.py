"""Objects in memory, one rising resourceVersion, and the recent past as events for those who watch.

Every change gives one event to each subscriber whose namespace and selector it concerns. A subscriber that does not
read is dropped when its queue is full, so it can neither grow the memory nor hold up the others. The past of each
resource is kept for `history` events; a watch from further back gets 410 Gone and lists anew.
Stored objects and their bytes are shared and never changed: `Stored.copy()` gives one that may be.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver import api_errors, selectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.sandbox.apiserver.resources import Resource
    from harness.sandbox.apiserver.selectors import Selector, View

Object = dict[str, Any]
Key = tuple[str, str]

HISTORY = 1000
QUEUE = 2000


@dataclass(frozen=True, slots=True)
class Stored:
    """One state of one object: its JSON, its version, what selectors see of it, and where its bare body begins."""

    obj: Object
    raw: bytes
    version: int
    view: View
    body_at: int
    resource: Resource

    def copy(self) -> Object:
        """The object as a dictionary that may be changed."""
        obj: Object = json.loads(self.raw)
        return obj

    @property
    def bare(self) -> bytes:
        """The JSON without kind and apiVersion, as lists carry their items."""
        return b"{" + self.raw[self.body_at :]


@dataclass(frozen=True, slots=True)
class Event:
    """One change: `before` is None where the object is new, `now` its last state where it was deleted."""

    version: int
    type: str
    now: Stored
    before: Stored | None

    def line_for(self, selector: Selector) -> tuple[str, Stored] | None:
        """What a watch with this selector is told: leaving the selection is a DELETED with the state before."""
        if selector.everything:
            return self.type, self.now
        was = self.before is not None and selector.matches(self.before.view)
        if self.type == "DELETED":
            return ("DELETED", self.now) if was else None
        if selector.matches(self.now.view):
            return ("MODIFIED" if was else "ADDED"), self.now
        if not was or self.before is None:
            return None
        return "DELETED", _at_version(self.before, self.version)


@dataclass(slots=True, eq=False)
class Subscription:
    """The queue of one watch. `dropped` once it was full: what follows is lost to it, so the watch must end.

    `ended`: the server ends it in good order.
    """

    resource: Resource
    namespace: str
    selector: Selector
    queue: deque[tuple[str, Stored]] = field(default_factory=deque)
    dropped: bool = False
    ended: bool = False
    limit: int = 0
    on_drop: Callable[[], None] | None = None
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, event: Event) -> None:
        """Queues what the event means to this watch."""
        if self.namespace and event.now.obj["metadata"].get("namespace") != self.namespace:
            return
        line = event.line_for(self.selector)
        if line is None or self.dropped:
            return
        if len(self.queue) >= self.limit:
            self.queue.clear()
            self.dropped = True
            if self.on_drop is not None:
                self.on_drop()
        else:
            self.queue.append(line)
        self._wake.set()

    def end(self) -> None:
        """What is queued already is still told; then the watch ends."""
        self.ended = True
        self._wake.set()

    async def wait(self) -> None:
        """Returns when there is something in the queue, or the watch was dropped."""
        if not self.queue and not self.dropped and not self.ended:
            self._wake.clear()
            await self._wake.wait()


@dataclass(slots=True)
class _Table:
    objects: dict[Key, Stored] = field(default_factory=dict)
    past: deque[Event] = field(default_factory=deque)
    forgotten: int = 0
    subscriptions: set[Subscription] = field(default_factory=set)
    listeners: list[Callable[[Event], None]] = field(default_factory=list)


class Store:
    """All objects of the cluster. Not for threads: every method runs to its end on the event loop."""

    def __init__(self, history: int = HISTORY) -> None:
        self.version = 1
        self._history = history
        self._tables: dict[tuple[str, str], _Table] = {}

    def get(self, resource: Resource, namespace: str, name: str) -> Stored | None:
        """The object's present state."""
        return self._table(resource).objects.get((namespace, name))

    def put(self, resource: Resource, obj: Object) -> Stored:
        """Stores `obj` under its name with the next resourceVersion, which is written into it."""
        metadata = obj["metadata"]
        key = (metadata.get("namespace", ""), metadata["name"])
        self.version += 1
        table, now = self._table(resource), freeze(resource, obj, self.version)
        before = table.objects.get(key)
        table.objects[key] = now
        self._publish(table, Event(self.version, "MODIFIED" if before else "ADDED", now, before))
        return now

    def remove(self, resource: Resource, namespace: str, name: str, last: Object | None = None) -> Stored:
        """Forgets the object; watches see its last state (or `last`) with the version of the deletion."""
        table = self._table(resource)
        before = table.objects.pop((namespace, name))
        self.version += 1
        now = freeze(resource, last or before.copy(), self.version)
        self._publish(table, Event(self.version, "DELETED", now, before))
        return now

    def items(
        self, resource: Resource, namespace: str = "", selector: Selector | None = None, *, at: int | None = None
    ) -> list[Stored]:
        """Objects in the order of their keys, as etcd lists them: present ones, or those as of version `at`."""
        objects = self._table(resource).objects if at is None else self._objects_at(resource, at)
        return [
            objects[key]
            for key in sorted(objects)
            if (not namespace or key[0] == namespace) and (selector is None or selector.matches(objects[key].view))
        ]

    def remembers(self, resource: Resource, version: int) -> bool:
        """Whether the objects can still be had as of this version."""
        return version >= self._table(resource).forgotten

    def _objects_at(self, resource: Resource, version: int) -> dict[Key, Stored]:
        """The present objects with everything undone that happened after a version that is remembered."""
        table = self._table(resource)
        objects = dict(table.objects)
        for event in reversed(list(self._since(table, version))):
            metadata = event.now.obj["metadata"]
            key = (metadata.get("namespace", ""), metadata["name"])
            if event.before is None:
                objects.pop(key, None)
            else:
                objects[key] = event.before
        return objects

    def subscribe(self, resource: Resource, namespace: str, selector: Selector, since: int | None) -> Subscription:
        """A watch from after version `since`; None begins with the present objects as ADDED.

        Raises: StatusError (410 Expired) where events after `since` were already forgotten.
        """
        table, subscription = self._table(resource), Subscription(resource, namespace, selector, limit=QUEUE)
        if since is None:
            subscription.queue.extend(("ADDED", stored) for stored in self.items(resource, namespace, selector))
            subscription.limit += len(subscription.queue)
        else:
            if since < table.forgotten:
                raise api_errors.expired(f"too old resource version: {since} ({table.forgotten})")
            for event in self._since(table, since):
                subscription.offer(event)
        table.subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Ends a watch."""
        self._table(subscription.resource).subscriptions.discard(subscription)

    def end_watches(self, resource: Resource) -> None:
        """Ends all watches of a resource, as when its definition changes: who watches asks anew."""
        for subscription in self._table(resource).subscriptions:
            subscription.end()

    def listen(self, resource: Resource, listener: Callable[[Event], None]) -> None:
        """Calls `listener` with every change of a resource, within the change; it may change more."""
        self._table(resource).listeners.append(listener)

    def compact(self) -> None:
        """Forgets the past: watches that run go on, new ones from before now get 410 Gone."""
        for table in self._tables.values():
            table.past.clear()
            table.forgotten = self.version

    def _table(self, resource: Resource) -> _Table:
        table = self._tables.get(resource.place)
        if table is None:
            table = self._tables[resource.place] = _Table()
        return table

    def _publish(self, table: _Table, event: Event) -> None:
        table.past.append(event)
        if len(table.past) > self._history:
            table.forgotten = table.past.popleft().version
        for subscription in table.subscriptions:
            subscription.offer(event)
        for listener in table.listeners:
            listener(event)

    @staticmethod
    def _since(table: _Table, version: int) -> Iterator[Event]:
        newer = []
        for event in reversed(table.past):
            if event.version <= version:
                break
            newer.append(event)
        return reversed(newer)


def freeze(resource: Resource, obj: Object, version: int) -> Stored:
    """`obj` as it will be sent, with kind and apiVersion first and its resourceVersion set; 0: it was never stored."""
    if version:
        obj["metadata"]["resourceVersion"] = str(version)
    head = {"kind": resource.kind, "apiVersion": resource.api_version}
    whole = {**head, **obj, **head}
    raw = json.dumps(whole, separators=(",", ":")).encode()
    body_at = len(json.dumps(head, separators=(",", ":")))
    return Stored(whole, raw, version, selectors.view(resource, whole), body_at, resource)


def _at_version(stored: Stored, version: int) -> Stored:
    obj = stored.copy()
    obj["metadata"]["resourceVersion"] = str(version)
    raw = json.dumps(obj, separators=(",", ":")).encode()
    return Stored(obj, raw, version, stored.view, stored.body_at, stored.resource)
