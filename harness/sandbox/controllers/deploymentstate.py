"""One Deployment and its ReplicaSets -> the state of one sync, and the writes by which it changes.

Every write takes the server's answer into the state, so that the next one is not refused as stale.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ApiError
from harness.sandbox.apiserver.clock import seconds
from harness.sandbox.apiserver.resources import DEPLOYMENTS, REPLICA_SETS
from harness.sandbox.controllers import deploymentstatus as progress
from harness.sandbox.controllers import rolling
from harness.sandbox.controllers.caches import copied
from harness.sandbox.controllers.owners import controller_of
from harness.sandbox.controllers.pods import condition
from harness.sandbox.controllers.revisions import (
    DESIRED,
    MAXIMUM,
    REVISION,
    age,
    annotate,
    bounds_of,
    desired_annotation,
    find_new,
    is_alive,
    maximum_annotation,
    new_set,
    next_revision,
    revision,
)

if TYPE_CHECKING:
    from harness.sandbox.apiclient import ApiClient, Object
    from harness.sandbox.controllers.eventrecorder import EventRecorder


class DeploymentState:
    """The Deployment, all its sets, and which of them is new (the one with the present template) and which are old."""

    def __init__(self, client: ApiClient, events: EventRecorder, deployment: Object, sets: list[Object]) -> None:
        self._client, self.events, self.deployment, self.sets = client, events, copied(deployment), sets
        metadata = deployment["metadata"]
        self._path = DEPLOYMENTS.path(metadata["namespace"], metadata["name"])
        self.new = find_new(self.deployment, sets)
        self.old = [item for item in sets if item is not self.new]

    async def put_status(self, status: Object) -> None:
        """Writes the Deployment's status and annotations."""
        body = {**self.deployment, "status": status}
        self.deployment = copied(await self._client.update(f"{self._path}/status", body))

    async def _update_set(self, wanted: Object) -> Object:
        metadata = wanted["metadata"]
        return await self._client.update(REPLICA_SETS.path(metadata["namespace"], metadata["name"]), wanted)

    def _replace(self, updated: Object) -> Object:
        """Takes an updated set into the state of this sync."""
        uid = updated["metadata"]["uid"]
        self.sets = [updated if item["metadata"]["uid"] == uid else item for item in self.sets]
        self.old = [updated if item["metadata"]["uid"] == uid else item for item in self.old]
        if self.new is not None and self.new["metadata"]["uid"] == uid:
            self.new = updated
        return updated

    def bounds(self) -> rolling.Bounds:
        """How far the rollout may stray."""
        return bounds_of(self.deployment)

    def maximum(self) -> int:
        """The most pods there may be."""
        at = self.bounds()
        return at.replicas + at.max_surge

    def active_old(self) -> list[Object]:
        """Old sets that are asked for pods."""
        return [item for item in self.old if item["spec"]["replicas"] > 0]

    async def ensure_new(self) -> Object:
        """The ReplicaSet of the present template: found, or made with as many replicas as fit; revisions written."""
        number = next_revision(self.old)
        if self.new is None:
            return await self._create_new(number)
        wanted = copied(self.new)
        changed = annotate(self.deployment, wanted, number, maximum=self.maximum(), exists=True)
        min_ready_s = self.deployment["spec"].get("minReadySeconds", 0)
        if wanted["spec"].get("minReadySeconds", 0) != min_ready_s:
            wanted["spec"]["minReadySeconds"], changed = min_ready_s, True
        if changed:
            self._replace(await self._update_set(wanted))
        new, text = self.new, f'Found new replica set "{wanted["metadata"]["name"]}"'
        await self._record_revision(revision(new), progress.FOUND_SET, text)
        return new

    async def _create_new(self, number: int) -> Object:
        deployment = self.deployment
        wanted = new_set(deployment, number, self.maximum())
        at, old = self.bounds(), [sized(item) for item in self.active_old()]
        rolls = deployment["spec"]["strategy"]["type"] == "RollingUpdate"
        size = rolling.new_size(at, sized(wanted), old) if rolls else at.replicas
        wanted["spec"]["replicas"] = size
        name, namespace = wanted["metadata"]["name"], deployment["metadata"]["namespace"]
        try:
            created = await self._client.create(REPLICA_SETS.collection(namespace), wanted)
        except ApiError as error:
            await self._on_failed_creation(error, name)
            raise
        self.new = created
        self.sets.append(created)
        if size:
            self.events.normal(deployment, "ScalingReplicaSet", f"Scaled up replica set {name} from 0 to {size}")
        await self._record_revision(number, progress.NEW_SET, f'Created new replica set "{name}"', always=True)
        return created

    async def _on_failed_creation(self, error: ApiError, name: str) -> None:
        """Another set has this name: the next one gets another hash. Otherwise the failure is told."""
        status = self.deployment.get("status", {})
        if error.reason == "AlreadyExists":
            if self.deployment["metadata"]["uid"] not in await self._owners_of(name):
                await self.put_status({**status, "collisionCount": status.get("collisionCount", 0) + 1})
            return
        text = f'Failed to create new replica set "{name}": {error.message}'
        self.events.warning(self.deployment, "ReplicaSetCreateError", text)
        if progress.has_deadline(self.deployment):
            failed = progress.new_condition(progress.PROGRESSING, "False", "ReplicaSetCreateError", text, time.time())
            await self.put_status(progress.with_condition(status, failed))

    async def _owners_of(self, name: str) -> tuple[str, ...]:
        found = await self._client.get(REPLICA_SETS.path(self.deployment["metadata"]["namespace"], name))
        owner = controller_of(found)
        return (owner["uid"],) if owner is not None else ()

    async def _record_revision(self, number: int, reason: str, text: str, *, always: bool = False) -> None:
        """Writes the revision into the Deployment, and why it progresses where nothing says so yet."""
        metadata, status = self.deployment["metadata"], self.deployment.get("status", {})
        annotations = metadata.get("annotations") or {}
        changed = annotations.get(REVISION) != str(number)
        metadata["annotations"] = {**annotations, REVISION: str(number)}
        unsaid = condition(self.deployment, progress.PROGRESSING) is None
        if progress.has_deadline(self.deployment) and (always or unsaid):
            new = progress.new_condition(progress.PROGRESSING, "True", reason, text, time.time())
            status, changed = progress.with_condition(status, new), True
        if changed:
            await self.put_status(status)

    async def resize(self, item: Object, size: int) -> bool:
        """Scales a set, or only brings its notes of the Deployment's size up to date; whether it was scaled."""
        desired, maximum = self.deployment["spec"]["replicas"], self.maximum()
        before = item["spec"]["replicas"]
        noted = desired_annotation(item) == desired and maximum_annotation(item) == maximum
        if before == size and noted:
            return False
        wanted = copied(item)
        wanted["spec"]["replicas"] = size
        wanted["metadata"].setdefault("annotations", {}).update({DESIRED: str(desired), MAXIMUM: str(maximum)})
        self._replace(await self._update_set(wanted))
        if before == size:
            return False
        word = "up" if size > before else "down"
        text = f"Scaled {word} replica set {item['metadata']['name']} from {before} to {size}"
        self.events.normal(self.deployment, "ScalingReplicaSet", text)
        return True

    async def clean_up(self) -> None:
        """Deletes the oldest empty sets beyond the history that is to be kept."""
        limit = self.deployment["spec"].get("revisionHistoryLimit")
        alive = [item for item in self.old if is_alive(item)]
        if limit is None:
            return
        for item in sorted(alive, key=lambda item: (revision(item), age(item)))[: max(len(alive) - limit, 0)]:
            status, metadata = item.get("status", {}), item["metadata"]
            seen = status.get("observedGeneration", 0) >= metadata["generation"]
            if status.get("replicas") or item["spec"]["replicas"] or not seen:
                continue
            await self._client.delete(REPLICA_SETS.path(metadata["namespace"], metadata["name"]))


def sized(item: Object) -> rolling.Sized:
    """A ReplicaSet as the arithmetic sees it."""
    return rolling.Sized(
        name=item["metadata"]["name"],
        replicas=item["spec"]["replicas"],
        available=item.get("status", {}).get("availableReplicas", 0),
        created=seconds(item["metadata"].get("creationTimestamp", "1970-01-01T00:00:00Z")),
        max_before=maximum_annotation(item),
    )
