"""Pods without a node -> bound to the node that fits and has the fewest of their kind.

A small kube-scheduler: readiness, cordons, nodeSelector and NoSchedule taints count; resources and affinities do not.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ApiError, ChangeType, PatchType
from harness.sandbox.apiserver.clock import rfc3339
from harness.sandbox.apiserver.resources import NODES, PODS
from harness.sandbox.controllers.caches import Key, key_of
from harness.sandbox.controllers.eventrecorder import EventRecorder
from harness.sandbox.controllers.owners import controller_of
from harness.sandbox.controllers.pods import condition, is_active
from harness.sandbox.controllers.workqueue import WorkQueue, side_by_side

if TYPE_CHECKING:
    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.caches import Caches, Update

_NAME = "default-scheduler"
_REPELLING = ("NoSchedule", "NoExecute")


class Scheduler:
    """Binds pods, one at a time, in the order in which they came."""

    def __init__(self, caches: Caches) -> None:
        self._client = caches.client
        self._pods, self._nodes = caches.of(PODS), caches.of(NODES)
        self._events = EventRecorder(caches.client, _NAME, modern=True)
        self._queue: WorkQueue[Key] = WorkQueue("scheduler", self._sync, workers=1)
        self._assumed: dict[str, str] = {}
        self._pods.listen(self._on_pod)
        self._nodes.listen(self._on_node)

    async def run(self) -> None:
        """Works for ever."""
        await side_by_side(self._events.run(), self._queue.run())

    def _on_pod(self, update: Update) -> None:
        uid = update.new["metadata"]["uid"]
        if update.type is ChangeType.DELETED or update.new["spec"].get("nodeName"):
            self._assumed.pop(uid, None)
        elif update.type is ChangeType.ADDED or update.old is None:
            self._queue.add(key_of(update.new))

    def _on_node(self, update: Update) -> None:
        """A node came, went, or changed what it takes: pods that wait are tried again."""
        if update.old is not None and _offer(update.old) == _offer(update.new):
            return
        for pod in self._pods.all():
            if not pod["spec"].get("nodeName"):
                self._queue.add(key_of(pod))

    async def _sync(self, key: Key) -> None:
        pod = self._pods.get(*key)
        if pod is None or not is_active(pod) or pod["spec"].get("nodeName"):
            return
        if pod["spec"].get("schedulerName", _NAME) != _NAME or pod["metadata"]["uid"] in self._assumed:
            return
        obstacles = {node["metadata"]["name"]: _obstacle(pod, node) for node in self._nodes.all()}
        fitting = [name for name, obstacle in obstacles.items() if obstacle is None]
        if not fitting:
            await self._tell_unschedulable(pod, [text for text in obstacles.values() if text is not None])
            return
        node = self._emptiest(pod, fitting)
        self._assumed[pod["metadata"]["uid"]] = node
        try:
            await self._bind(pod, node)
        except ApiError as error:
            self._assumed.pop(pod["metadata"]["uid"], None)
            if error.status not in (404, 409):
                raise
            return
        except BaseException:
            self._assumed.pop(pod["metadata"]["uid"], None)
            raise
        text = f"Successfully assigned {key.namespace}/{key.name} to {node}"
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

    async def _tell_unschedulable(self, pod: Object, obstacles: list[str]) -> None:
        listed = ", ".join(f"{count} {text}" for text, count in sorted(Counter(obstacles).items()))
        text = f"0/{len(obstacles)} nodes are available: {listed}." if obstacles else ""
        text = text or "no nodes available to schedule pods"
        present = condition(pod, "PodScheduled")
        if present is not None and present.get("message") == text:
            return
        self._events.warning(pod, "FailedScheduling", text, action="Scheduling")
        new = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": text}
        stamps = {"lastProbeTime": None, "lastTransitionTime": rfc3339(time.time())}
        metadata = pod["metadata"]
        path = f"{PODS.path(metadata['namespace'], metadata['name'])}/status"
        await self._client.patch(path, {"status": {"conditions": [{**new, **stamps}]}}, PatchType.STRATEGIC)

    def _emptiest(self, pod: Object, nodes: list[str]) -> str:
        """The node with the fewest pods of the same owner, then the fewest pods."""
        owner = (controller_of(pod) or {}).get("uid")
        same, every = Counter[str](), Counter[str]()
        for other in self._pods.all():
            uid = other["metadata"]["uid"]
            node = other["spec"].get("nodeName") or self._assumed.get(uid)
            if node is None or not is_active(other):
                continue
            every[node] += 1
            if owner is not None and (controller_of(other) or {}).get("uid") == owner:
                same[node] += 1
        return min(nodes, key=lambda node: (same[node], every[node], node))


def _offer(node: Object) -> tuple[object, ...]:
    spec = node.get("spec", {})
    ready = (condition(node, "Ready") or {}).get("status")
    return ready, spec.get("unschedulable"), spec.get("taints"), node["metadata"].get("labels")


def _obstacle(pod: Object, node: Object) -> str | None:
    """Why the node does not take the pod, in kube-scheduler's words; None where it does."""
    spec, metadata = node.get("spec", {}), node["metadata"]
    if (condition(node, "Ready") or {}).get("status") != "True":
        return "node(s) had untolerated taint {node.kubernetes.io/not-ready: }"
    if spec.get("unschedulable"):
        return "node(s) were unschedulable"
    wanted = (pod["spec"].get("nodeSelector") or {}).items()
    if not wanted <= (metadata.get("labels") or {}).items():
        return "node(s) didn't match Pod's node affinity/selector"
    for taint in spec.get("taints") or ():
        if taint.get("effect") in _REPELLING and not _tolerated(pod, taint):
            return f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"
    return None


def _tolerated(pod: Object, taint: Object) -> bool:
    return any(
        item.get("effect") in (None, "", taint.get("effect"))
        and (item.get("key") or taint["key"]) == taint["key"]
        and (item.get("operator") == "Exists" or (item.get("value") or "") == (taint.get("value") or ""))
        for item in pod["spec"].get("tolerations") or ()
    )
