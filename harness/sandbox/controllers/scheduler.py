"""Pods without a node -> bound to the node that fits and has the fewest of their kind, or told why none does.

A small kube-scheduler: what keeps a pod from a node is in `nodefit`; preferences do not count. For a pod that found no
room pods of lower priority leave a node where that helps (`preemption`); it is tried again whenever room is made, and
what was made for it is nobody's of lower priority.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ApiError, ChangeType, PatchType
from harness.sandbox.apiserver.clock import rfc3339
from harness.sandbox.apiserver.resources import BUDGETS, NAMESPACES, NODES, PODS
from harness.sandbox.controllers.caches import Key, key_of
from harness.sandbox.controllers.eventrecorder import EventRecorder
from harness.sandbox.controllers.nodefit import obstacle, unschedulable
from harness.sandbox.controllers.nodeinfo import NodeInfo, NodeInfos
from harness.sandbox.controllers.owners import controller_of
from harness.sandbox.controllers.podaffinity import required_terms
from harness.sandbox.controllers.pods import condition, is_active, is_finished, is_terminating
from harness.sandbox.controllers.preemption import preemption, priority, waits_for_room
from harness.sandbox.controllers.spreading import hard_constraints
from harness.sandbox.controllers.surroundings import Surroundings, labels_of
from harness.sandbox.controllers.workqueue import WorkQueue, side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.caches import Caches, Update
    from harness.sandbox.controllers.nodefit import Obstacle

_NAME = "default-scheduler"
_DISRUPTION = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "PreemptionByScheduler",
    "message": f"{_NAME}: preempting to accommodate a higher priority pod",
}


class Scheduler:
    """Binds pods, one at a time, in the order in which they came."""

    def __init__(self, caches: Caches) -> None:
        self._client = caches.client
        self._pods, self._nodes, self._namespaces = caches.of(PODS), caches.of(NODES), caches.of(NAMESPACES)
        self._events = EventRecorder(caches.client, _NAME, modern=True)
        self._queue: WorkQueue[Key] = WorkQueue("scheduler", self._sync, workers=1)
        self._infos = NodeInfos()
        self._waiting: dict[
            Key, int
        ] = {}  # those that no node took, in the order in which they came, and how they rank
        self._nominated: dict[str, tuple[Object, str]] = {}  # by uid: pods for which a node was cleared, and which
        self._budgets = caches.of(BUDGETS)
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
            self._forget(key, uid)
            if had_place:
                self._try_again()
        elif node:
            self._infos.put(pod, node)
            self._forget(key, uid)
            if update.old is None or not update.old["spec"].get("nodeName"):
                self._try_again(_waits_for_company)
        elif update.old is None or update.old["spec"] != pod["spec"]:
            self._queue.add(key)

    def _on_node(self, update: Update) -> None:
        """A node came, went, or changed what it takes: pods that wait are tried again."""
        if update.old is None or _offer(update.old) != _offer(update.new):
            self._try_again()

    def _forget(self, key: Key, uid: str) -> None:
        self._waiting.pop(key, None)
        self._nominated.pop(uid, None)

    def _try_again(self, which: Callable[[Object], bool] = lambda _: True) -> None:
        """Those of the highest priority first."""
        for key in sorted(self._waiting, key=lambda key: -self._waiting[key]):
            if (pod := self._pods.get(*key)) is not None and which(pod):
                self._queue.add(key)

    async def _sync(self, key: Key) -> None:
        pod = self._pods.get(*key)
        if pod is None or not is_active(pod) or pod["spec"].get("nodeName") or pod["spec"].get("schedulingGates"):
            return
        if pod["spec"].get("schedulerName", _NAME) != _NAME or self._infos.has(pod["metadata"]["uid"]):
            return
        nodes = {node["metadata"]["name"]: node for node in self._nodes.all()}
        around = Surroundings(
            nodes,
            {name: self._info(pod, name) for name in nodes},
            {each["metadata"]["name"]: labels_of(each) for each in self._namespaces.all()},
        )
        obstacles = {name: obstacle(pod, node, around) for name, node in nodes.items()}
        if fitting := [name for name, found in obstacles.items() if found is None]:
            await self._place(pod, self._emptiest(pod, fitting))
            return
        self._waiting[key] = priority(pod)
        hopeful = [name for name, found in obstacles.items() if found and not found.lasting]
        await self._make_room(pod, [found for found in obstacles.values() if found], hopeful, around)

    def _info(self, pod: Object, node: str) -> NodeInfo:
        """What the node has, and what it will have: pods of the same or a higher priority for which it was cleared."""
        info, uid = self._infos.of(node), pod["metadata"]["uid"]
        coming = [
            other
            for key, (other, cleared) in self._nominated.items()
            if cleared == node and key != uid and priority(other) >= priority(pod)
        ]
        return NodeInfo.of((*info.pods.values(), *coming)) if coming else info

    async def _make_room(
        self, pod: Object, obstacles: list[Obstacle], hopeful: list[str], around: Surroundings
    ) -> None:
        """Clears the node where it does the least harm, if any, and tells why the pod must wait."""
        waits = waits_for_room(pod, around.infos)
        may = not waits and pod["spec"].get("preemptionPolicy") != "Never"
        found = preemption(pod, hopeful, around, self._budgets.all()) if may else None
        text = unschedulable(pod, obstacles, waits=waits, preempts=found is not None)
        if found is None:
            await self._tell_unschedulable(pod, text)
            return
        self._nominated[pod["metadata"]["uid"]] = (pod, found.node)
        await self._tell_unschedulable(pod, text, nominated=found.node)
        for victim in found.victims:
            await self._preempt(pod, victim, found.node)

    async def _preempt(self, pod: Object, victim: Object, node: str) -> None:
        if is_terminating(victim):
            return
        path = PODS.path(*key_of(victim))
        told = {**_DISRUPTION, "lastTransitionTime": rfc3339(time.time())}
        try:
            patch = {"metadata": {"uid": victim["metadata"]["uid"]}, "status": {"conditions": [told]}}
            await self._client.patch(f"{path}/status", patch, PatchType.STRATEGIC)
            await self._client.delete(path, uid=victim["metadata"]["uid"])
        except ApiError as error:
            if error.status not in (404, 409):
                raise
            return
        text = f"Preempted by pod {pod['metadata']['uid']} on node {node}"
        self._events.normal(victim, "Preempted", text, action="Preempting")

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

    async def _tell_unschedulable(self, pod: Object, text: str, *, nominated: str = "") -> None:
        present = condition(pod, "PodScheduled") or {}
        if present.get("message") == text and not nominated:
            return
        self._events.warning(pod, "FailedScheduling", text, action="Scheduling")
        since = present["lastTransitionTime"] if present.get("status") == "False" else rfc3339(time.time())
        new = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": text}
        stamps = {"lastProbeTime": None, "lastTransitionTime": since}
        metadata = pod["metadata"]
        path = f"{PODS.path(metadata['namespace'], metadata['name'])}/status"
        status: Object = {"conditions": [{**new, **stamps}]} | ({"nominatedNodeName": nominated} if nominated else {})
        await self._client.patch(path, {"status": status}, PatchType.STRATEGIC)

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


def _waits_for_company(pod: Object) -> bool:
    """Whether one pod more on a node may be what lets this one in."""
    return bool(required_terms(pod, "podAffinity") or hard_constraints(pod))


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
