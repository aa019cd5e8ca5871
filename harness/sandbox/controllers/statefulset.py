"""StatefulSets and their pods -> pods with lasting names, made, replaced and deleted in order, and the status.

Volume claim templates are stored, not acted on. Source: kubernetes `pkg/controller/statefulset`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ApiError
from harness.sandbox.apiserver.resources import CLAIMS, CONTROLLER_REVISIONS, PODS, STATEFUL_SETS
from harness.sandbox.controllers import pods as podwise
from harness.sandbox.controllers import statefulsetstatus
from harness.sandbox.controllers.caches import Key, key_of
from harness.sandbox.controllers.controllerrevisions import ControllerRevisions
from harness.sandbox.controllers.eventrecorder import EventRecorder
from harness.sandbox.controllers.expectations import Expectations
from harness.sandbox.controllers.owners import claim, on_pod
from harness.sandbox.controllers.statefulsetsteps import (
    Situation,
    claims_of,
    next_step,
    ordinal_of,
    pod_of,
    revision_of,
)
from harness.sandbox.controllers.workqueue import WorkQueue, side_by_side

if TYPE_CHECKING:
    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.caches import Caches
    from harness.sandbox.controllers.statefulsetsteps import Step


class StatefulSetController:
    """Does one step of each StatefulSet at a time, and the next when that one has shown."""

    def __init__(self, caches: Caches) -> None:
        self._client = caches.client
        self._sets, self._pods = caches.of(STATEFUL_SETS), caches.of(PODS)
        self._revisions = ControllerRevisions(caches.client, caches.of(CONTROLLER_REVISIONS))
        self._events = EventRecorder(caches.client, "statefulset-controller")
        self._expected = Expectations()
        self._queue: WorkQueue[Key] = WorkQueue("statefulset", self._sync)
        self._sets.listen(lambda update: self._queue.add(key_of(update.new)))
        self._pods.listen(lambda update: on_pod(update, self._sets, self._expected, self._queue))

    async def run(self) -> None:
        """Works for ever."""
        await side_by_side(self._events.run(), self._queue.run())

    async def _sync(self, key: Key) -> None:
        stateful_set = self._sets.get(*key)
        if stateful_set is None:
            self._expected.forget(key)
            return
        if not self._expected.satisfied(key):
            return
        candidates = [pod for pod in self._pods.all(key.namespace) if ordinal_of(stateful_set, pod) is not None]
        owned = await claim(self._client, self._pods, stateful_set, candidates)
        revisions = await self._revisions.of(stateful_set)
        situation = Situation(
            stateful_set=stateful_set,
            pods=tuple(owned),
            current=revisions.current,
            update=revisions.update,
            now_s=time.time(),
        )
        step = None if podwise.is_terminating(stateful_set) else next_step(situation)
        failure = await self._take(key, situation, step)
        await self._write_status(situation, step)
        await self._revisions.truncate(stateful_set, map(revision_of, owned), revisions)
        if situation.available_in_s is not None:
            self._queue.add_after(key, situation.available_in_s)
        if failure is not None:
            raise failure

    async def _take(self, key: Key, situation: Situation, step: Step | None) -> ApiError | None:
        """Creates or deletes the pods of the step; the first failure, told in an Event."""
        if step is None:
            return None
        stateful_set, name = situation.stateful_set, situation.stateful_set["metadata"]["name"]
        self._expected.expect_deletions(key, (pod["metadata"]["uid"] for pod in step.delete))
        for pod in step.delete:
            label = f"Delete Pod {pod['metadata']['name']} in StatefulSet {name}"
            try:
                await self._client.delete(PODS.path(*key_of(pod)), uid=pod["metadata"]["uid"])
            except ApiError as error:
                self._expected.deleted(key, pod["metadata"]["uid"])
                if error.status != 404:
                    self._events.warning(stateful_set, "FailedDelete", f"{label} failed error: {error.message}")
                return error
            self._events.normal(stateful_set, "SuccessfulDelete", f"{label} successful")
        if not step.create:
            return None
        self._expected.expect_creations(key, len(step.create))
        for n, ordinal in enumerate(step.create):
            pod = pod_of(situation, ordinal)
            label = f"Create Pod {pod['metadata']['name']} in StatefulSet {name}"
            try:
                await self._make_claims(key, claims_of(stateful_set, ordinal))
                await self._client.create(PODS.collection(key.namespace), pod)
            except ApiError as error:
                for _ in step.create[n:]:
                    self._expected.created(key)
                if error.reason != "AlreadyExists":
                    self._events.warning(stateful_set, "FailedCreate", f"{label} failed error: {error.message}")
                return error
            self._events.normal(stateful_set, "SuccessfulCreate", f"{label} successful")
        return None

    async def _make_claims(self, key: Key, claims: tuple[Object, ...]) -> None:
        """Creates those claims that are not there yet, bound: their volume is a folder that a kubelet makes."""
        for made in claims:
            try:
                await self._client.create(CLAIMS.collection(key.namespace), made)
            except ApiError as error:
                if error.reason != "AlreadyExists":
                    raise
                continue
            path = f"{CLAIMS.path(key.namespace, made['metadata']['name'])}/status"
            await self._client.patch(path, {"status": {"phase": "Bound"}})

    async def _write_status(self, situation: Situation, step: Step | None) -> None:
        stateful_set = situation.stateful_set
        status = statefulsetstatus.status(situation, step)
        if status == stateful_set.get("status", {}):
            return
        path = STATEFUL_SETS.path(*key_of(stateful_set))
        await self._client.update(f"{path}/status", {**stateful_set, "status": status})
