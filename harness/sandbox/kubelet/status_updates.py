"""Statuses of pods -> patches of the API's objects, in order; of a running pod's statuses only the newest is sent.

Source: pkg/kubelet/status/status_manager.go (one sender, newest version per pod, strategic merge patch). The steps of a
pod's start are all sent, however busy the machine is: a real node takes so long for each that none was ever passed over
in the recordings.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
import anyio

from harness.sandbox.apiclient import ApiClient, ApiError, PatchType

if TYPE_CHECKING:
    from harness.sandbox.kubelet.records import Object

_SEND_AGAIN_AFTER_S = 0.2


@dataclass(frozen=True, slots=True)
class _Update:
    pod: Object
    status: Object


class StatusUpdates:
    """Sends what a kubelet has to tell of its pods, without keeping the kubelet waiting."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._updates: dict[str, list[_Update]] = {}
        self._news = anyio.Event()
        self._sent: dict[str, Object] = {}
        self._idle = anyio.Event()

    def put(self, pod: Object, status: Object) -> None:
        """Puts a pod's status on its way; one that is the same as the last is not sent."""
        uid = pod["metadata"]["uid"]
        waiting = self._updates.get(uid)
        if waiting is None:
            if self._sent.get(uid) == status:
                return
            waiting = self._updates[uid] = []
        if waiting and not _is_step(waiting[-1].status, status):
            waiting.pop()
        waiting.append(_Update(pod, status))
        if self._idle.is_set():  # those who wait already must hear of it too
            self._idle = anyio.Event()
        self._news.set()

    async def flushed(self) -> None:
        """Returns when every status has been sent."""
        if self._updates:
            await self._idle.wait()

    def forget(self, uid: str) -> None:
        """Forgets a pod that is gone."""
        self._sent.pop(uid, None)
        self._updates.pop(uid, None)

    async def send(self) -> None:
        """Sends statuses for ever."""
        while True:
            await self._news.wait()
            self._news = anyio.Event()
            while self._updates:
                uid, (update, *_) = next(iter(self._updates.items()))
                if await self._send_one(update.pod, update.status):
                    self._take_away(uid, update)
            self._idle.set()

    def _take_away(self, uid: str, update: _Update) -> None:
        """Takes a sent status away, unless a newer one has its place; a pod that has more to tell waits its turn."""
        waiting = self._updates.pop(uid, [])
        if waiting and waiting[0] is update:
            waiting = waiting[1:]
        if waiting:
            self._updates[uid] = waiting

    async def _send_one(self, pod: Object, status: Object) -> bool:
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
