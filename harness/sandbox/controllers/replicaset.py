"""ReplicaSets and their pods -> pods created or deleted until there are as many as wanted, and the status.

Source: kubernetes `pkg/controller/replicaset`.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ApiError
from harness.sandbox.apiserver.clock import rfc3339
from harness.sandbox.apiserver.resources import PODS, REPLICA_SETS
from harness.sandbox.controllers import pods as podwise
from harness.sandbox.controllers.caches import Key, key_of
from harness.sandbox.controllers.eventrecorder import EventRecorder
from harness.sandbox.controllers.expectations import Expectations
from harness.sandbox.controllers.owners import claim, controller_of, on_pod
from harness.sandbox.controllers.podcontrol import PodControl
from harness.sandbox.controllers.workqueue import WorkQueue, side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.caches import Caches

_MOST_AT_ONCE = 500


class ReplicaSetController:
    """Keeps as many active pods as each ReplicaSet wants."""

    def __init__(self, caches: Caches) -> None:
        self._client = caches.client
        self._sets, self._pods = caches.of(REPLICA_SETS), caches.of(PODS)
        self._events = EventRecorder(caches.client, "replicaset-controller")
        self._control = PodControl(caches.client, self._events)
        self._expected = Expectations()
        self._queue: WorkQueue[Key] = WorkQueue("replicaset", self._sync)
        self._sets.listen(lambda update: self._queue.add(key_of(update.new)))
        self._pods.listen(lambda update: on_pod(update, self._sets, self._expected, self._queue))

    async def run(self) -> None:
        """Works for ever."""
        await side_by_side(self._events.run(), self._queue.run())

    async def _sync(self, key: Key) -> None:
        replica_set = self._sets.get(*key)
        if replica_set is None:
            self._expected.forget(key)
            return
        satisfied = self._expected.satisfied(key)
        candidates = [pod for pod in self._pods.all(key.namespace) if not podwise.is_finished(pod)]
        owned = await claim(self._client, self._pods, replica_set, candidates)
        active = [pod for pod in owned if podwise.is_active(pod)]
        terminating = sum(1 for pod in owned if podwise.is_terminating(pod))
        failure: ApiError | None = None
        if satisfied and not podwise.is_terminating(replica_set):
            try:
                await self._manage(key, replica_set, active)
            except ApiError as error:
                failure = error
            except BaseException:
                self._expected.forget(key)  # what was done is not known: count again
                raise
        now_s = time.time()  # one moment for both: what is not available to the one, the other must look at again
        await self._write_status(replica_set, active, terminating, failure, now_s)
        self._check_later(key, replica_set, active, now_s)
        if failure is not None:
            raise failure

    def _check_later(self, key: Key, replica_set: Object, active: Iterable[Object], now_s: float) -> None:
        """A pod becomes available by time alone: look again at that moment."""
        min_ready_s = replica_set["spec"].get("minReadySeconds", 0)
        if not min_ready_s:
            return
        rests_s = [podwise.available_in_s(pod, min_ready_s, now_s) for pod in active]
        pending_s = [rest_s for rest_s in rests_s if rest_s is not None and rest_s > 0]
        if pending_s:
            self._queue.add_after(key, min(pending_s))

    async def _manage(self, key: Key, replica_set: Object, active: list[Object]) -> None:
        surplus = len(active) - replica_set["spec"]["replicas"]
        if surplus < 0:
            count = min(-surplus, _MOST_AT_ONCE)
            self._expected.expect_creations(key, count)
            template = replica_set["spec"]["template"]
            made, failure = await self._control.create_many(replica_set, template, count)
            for _ in range(count - made):
                self._expected.created(key)
            if failure is not None:
                raise failure
        elif surplus > 0:
            neighbours = self._neighbours(replica_set)
            doomed = podwise.in_deletion_order(active, neighbours, time.time())[: min(surplus, _MOST_AT_ONCE)]
            self._expected.expect_deletions(key, (pod["metadata"]["uid"] for pod in doomed))
            async with asyncio.TaskGroup() as group:
                for pod in doomed:
                    group.create_task(self._delete(key, replica_set, pod))

    async def _delete(self, key: Key, replica_set: Object, pod: Object) -> None:
        try:
            await self._control.delete(replica_set, pod)
        except ApiError:
            self._expected.deleted(key, pod["metadata"]["uid"])

    def _neighbours(self, replica_set: Object) -> Counter[str]:
        """Active pods by node, of all ReplicaSets with the same controller."""
        namespace, owner = replica_set["metadata"]["namespace"], controller_of(replica_set)
        related = {replica_set["metadata"]["uid"]}
        for other in self._sets.all(namespace):
            theirs = controller_of(other)
            if owner is not None and theirs is not None and theirs["uid"] == owner["uid"]:
                related.add(other["metadata"]["uid"])
        counts: Counter[str] = Counter()
        for pod in self._pods.all(namespace):
            theirs = controller_of(pod)
            if theirs is not None and theirs["uid"] in related and podwise.is_active(pod):
                counts[pod["spec"].get("nodeName", "")] += 1
        return counts

    async def _write_status(
        self, replica_set: Object, active: list[Object], terminating: int, failure: ApiError | None, now_s: float
    ) -> None:
        old = replica_set.get("status", {})
        new = _status(replica_set, active, terminating, failure, now_s)
        if new == old:
            return
        metadata = replica_set["metadata"]
        body = {**replica_set, "status": new}
        await self._client.update(REPLICA_SETS.path(metadata["namespace"], metadata["name"]) + "/status", body)


def _status(
    replica_set: Object, active: list[Object], terminating: int, failure: ApiError | None, now_s: float
) -> Object:
    spec = replica_set["spec"]
    wanted = (spec["template"].get("metadata") or {}).get("labels") or {}
    min_ready_s = spec.get("minReadySeconds", 0)
    labeled = sum(1 for pod in active if wanted.items() <= (pod["metadata"].get("labels") or {}).items())
    ready = [pod for pod in active if podwise.is_ready(pod)]
    available = [pod for pod in ready if podwise.is_available(pod, min_ready_s, now_s)] if min_ready_s else ready
    counts = {
        "replicas": len(active),
        "fullyLabeledReplicas": labeled,
        "readyReplicas": len(ready),
        "availableReplicas": len(available),
    }
    status = {key: value for key, value in counts.items() if value or key == "replicas"}
    status |= {"terminatingReplicas": terminating, "observedGeneration": replica_set["metadata"]["generation"]}
    conditions = _conditions(replica_set, len(active), failure, now_s)
    return status | ({"conditions": conditions} if conditions else {})


def _conditions(replica_set: Object, active: int, failure: ApiError | None, now_s: float) -> list[Object]:
    old = replica_set.get("status", {}).get("conditions", [])
    others = [item for item in old if item["type"] != "ReplicaFailure"]
    present = next((item for item in old if item["type"] == "ReplicaFailure"), None)
    if failure is None:
        return others
    if present is not None:
        return list(old)
    reason = "FailedCreate" if active < replica_set["spec"]["replicas"] else "FailedDelete"
    new = {"type": "ReplicaFailure", "status": "True", "lastTransitionTime": rfc3339(now_s)}
    return [*others, new | {"reason": reason, "message": failure.message}]
