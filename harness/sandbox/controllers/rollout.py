"""One Deployment with its ReplicaSets and pods -> the one next step of its rollout, and its status."""

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
from harness.sandbox.controllers.pods import condition, is_finished
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
    from harness.sandbox.controllers.events import EventRecorder

_DEADLINE_SLACK_S = 1.0


class Rollout:
    """The state of one sync. `again_in_s` says when to look again although nothing may change."""

    def __init__(
        self,
        client: ApiClient,
        events: EventRecorder,
        deployment: Object,
        sets: list[Object],
        pods: dict[str, list[Object]],
    ) -> None:
        self.again_in_s: float | None = None
        self._client, self._events, self._deployment = client, events, copied(deployment)
        self._sets, self._pods = sets, pods
        self._new: Object | None = None
        self._old: list[Object] = []
        metadata = deployment["metadata"]
        self._path = DEPLOYMENTS.path(metadata["namespace"], metadata["name"])

    async def step(self) -> None:
        """Does the next thing. Raises: ApiError (409 where the cache was not up to date: try again)."""
        if not is_alive(self._deployment):
            self._divide()
            return await self._write_status(judged=False)
        await self._note_pause()
        if self._deployment["spec"].get("paused") or self._is_scaling():
            return await self._scale()
        if self._deployment["spec"]["strategy"]["type"] == "Recreate":
            return await self._recreate()
        return await self._roll()

    async def _roll(self) -> None:
        new = await self._ensure_new()
        size = rolling.new_size(self._bounds(), _sized(new), [_sized(item) for item in self._active_old()])
        if await self._resize(new, size):
            return await self._write_status()
        new = self._new or new
        shrunk = False
        sizes = rolling.old_sizes(self._bounds(), _sized(new), [_sized(item) for item in self._old])
        for item in sorted(self._old, key=age):
            if item["metadata"]["name"] in sizes:
                shrunk = await self._resize(item, sizes[item["metadata"]["name"]]) or shrunk
        if not shrunk:
            await self._clean_up_if_complete()
        return await self._write_status()

    async def _recreate(self) -> None:
        self._divide()
        if [await self._resize(item, 0) for item in self._active_old()]:
            return await self._write_status()
        if self._old_pods_run():
            return await self._write_status()
        new = await self._ensure_new()
        await self._resize(new, self._deployment["spec"]["replicas"])
        await self._clean_up_if_complete()
        return await self._write_status()

    async def _scale(self) -> None:
        """Paused, or the number of replicas changed: sizes change, revisions do not."""
        self._divide()
        await self._spread()
        if self._deployment["spec"].get("paused"):
            await self._clean_up()
        await self._write_status(judged=False)

    async def _spread(self) -> None:
        wanted = self._deployment["spec"]["replicas"]
        everything = [*self._old, *([self._new] if self._new else [])]
        active = [item for item in everything if item["spec"]["replicas"] > 0]
        if len(active) <= 1:
            sole = active[0] if active else self._new or max(self._old, key=age, default=None)
            if sole is not None:
                await self._resize(sole, wanted)
            return
        if self._new is not None and self._is_saturated(self._new):
            for item in self._active_old():
                await self._resize(item, 0)
            return
        if self._deployment["spec"]["strategy"]["type"] == "RollingUpdate":
            reported = self._deployment.get("status", {}).get("replicas", 0)
            sizes = rolling.proportional_sizes(self._bounds(), [_sized(item) for item in active], reported)
            for item in active:
                await self._resize(item, sizes[item["metadata"]["name"]])

    async def _ensure_new(self) -> Object:
        """The ReplicaSet of the present template: found, or made with as many replicas as fit; revisions written."""
        self._divide()
        number = next_revision(self._old)
        if self._new is None:
            return await self._create_new(number)
        wanted = copied(self._new)
        changed = annotate(self._deployment, wanted, number, maximum=self._maximum(), exists=True)
        min_ready_s = self._deployment["spec"].get("minReadySeconds", 0)
        if wanted["spec"].get("minReadySeconds", 0) != min_ready_s:
            wanted["spec"]["minReadySeconds"], changed = min_ready_s, True
        if changed:
            self._replace(await self._update_set(wanted))
        new, text = self._new, f'Found new replica set "{wanted["metadata"]["name"]}"'
        await self._record_revision(revision(new), progress.FOUND_SET, text)
        return new

    async def _create_new(self, number: int) -> Object:
        deployment = self._deployment
        wanted = new_set(deployment, number, self._maximum())
        at, old = self._bounds(), [_sized(item) for item in self._active_old()]
        rolls = deployment["spec"]["strategy"]["type"] == "RollingUpdate"
        size = rolling.new_size(at, _sized(wanted), old) if rolls else at.replicas
        wanted["spec"]["replicas"] = size
        name, namespace = wanted["metadata"]["name"], deployment["metadata"]["namespace"]
        try:
            created = await self._client.create(REPLICA_SETS.collection(namespace), wanted)
        except ApiError as error:
            await self._on_failed_creation(error, name)
            raise
        self._new = created
        self._sets.append(created)
        if size:
            self._events.normal(deployment, "ScalingReplicaSet", f"Scaled up replica set {name} from 0 to {size}")
        await self._record_revision(number, progress.NEW_SET, f'Created new replica set "{name}"', always=True)
        return created

    async def _on_failed_creation(self, error: ApiError, name: str) -> None:
        """Another set has this name: the next one gets another hash. Otherwise the failure is told."""
        status = self._deployment.get("status", {})
        if error.reason == "AlreadyExists":
            if self._deployment["metadata"]["uid"] not in await self._owners_of(name):
                await self._put_status({**status, "collisionCount": status.get("collisionCount", 0) + 1})
            return
        text = f'Failed to create new replica set "{name}": {error.message}'
        self._events.warning(self._deployment, "ReplicaSetCreateError", text)
        if progress.has_deadline(self._deployment):
            failed = progress.new_condition(progress.PROGRESSING, "False", "ReplicaSetCreateError", text, time.time())
            await self._put_status(progress.with_condition(status, failed))

    async def _owners_of(self, name: str) -> tuple[str, ...]:
        found = await self._client.get(REPLICA_SETS.path(self._deployment["metadata"]["namespace"], name))
        owner = controller_of(found)
        return (owner["uid"],) if owner is not None else ()

    async def _record_revision(self, number: int, reason: str, text: str, *, always: bool = False) -> None:
        """Writes the revision into the Deployment, and why it progresses where nothing says so yet."""
        metadata, status = self._deployment["metadata"], self._deployment.get("status", {})
        annotations = metadata.get("annotations") or {}
        changed = annotations.get(REVISION) != str(number)
        metadata["annotations"] = {**annotations, REVISION: str(number)}
        unsaid = condition(self._deployment, progress.PROGRESSING) is None
        if progress.has_deadline(self._deployment) and (always or unsaid):
            new = progress.new_condition(progress.PROGRESSING, "True", reason, text, time.time())
            status, changed = progress.with_condition(status, new), True
        if changed:
            await self._put_status(status)

    async def _note_pause(self) -> None:
        present = condition(self._deployment, progress.PROGRESSING)
        if not progress.has_deadline(self._deployment) or (present or {}).get("reason") == progress.TIMED_OUT:
            return
        paused, said = bool(self._deployment["spec"].get("paused")), (present or {}).get("reason") == progress.PAUSED
        if paused == said:
            return
        reason, word = (progress.PAUSED, "paused") if paused else (progress.RESUMED, "resumed")
        text = f"Deployment is {word}"
        new = progress.new_condition(progress.PROGRESSING, "Unknown", reason, text, time.time())
        await self._put_status(progress.with_condition(self._deployment.get("status", {}), new))

    async def _resize(self, item: Object, size: int) -> bool:
        """Scales a set, or only brings its notes of the Deployment's size up to date; whether it was scaled."""
        desired, maximum = self._deployment["spec"]["replicas"], self._maximum()
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
        self._events.normal(self._deployment, "ScalingReplicaSet", text)
        return True

    async def _clean_up_if_complete(self) -> None:
        if progress.is_complete(self._deployment, self._deployment.get("status", {})):
            await self._clean_up()

    async def _clean_up(self) -> None:
        """Deletes the oldest empty sets beyond the history that is to be kept."""
        limit = self._deployment["spec"].get("revisionHistoryLimit")
        alive = [item for item in self._old if is_alive(item)]
        if limit is None:
            return
        for item in sorted(alive, key=lambda item: (revision(item), age(item)))[: max(len(alive) - limit, 0)]:
            status, metadata = item.get("status", {}), item["metadata"]
            seen = status.get("observedGeneration", 0) >= metadata["generation"]
            if status.get("replicas") or item["spec"]["replicas"] or not seen:
                continue
            await self._client.delete(REPLICA_SETS.path(metadata["namespace"], metadata["name"]))

    async def _write_status(self, *, judged: bool = True) -> None:
        now_s, old = time.time(), self._deployment.get("status", {})
        status = progress.counted(self._deployment, self._bounds(), self._new, self._sets, now_s)
        if judged:
            status = progress.with_progress(self._deployment, status, self._new, self._sets, now_s)
        if status != old:
            await self._put_status(status)
        rest_s = progress.deadline_in_s(self._deployment, status, now_s) if judged else None
        if rest_s is not None:
            self.again_in_s = max(rest_s, 0.0) + _DEADLINE_SLACK_S

    async def _put_status(self, status: Object) -> None:
        body = {**self._deployment, "status": status}
        self._deployment = copied(await self._client.update(f"{self._path}/status", body))

    async def _update_set(self, wanted: Object) -> Object:
        metadata = wanted["metadata"]
        return await self._client.update(REPLICA_SETS.path(metadata["namespace"], metadata["name"]), wanted)

    def _replace(self, updated: Object) -> Object:
        """Takes an updated set into the state of this sync."""
        uid = updated["metadata"]["uid"]
        self._sets = [updated if item["metadata"]["uid"] == uid else item for item in self._sets]
        self._old = [updated if item["metadata"]["uid"] == uid else item for item in self._old]
        if self._new is not None and self._new["metadata"]["uid"] == uid:
            self._new = updated
        return updated

    def _divide(self) -> None:
        self._new = find_new(self._deployment, self._sets)
        self._old = [item for item in self._sets if item is not self._new]

    def _bounds(self) -> rolling.Bounds:
        return bounds_of(self._deployment)

    def _maximum(self) -> int:
        at = self._bounds()
        return at.replicas + at.max_surge

    def _active_old(self) -> list[Object]:
        return [item for item in self._old if item["spec"]["replicas"] > 0]

    def _is_scaling(self) -> bool:
        wanted = self._deployment["spec"]["replicas"]
        active = [item for item in self._sets if item["spec"]["replicas"] > 0]
        return any(desired_annotation(item) not in (None, wanted) for item in active)

    def _is_saturated(self, new: Object) -> bool:
        wanted = self._deployment["spec"]["replicas"]
        available = new.get("status", {}).get("availableReplicas", 0)
        return bool(new["spec"]["replicas"] == desired_annotation(new) == available == wanted)

    def _old_pods_run(self) -> bool:
        if any(item.get("status", {}).get("replicas", 0) for item in self._old):
            return True
        new = self._new["metadata"]["uid"] if self._new is not None else ""
        return any(not is_finished(pod) for uid, pods in self._pods.items() if uid != new for pod in pods)


def _sized(item: Object) -> rolling.Sized:
    return rolling.Sized(
        name=item["metadata"]["name"],
        replicas=item["spec"]["replicas"],
        available=item.get("status", {}).get("availableReplicas", 0),
        created=seconds(item["metadata"].get("creationTimestamp", "1970-01-01T00:00:00Z")),
        max_before=maximum_annotation(item),
    )
