"""Pods without a node -> bound to the node that fits and has the fewest of their kind, or told why none does.

A small kube-scheduler: what keeps a pod from a node is in `nodefit`; affinities between pods and topology spread do not
count, and no pod is evicted for another's sake. A pod that found no room is tried again whenever some is made.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ApiError, ChangeType, PatchType
from harness.sandbox.apiserver.clock import rfc3339
from harness.sandbox.apiserver.resources import NODES, PODS
from harness.sandbox.controllers.caches import Key, key_of
from harness.sandbox.controllers.eventrecorder import EventRecorder
from harness.sandbox.controllers.nodefit import obstacle, unschedulable
from harness.sandbox.controllers.nodeinfo import NodeInfos
from harness.sandbox.controllers.owners import controller_of
from harness.sandbox.controllers.pods import condition, is_active, is_finished
from harness.sandbox.controllers.workqueue import WorkQueue, side_by_side

if TYPE_CHECKING:
    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.caches import Caches, Update

_NAME = "default-scheduler"


class Scheduler:
    """Binds pods, one at a time, in the order in which they came."""

    def __init__(self, caches: Caches) -> None:
        self._client = caches.client
        self._pods, self._nodes = caches.of(PODS), caches.of(NODES)
        self._events = EventRecorder(caches.client, _NAME, modern=True)
        self._queue: WorkQueue[Key] = WorkQueue("scheduler", self._sync, workers=1)
        self._infos = NodeInfos()
        self._waiting: dict[Key, None] = {}  # those that no node took, in the order in which they came
        self._pods.listen(self._on_pod)
        self._nodes.listen(self._on_node)

    async def run(self) -> None:
        """Works for ever."""
        await side_by_side(self._events.run(), self._queue.run())

    def _on_pod(self, update: Update) -> None:
        pod = update.new
        key, uid, node = key_of(pod), pod["metadata"]["uid"], pod["spec"].get("nodeName")
        if update.type is ChangeType.DELETED or is_finished(pod):
            had_place = self._infos.has(uid)
            self._infos.remove(uid)
            self._waiting.pop(key, None)
            if had_place:
                self._try_again()
        elif node:
            self._infos.put(pod, node)
            self._waiting.pop(key, None)
        elif update.old is None or update.old["spec"] != pod["spec"]:
            self._queue.add(key)

    def _on_node(self, update: Update) -> None:
        """A node came, went, or changed what it takes: pods that wait are tried again."""
        if update.old is None or _offer(update.old) != _offer(update.new):
            self._try_again()

    def _try_again(self) -> None:
        for key in self._waiting:
            self._queue.add(key)

    async def _sync(self, key: Key) -> None:
        pod = self._pods.get(*key)
        if pod is None or not is_active(pod) or pod["spec"].get("nodeName") or pod["spec"].get("schedulingGates"):
            return
        if pod["spec"].get("schedulerName", _NAME) != _NAME or self._infos.has(pod["metadata"]["uid"]):
            return
        nodes = {node["metadata"]["name"]: node for node in self._nodes.all()}
        obstacles = {name: obstacle(pod, node, self._infos.of(name)) for name, node in nodes.items()}
        fitting = [name for name, found in obstacles.items() if found is None]
        if not fitting:
            self._waiting[key] = None
            await self._tell_unschedulable(pod, unschedulable(pod, [found for found in obstacles.values() if found]))
            return
        await self._place(pod, self._emptiest(pod, fitting))

    async def _place(self, pod: Object, node: str) -> None:
        metadata = pod["metadata"]
        self._infos.put(pod, node)  # already now: the next pod must not take the same room
        try:
            await self._bind(pod, node)
        except BaseException as error:
            self._infos.remove(metadata["uid"])
            if isinstance(error, ApiError) and error.status in (404, 409):
                return
            raise
        text = f"Successfully assigned {metadata['namespace']}/{metadata['name']} to {node}"
        self._events.normal(pod, "Scheduled", text, action="Binding")

    async def _bind(self, pod: Object, node: str) -> None:
        metadata = pod["metadata"]
        body = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {key: metadata[key] for key in ("name", "namespace", "uid")},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        await self._client.create(f"{PODS.path(metadata['namespace'], metadata['name'])}/binding", body)

    async def _tell_unschedulable(self, pod: Object, text: str) -> None:
        present = condition(pod, "PodScheduled") or {}
        if present.get("message") == text:
            return
        self._events.warning(pod, "FailedScheduling", text, action="Scheduling")
        since = present["lastTransitionTime"] if present.get("status") == "False" else rfc3339(time.time())
        new = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": text}
        stamps = {"lastProbeTime": None, "lastTransitionTime": since}
        metadata = pod["metadata"]
        path = f"{PODS.path(metadata['namespace'], metadata['name'])}/status"
        await self._client.patch(path, {"status": {"conditions": [{**new, **stamps}]}}, PatchType.STRATEGIC)

    def _emptiest(self, pod: Object, nodes: list[str]) -> str:
        """The node with the fewest pods of the same owner, then the fewest pods."""
        if len(nodes) == 1:
            return nodes[0]
        owner = (controller_of(pod) or {}).get("uid")

        def crowd(node: str) -> tuple[int, int, str]:
            there = [other for other in self._infos.of(node).pods.values() if is_active(other)]
            same = [other for other in there if owner and (controller_of(other) or {}).get("uid") == owner]
            return len(same), len(there), node

        return min(nodes, key=crowd)


def _offer(node: Object) -> tuple[object, ...]:
    spec, status = node.get("spec", {}), node.get("status", {})
    ready = (condition(node, "Ready") or {}).get("status")
    return (
        ready,
        spec.get("unschedulable"),
        spec.get("taints"),
        node["metadata"].get("labels"),
        status.get("allocatable"),
    )
