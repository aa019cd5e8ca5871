"""One Deployment with its ReplicaSets and pods -> the one next step of its rollout, and its status."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from harness.sandbox.controllers import deploymentstatus as progress
from harness.sandbox.controllers import rolling
from harness.sandbox.controllers.deploymentstate import DeploymentState, sized
from harness.sandbox.controllers.pods import condition, is_finished
from harness.sandbox.controllers.revisions import age, desired_annotation, is_alive

if TYPE_CHECKING:
    from harness.sandbox.apiclient import ApiClient, Object
    from harness.sandbox.controllers.eventrecorder import EventRecorder

_DEADLINE_SLACK_S = 1.0


class DeploymentSync:
    """One sync. `again_in_s` says when to look again although nothing may change."""

    def __init__(
        self,
        client: ApiClient,
        events: EventRecorder,
        deployment: Object,
        sets: list[Object],
        pods: dict[str, list[Object]],
    ) -> None:
        self.again_in_s: float | None = None
        self._state, self._pods = DeploymentState(client, events, deployment, sets), pods

    async def step(self) -> None:
        """Does the next thing. Raises: ApiError (409 where the cache was not up to date: try again)."""
        if not is_alive(self._state.deployment):
            return await self._write_status(judged=False)
        await self._note_pause()
        if self._state.deployment["spec"].get("paused") or self._is_scaling():
            return await self._scale()
        if self._state.deployment["spec"]["strategy"]["type"] == "Recreate":
            return await self._recreate()
        return await self._roll()

    async def _roll(self) -> None:
        new = await self._state.ensure_new()
        size = rolling.new_size(self._state.bounds(), sized(new), [sized(item) for item in self._state.active_old()])
        if await self._state.resize(new, size):
            return await self._write_status()
        new = self._state.new or new
        shrunk = False
        sizes = rolling.old_sizes(self._state.bounds(), sized(new), [sized(item) for item in self._state.old])
        for item in sorted(self._state.old, key=age):
            if item["metadata"]["name"] in sizes:
                shrunk = await self._state.resize(item, sizes[item["metadata"]["name"]]) or shrunk
        if not shrunk:
            await self._clean_up_if_complete()
        return await self._write_status()

    async def _recreate(self) -> None:
        if [await self._state.resize(item, 0) for item in self._state.active_old()]:
            return await self._write_status()
        if self._old_pods_run():
            return await self._write_status()
        new = await self._state.ensure_new()
        await self._state.resize(new, self._state.deployment["spec"]["replicas"])
        await self._clean_up_if_complete()
        return await self._write_status()

    async def _scale(self) -> None:
        """Paused, or the number of replicas changed: sizes change, revisions do not."""
        await self._spread()
        if self._state.deployment["spec"].get("paused"):
            await self._state.clean_up()
        await self._write_status(judged=False)

    async def _spread(self) -> None:
        wanted = self._state.deployment["spec"]["replicas"]
        everything = [*self._state.old, *([self._state.new] if self._state.new else [])]
        active = [item for item in everything if item["spec"]["replicas"] > 0]
        if len(active) <= 1:
            sole = active[0] if active else self._state.new or max(self._state.old, key=age, default=None)
            if sole is not None:
                await self._state.resize(sole, wanted)
            return
        if self._state.new is not None and self._is_saturated(self._state.new):
            for item in self._state.active_old():
                await self._state.resize(item, 0)
            return
        if self._state.deployment["spec"]["strategy"]["type"] == "RollingUpdate":
            reported = self._state.deployment.get("status", {}).get("replicas", 0)
            sizes = rolling.proportional_sizes(self._state.bounds(), [sized(item) for item in active], reported)
            for item in active:
                await self._state.resize(item, sizes[item["metadata"]["name"]])

    async def _note_pause(self) -> None:
        present = condition(self._state.deployment, progress.PROGRESSING)
        if not progress.has_deadline(self._state.deployment) or (present or {}).get("reason") == progress.TIMED_OUT:
            return
        paused, said = (
            bool(self._state.deployment["spec"].get("paused")),
            (present or {}).get("reason") == progress.PAUSED,
        )
        if paused == said:
            return
        reason, word = (progress.PAUSED, "paused") if paused else (progress.RESUMED, "resumed")
        text = f"Deployment is {word}"
        new = progress.new_condition(progress.PROGRESSING, "Unknown", reason, text, time.time())
        await self._state.put_status(progress.with_condition(self._state.deployment.get("status", {}), new))

    async def _clean_up_if_complete(self) -> None:
        if progress.is_complete(self._state.deployment, self._state.deployment.get("status", {})):
            await self._state.clean_up()

    async def _write_status(self, *, judged: bool = True) -> None:
        now_s, old = time.time(), self._state.deployment.get("status", {})
        status = progress.counted(
            self._state.deployment, self._state.bounds(), self._state.new, self._state.sets, now_s
        )
        if judged:
            status = progress.with_progress(self._state.deployment, status, self._state.new, self._state.sets, now_s)
        if status != old:
            await self._state.put_status(status)
        rest_s = progress.deadline_in_s(self._state.deployment, status, now_s) if judged else None
        if rest_s is not None:
            self.again_in_s = max(rest_s, 0.0) + _DEADLINE_SLACK_S

    def _is_scaling(self) -> bool:
        wanted = self._state.deployment["spec"]["replicas"]
        active = [item for item in self._state.sets if item["spec"]["replicas"] > 0]
        return any(desired_annotation(item) not in (None, wanted) for item in active)

    def _is_saturated(self, new: Object) -> bool:
        wanted = self._state.deployment["spec"]["replicas"]
        available = new.get("status", {}).get("availableReplicas", 0)
        return bool(new["spec"]["replicas"] == desired_annotation(new) == available == wanted)

    def _old_pods_run(self) -> bool:
        if any(item.get("status", {}).get("replicas", 0) for item in self._state.old):
            return True
        new = self._state.new["metadata"]["uid"] if self._state.new is not None else ""
        return any(not is_finished(pod) for uid, pods in self._pods.items() if uid != new for pod in pods)
