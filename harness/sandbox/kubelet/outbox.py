"""Statuses and events of pods -> requests to the API, in order; of a running pod's statuses only the newest is sent.

Source: pkg/kubelet/status/status_manager.go (one sender, newest version per pod, strategic merge patch), and
client-go's tools/record (the same event again raises `count`). The steps of a pod's start are all sent, however busy
the machine is: a real node takes so long for each that none was ever passed over in the recordings.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import aiohttp
import anyio

from harness.sandbox.apiclient import ApiClient, ApiError, PatchType
from harness.sandbox.kubelet.status import api_time

if TYPE_CHECKING:
    from harness.sandbox.kubelet.records import Object

_SEND_AGAIN_AFTER_S = 0.2


@dataclass(frozen=True, slots=True)
class _Letter:
    pod: Object
    status: Object


class Outbox:
    """Sends what a kubelet has to tell, without keeping the kubelet waiting."""

    def __init__(self, client: ApiClient, node: str) -> None:
        self._client, self._node = client, node
        self._letters: dict[str, list[_Letter]] = {}
        self._status_news = anyio.Event()
        self._events: list[tuple[Object, str, str, str, str]] = []
        self._event_news = anyio.Event()
        self._known: dict[tuple[str, ...], Object] = {}
        self._sent: dict[str, Object] = {}
        self._idle = anyio.Event()

    def status(self, pod: Object, status: Object) -> None:
        """Puts a pod's status on its way; one that is the same as the last is not sent."""
        uid = pod["metadata"]["uid"]
        waiting = self._letters.get(uid)
        if waiting is None:
            if self._sent.get(uid) == status:
                return
            waiting = self._letters[uid] = []
        if waiting and not _is_step(waiting[-1].status, status):
            waiting.pop()
        waiting.append(_Letter(pod, status))
        if self._idle.is_set():  # those who wait already must hear of it too
            self._idle = anyio.Event()
        self._status_news.set()

    async def flushed(self) -> None:
        """Returns when every status has been sent."""
        if self._letters:
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
        self._letters.pop(uid, None)
        self._known = {key: event for key, event in self._known.items() if key[0] != uid}

    async def send_statuses(self) -> None:
        """Sends statuses for ever."""
        while True:
            await self._status_news.wait()
            self._status_news = anyio.Event()
            while self._letters:
                uid, (letter, *_) = next(iter(self._letters.items()))
                if await self._send_status(letter.pod, letter.status):
                    self._take_away(uid, letter)
            self._idle.set()

    async def send_events(self) -> None:
        """Sends events for ever."""
        while True:
            await self._event_news.wait()
            self._event_news = anyio.Event()
            while self._events:
                await self._send_event(*self._events.pop(0))

    def _take_away(self, uid: str, letter: _Letter) -> None:
        """Takes a sent status away, unless a newer one has its place; a pod that has more to tell waits its turn."""
        waiting = self._letters.pop(uid, [])
        if waiting and waiting[0] is letter:
            waiting = waiting[1:]
        if waiting:
            self._letters[uid] = waiting

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


def _is_step(older: Object, newer: Object) -> bool:
    """Whether a pod came a step nearer to running: its sandbox stands, or its containers run."""

    def reached(status: Object) -> tuple[str, list[str]]:
        sandbox = [c["status"] for c in status["conditions"] if c["type"] == "PodReadyToStartContainers"]
        return status["phase"], sandbox

    return bool(older["phase"] == "Pending" and reached(older) != reached(newer))


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
