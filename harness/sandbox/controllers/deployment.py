"""Deployments and their ReplicaSets -> ReplicaSets created, scaled and cleaned up, and the Deployment's status.

Source: kubernetes `pkg/controller/deployment`: one sync does one step of a rollout and writes the status; the next step
comes with the change that this one brings about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ChangeType
from harness.sandbox.apiserver.resources import DEPLOYMENTS, PODS, REPLICA_SETS
from harness.sandbox.controllers.caches import Key, key_of
from harness.sandbox.controllers.deploymentsync import DeploymentSync
from harness.sandbox.controllers.eventrecorder import EventRecorder
from harness.sandbox.controllers.owners import adopters, claim, controller_of, owner_in
from harness.sandbox.controllers.workqueue import WorkQueue, side_by_side

if TYPE_CHECKING:
    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.caches import Caches, Update


class DeploymentController:
    """Rolls each Deployment towards its template."""

    def __init__(self, caches: Caches) -> None:
        self._client = caches.client
        self._deployments, self._sets = caches.of(DEPLOYMENTS), caches.of(REPLICA_SETS)
        self._pods = caches.of(PODS)
        self._events = EventRecorder(caches.client, "deployment-controller")
        self._queue: WorkQueue[Key] = WorkQueue("deployment", self._sync)
        self._deployments.listen(lambda update: self._queue.add(key_of(update.new)))
        self._sets.listen(self._on_set)
        self._pods.listen(self._on_pod)

    async def run(self) -> None:
        """Works for ever."""
        await side_by_side(self._events.run(), self._queue.run())

    def _on_set(self, update: Update) -> None:
        for state in (update.old, update.new):
            owner = owner_in(self._deployments, state) if state is not None else None
            if owner is not None:
                self._queue.add(key_of(owner))
        for candidate in adopters(self._deployments, update):
            self._queue.add(key_of(candidate))

    def _on_pod(self, update: Update) -> None:
        """Recreate goes on when the last old pod is gone."""
        if update.type is not ChangeType.DELETED:
            return
        owning_set = owner_in(self._sets, update.new)
        owner = owner_in(self._deployments, owning_set) if owning_set is not None else None
        if owner is not None and owner["spec"]["strategy"]["type"] == "Recreate":
            self._queue.add(key_of(owner))

    async def _sync(self, key: Key) -> None:
        deployment = self._deployments.get(*key)
        if deployment is None:
            return
        sets = await claim(self._client, self._sets, deployment, self._sets.all(key.namespace))
        sync = DeploymentSync(self._client, self._events, deployment, sets, self._pods_of(key.namespace, sets))
        await sync.step()
        if sync.again_in_s is not None:
            self._queue.add_after(key, sync.again_in_s)

    def _pods_of(self, namespace: str, sets: list[Object]) -> dict[str, list[Object]]:
        """Pods by the uid of their ReplicaSet."""
        by_set: dict[str, list[Object]] = {item["metadata"]["uid"]: [] for item in sets}
        for pod in self._pods.all(namespace):
            owner = controller_of(pod)
            if owner is not None and owner["uid"] in by_set:
                by_set[owner["uid"]].append(pod)
        return by_set
