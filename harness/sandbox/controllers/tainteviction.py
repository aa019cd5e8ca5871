"""NoExecute taints of nodes -> the pods that do not tolerate them deleted, at once or when their toleration is over.

Source: kubernetes `pkg/controller/tainteviction/taint_eviction.go`. A toleration counts from when the pod first had to
go; a taint that changes meanwhile can only bring its end nearer.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ApiError, ChangeType, PatchType
from harness.sandbox.apiserver.clock import rfc3339
from harness.sandbox.apiserver.resources import NODES, PODS
from harness.sandbox.controllers.caches import Key, key_of
from harness.sandbox.controllers.eventrecorder import EventRecorder
from harness.sandbox.controllers.pods import is_active
from harness.sandbox.controllers.taints import tolerated_for_s
from harness.sandbox.controllers.workqueue import WorkQueue, side_by_side

if TYPE_CHECKING:
    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.caches import Caches, Update

_DISRUPTION = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "DeletionByTaintManager",
    "message": "Taint manager: deleting due to NoExecute taint",
}


class TaintEvictionController:
    """Takes pods off the nodes whose NoExecute taints they do not tolerate, or not for ever."""

    def __init__(self, caches: Caches) -> None:
        self._client = caches.client
        self._pods, self._nodes = caches.of(PODS), caches.of(NODES)
        self._events = EventRecorder(caches.client, "taint-eviction-controller")
        self._queue: WorkQueue[Key] = WorkQueue("taint-eviction", self._sync)
        self._since: dict[str, float] = {}  # by uid: since when a toleration that will end holds the pod
        self._pods.listen(self._on_pod)
        self._nodes.listen(self._on_node)

    async def run(self) -> None:
        """Works for ever."""
        await side_by_side(self._events.run(), self._queue.run())

    def _on_pod(self, update: Update) -> None:
        if update.type is ChangeType.DELETED:
            self._since.pop(update.new["metadata"]["uid"], None)
        elif (update.old is None or _place(update.old) != _place(update.new)) and self._taints(update.new):
            self._queue.add(key_of(update.new))

    def _on_node(self, update: Update) -> None:
        if _no_execute(update.old) == _no_execute(update.new):
            return
        for pod in self._pods.all():
            if pod["spec"].get("nodeName") == update.new["metadata"]["name"]:
                self._queue.add(key_of(pod))

    async def _sync(self, key: Key) -> None:
        pod = self._pods.get(*key)
        if pod is None or not is_active(pod):
            return
        uid, taints, now = pod["metadata"]["uid"], self._taints(pod), time.monotonic()
        stays_s = tolerated_for_s(pod["spec"].get("tolerations") or (), taints) if taints else math.inf
        if stays_s == math.inf:
            if self._since.pop(uid, None) is not None:
                self._events.normal(pod, "TaintManagerEviction", f"Cancelling deletion of Pod {'/'.join(key)}")
            return
        left_s = self._since.setdefault(uid, now) + stays_s - now
        if left_s > 0:
            self._queue.add_after(key, left_s)
            return
        self._events.normal(pod, "TaintManagerEviction", f"Marking for deletion Pod {'/'.join(key)}")
        await self._evict(pod)
        self._since.pop(uid, None)

    async def _evict(self, pod: Object) -> None:
        metadata = pod["metadata"]
        path = PODS.path(metadata["namespace"], metadata["name"])
        told = {**_DISRUPTION, "lastTransitionTime": rfc3339(time.time())}
        try:
            patch = {"metadata": {"uid": metadata["uid"]}, "status": {"conditions": [told]}}
            await self._client.patch(f"{path}/status", patch, PatchType.STRATEGIC)
            await self._client.delete(path, uid=metadata["uid"])
        except ApiError as error:
            if error.status not in (404, 409):  # it is gone, or another pod has its name
                raise

    def _taints(self, pod: Object) -> list[Object]:
        """The NoExecute taints of the pod's node."""
        node = pod["spec"].get("nodeName")
        return _no_execute(self._nodes.get("", node) if node else None)


def _place(pod: Object) -> tuple[object, object]:
    return pod["spec"].get("nodeName"), pod["spec"].get("tolerations")


def _no_execute(node: Object | None) -> list[Object]:
    taints = ((node or {}).get("spec") or {}).get("taints") or ()
    return [taint for taint in taints if taint.get("effect") == "NoExecute"]
