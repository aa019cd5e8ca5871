"""Statuses and events of pods -> requests to the API, in order; of a pod's statuses only the newest is sent.

Source: pkg/kubelet/status/status_manager.go (one sender, newest version per pod, strategic merge patch), and
client-go's tools/record (the same event again raises `count`).
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import aiohttp
import anyio

from harness.sandbox.apiclient import ApiClient, ApiError, PatchType
from harness.sandbox.kubelet.status import api_time

if TYPE_CHECKING:
    from harness.sandbox.kubelet.records import Object

_SEND_AGAIN_AFTER_S = 0.2


@dataclass(slots=True)
class _Queue:
    items: dict[str, Object] = field(default_factory=dict)
    news: anyio.Event = field(default_factory=anyio.Event)


class Outbox:
    """Sends what a kubelet has to tell, without keeping the kubelet waiting."""

    def __init__(self, client: ApiClient, node: str) -> None:
        self._client, self._node = client, node
        self._statuses = _Queue()
        self._events: list[tuple[Object, str, str, str, str]] = []
        self._event_news = anyio.Event()
        self._known: dict[tuple[str, ...], Object] = {}
        self._sent: dict[str, Object] = {}
        self._idle = anyio.Event()

    def status(self, pod: Object, status: Object) -> None:
        """Puts a pod's status on its way; one that is the same as the last is not sent."""
        uid = pod["metadata"]["uid"]
        if self._sent.get(uid) != status or uid in self._statuses.items:
            self._statuses.items[uid] = {"pod": pod, "status": status}
            if self._idle.is_set():  # those who wait already must hear of it too
                self._idle = anyio.Event()
            self._statuses.news.set()

    async def flushed(self) -> None:
        """Returns when every status has been sent."""
        if self._statuses.items:
            await self._idle.wait()

    def event(
        self, pod: Object, kind: str, reason: str, message: str, container: str = "", *, init: bool = False
    ) -> None:
        """Puts an event about a pod, or one of its containers, on its way; `kind` is Normal or Warning."""
        path = f"spec.{'initContainers' if init else 'containers'}{{{container}}}" if container else ""
        self._events.append((pod, kind, reason, message, path))
        self._event_news.set()

    def forget(self, uid: str) -> None:
        """Forgets a pod that is gone."""
        self._sent.pop(uid, None)
        self._statuses.items.pop(uid, None)
        self._known = {key: event for key, event in self._known.items() if key[0] != uid}

    async def send_statuses(self) -> None:
        """Sends statuses for ever."""
        while True:
            await self._statuses.news.wait()
            self._statuses.news = anyio.Event()
            while self._statuses.items:
                uid, item = next(iter(self._statuses.items.items()))
                sent = await self._send_status(item["pod"], item["status"])
                if sent and self._statuses.items.get(uid) is item:
                    del self._statuses.items[uid]
            self._idle.set()

    async def send_events(self) -> None:
        """Sends events for ever."""
        while True:
            await self._event_news.wait()
            self._event_news = anyio.Event()
            while self._events:
                await self._send_event(*self._events.pop(0))

    async def _send_status(self, pod: Object, status: Object) -> bool:
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
        patch = {"metadata": {"uid": metadata["uid"]}, "status": _cleared(status)}
        try:
            await self._client.patch(path, patch, PatchType.STRATEGIC)
        except ApiError as error:
            if error.status == 429 or error.status >= 500:
                await anyio.sleep(_SEND_AGAIN_AFTER_S)
                return False
            if error.status not in (404, 409):  # 404, 409: the pod is gone, or another one has its name
                print(f"the API refused the status of {path}: {error}", file=sys.stderr)
        except (aiohttp.ClientError, OSError, TimeoutError):
            await anyio.sleep(_SEND_AGAIN_AFTER_S)
            return False
        self._sent[metadata["uid"]] = status
        return True

    async def _send_event(self, pod: Object, kind: str, reason: str, message: str, path: str) -> None:
        metadata = pod["metadata"]
        key = (metadata["uid"], reason, message, path)
        now = datetime.now(UTC)
        collection = f"/api/v1/namespaces/{metadata['namespace']}/events"
        try:
            if key in self._known:
                known = self._known[key]
                again = {"count": known["count"] + 1, "lastTimestamp": api_time(now)}
                self._known[key] = await self._client.patch(f"{collection}/{known['metadata']['name']}", again)
            else:
                event = _event(pod, kind, reason, message, path, self._node, now)
                self._known[key] = await self._client.create(collection, event)
        except (ApiError, aiohttp.ClientError, OSError, TimeoutError):
            self._known.pop(key, None)  # events are told once: the API may be away, the namespace may be gone


def _cleared(status: Object) -> Object:
    """The status as a strategic merge patch, in which a condition's reason and message can vanish."""
    conditions = [{"reason": None, "message": None, **condition} for condition in status["conditions"]]
    return {**status, "conditions": conditions}


def _event(pod: Object, kind: str, reason: str, message: str, path: str, node: str, now: datetime) -> Object:
    metadata = pod["metadata"]
    involved = {"apiVersion": "v1", "kind": "Pod", **{k: metadata[k] for k in ("name", "namespace", "uid")}}
    involved["resourceVersion"] = metadata.get("resourceVersion", "")
    if path:
        involved["fieldPath"] = path
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name']}.{time.time_ns():x}", "namespace": metadata["namespace"]},
        "involvedObject": involved,
        "reason": reason,
        "message": message,
        "source": {"component": "kubelet", "host": node},
        "firstTimestamp": api_time(now),
        "lastTimestamp": api_time(now),
        "count": 1,
        "type": kind,
        "reportingComponent": "kubelet",
        "reportingInstance": node,
    }
