"""Something that happened to an object -> an Event of it, counted up where it happened before.

Events are written in the order in which they were recorded, by one task, so that no controller waits for them. The same
event again within an hour raises its `count`, as client-go's correlator does. Source: client-go `tools/record`.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

from harness.sandbox.apiclient import ApiError, PatchType
from harness.sandbox.apiserver.clock import rfc3339, rfc3339_micro

if TYPE_CHECKING:
    from harness.sandbox.apiclient import ApiClient, Object

_REMEMBERED = 4096
_FORGOTTEN_AFTER_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Occurrence:
    about: Object
    type: str
    reason: str
    message: str
    action: str
    t_s: float

    @property
    def same(self) -> tuple[str, str, str, str, str]:
        field = str(self.about.get("fieldPath", ""))
        return str(self.about.get("uid")), field, self.type, self.reason, self.message


class EventRecorder:
    """Records events of one component; `run` writes them.

    `component` as in `kubectl describe`, such as deployment-controller; `host` for a node's kubelet. With `modern` the
    event has the shape of events.k8s.io (eventTime and action, no count), as the scheduler's have.
    """

    def __init__(self, client: ApiClient, component: str, *, host: str = "", modern: bool = False) -> None:
        self._client, self._component, self._host, self._modern = client, component, host, modern
        self._queue: asyncio.Queue[_Occurrence] = asyncio.Queue()
        self._known: dict[tuple[str, ...], tuple[str, int, float]] = {}

    def normal(self, obj: Object, reason: str, message: str, *, field_path: str = "", action: str = "") -> None:
        """Records an event of type Normal about `obj`."""
        self._record(obj, "Normal", reason, message, field_path, action)

    def warning(self, obj: Object, reason: str, message: str, *, field_path: str = "", action: str = "") -> None:
        """Records an event of type Warning about `obj`."""
        self._record(obj, "Warning", reason, message, field_path, action)

    async def run(self) -> None:
        """Writes events for ever; one that the server refuses is lost, as in the real thing."""
        while True:
            occurrence = await self._queue.get()
            try:
                await self._write(occurrence)
            except (ApiError, aiohttp.ClientError, OSError, TimeoutError):
                self._known.pop(occurrence.same, None)

    def _record(self, obj: Object, kind: str, reason: str, message: str, field_path: str, action: str) -> None:
        metadata = obj["metadata"]
        about = {
            "kind": obj["kind"],
            "namespace": metadata.get("namespace", ""),
            "name": metadata["name"],
            "uid": metadata["uid"],
            "apiVersion": obj["apiVersion"],
            "resourceVersion": metadata.get("resourceVersion", ""),
        }
        if field_path:
            about["fieldPath"] = field_path
        occurrence = _Occurrence(
            about={key: value for key, value in about.items() if value},
            type=kind,
            reason=reason,
            message=message,
            action=action,
            t_s=time.time(),
        )
        self._queue.put_nowait(occurrence)

    async def _write(self, occurrence: _Occurrence) -> None:
        known = self._known.get(occurrence.same)
        if known is not None and occurrence.t_s - known[2] < _FORGOTTEN_AFTER_S and not self._modern:
            path, count, _ = known
            body: Object = {"count": count + 1, "lastTimestamp": rfc3339(occurrence.t_s)}
            await self._client.patch(path, body, PatchType.STRATEGIC)
            self._known[occurrence.same] = (path, count + 1, occurrence.t_s)
            return
        namespace = occurrence.about.get("namespace", "default")
        event = self._event(occurrence, namespace)
        await self._client.create(f"/api/v1/namespaces/{namespace}/events", event)
        if len(self._known) >= _REMEMBERED:
            self._known.pop(next(iter(self._known)))
        path = f"/api/v1/namespaces/{namespace}/events/{event['metadata']['name']}"
        self._known[occurrence.same] = (path, 1, occurrence.t_s)

    def _event(self, occurrence: _Occurrence, namespace: str) -> Object:
        name = f"{occurrence.about['name']}.{time.time_ns():x}"
        event: Object = {
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": occurrence.about,
            "reason": occurrence.reason,
            "message": occurrence.message,
        }
        if self._modern:
            event |= {"source": {}, "firstTimestamp": None, "lastTimestamp": None, "type": occurrence.type}
            event |= {"eventTime": rfc3339_micro(occurrence.t_s), "action": occurrence.action}
            event |= {"reportingComponent": self._component, "reportingInstance": f"{self._component}-sandbox"}
            return event
        stamp = rfc3339(occurrence.t_s)
        source = {"component": self._component} | ({"host": self._host} if self._host else {})
        event |= {"source": source, "firstTimestamp": stamp, "lastTimestamp": stamp, "count": 1}
        event |= {"type": occurrence.type, "eventTime": None, "reportingComponent": self._component}
        return event | {"reportingInstance": self._host}
