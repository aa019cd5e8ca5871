"""A pod of the API -> its life on this node: network, init containers, containers, restarts, and its end.

The order of what is done and told is that of pkg/kubelet (SyncPod, SyncTerminatingPod, SyncTerminatedPod) and of
recordings of 1.36: containers stop, the network goes, the status says so, and only then is the API object deleted.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.abc
import anyio.to_thread

from harness.sandbox.apiclient import ApiClient
from harness.sandbox.kubelet import active_deadline, environment, volumes
from harness.sandbox.kubelet.backoff import retry_after_s
from harness.sandbox.kubelet.config_data import config_data, take_service_ports
from harness.sandbox.kubelet.container import Network, RuntimeFailure
from harness.sandbox.kubelet.container_worker import ContainerWorker
from harness.sandbox.kubelet.pod_actions import containers_to_start
from harness.sandbox.kubelet.pod_tokens import keep_tokens
from harness.sandbox.kubelet.probe_worker import ProbeType
from harness.sandbox.kubelet.records import ContainerRecord, Object, PodRecord, Terminated, Waiting
from harness.sandbox.kubelet.runtime import Runtime
from harness.sandbox.kubelet.status import phase, pod_status
from harness.sandbox.kubelet.sync_timing import SyncTiming
from harness.sandbox.kubelet.termination import GracePeriod, is_deleted, never_ran, settle_states, stop_all
from harness.sandbox.stand_ins import adapted

if TYPE_CHECKING:
    from pathlib import Path

    from harness.sandbox.controllers.eventrecorder import EventRecorder
    from harness.sandbox.kubelet.service_links import ServiceLinks
    from harness.sandbox.kubelet.status_updates import StatusUpdates
    from harness.sandbox.settings import Settings

# A container in one of these states is looked at with the next relist, not after a failed sync's longer wait.
_SOON_LOOKED_AT = ("ContainerCreating", "PodInitializing", "RunContainerError")
_MOUNT_RETRY_S, _MOUNT_RETRY_LONGEST_S = 0.5, 120.0


class PodWorker:
    """Runs one pod of this node; implements `container_worker.PodContext`."""

    def __init__(
        self,
        pod: Object,
        *,
        client: ApiClient,
        status_updates: StatusUpdates,
        events: EventRecorder,
        runtime: Runtime,
        settings: Settings,
        state: Path,
        host_ip: str,
        relist_phase_s: float,
        service_links: ServiceLinks,
    ) -> None:
        pod = adapted(pod, settings.stand_in)
        self.record = PodRecord.of(pod)
        self.record.generation = pod["metadata"].get("generation", 1)
        self.runtime, self.settings, self.host_ip = runtime, settings, host_ip
        self.data: environment.Source = {}
        self.volumes = state / "volumes" / self.record.uid
        self.containers = {record.name: ContainerWorker(self, record) for record in self.record.all_containers}
        self._client, self._status_updates, self._events = client, status_updates, events
        self._service_links = service_links
        self._sync_timing = SyncTiming(phase_s=relist_phase_s)
        self._network: Network | None = None
        self._due: float | None = None
        self._news = anyio.Event()
        self.leaving = anyio.Event()
        self._removed = False
        self._retries = 0
        self._grace: GracePeriod | None = None
        self._status: Object = pod.get("status") or {}
        if pod["metadata"].get("deletionTimestamp"):
            self.leaving.set()

    async def run(self) -> None:
        """The pod's whole life; returns when nothing of it is left on the node."""
        try:
            async with anyio.create_task_group() as self._group:
                if not self.leaving.is_set():
                    async with anyio.create_task_group() as living:
                        living.start_soon(self._cancel_when_leaving, living.cancel_scope)
                        await self._come_up()
                await self._terminate()
                self._group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self._tear_down()
                await anyio.to_thread.run_sync(self._clean)
            self._status_updates.forget(self.record.uid)

    def update(self, pod: Object) -> None:
        """Takes a newer object of the pod from the API."""
        self.record.pod = adapted(pod, self.settings.stand_in)
        grace_s = pod["metadata"].get("deletionGracePeriodSeconds")
        if pod["metadata"].get("deletionTimestamp"):
            if self._grace is not None and grace_s is not None:
                self._grace.shorten(grace_s)
            self.leaving.set()
        elif self._status and self.record.spec.get("readinessGates"):
            self.report()

    def removed(self) -> None:
        """Notes that the API no longer has the pod: deleted by force, or by ourselves."""
        self._removed = True
        self.leaving.set()

    def event(self, kind: str, reason: str, message: str, container: ContainerRecord | None = None) -> None:
        """Tells an event about the pod or one of its containers."""
        tell = self._events.normal if kind == "Normal" else self._events.warning
        tell(self.record.pod, reason, message, field_path=container.field_path if container else "")

    def exited(self) -> None:
        """A container ended: the next look at all containers will find it."""
        self._wake_at(self._sync_timing.relist_after(anyio.current_time()))

    def probed(self, container: ContainerWorker, kind: ProbeType, ok: bool) -> None:
        """A probe's result changed."""
        if kind is ProbeType.READINESS:
            container.record.ready = ok and container.record.started
            self._sync_timing.readiness_changed(anyio.current_time())
            self.report()
        elif kind is ProbeType.STARTUP and ok:
            container.startup_succeeded()
            self._wake_at(anyio.current_time())
            self.report()
        elif not ok:
            why = f"Container {container.record.name} failed {kind.lower()} probe, will be restarted"
            probe = container.record.spec[f"{kind.lower()}Probe"]
            grace = GracePeriod(probe.get("terminationGracePeriodSeconds", self._grace_s()))
            self._group.start_soon(container.stop, grace, why)

    def report(self) -> None:
        """Sends the pod's present status."""
        known = self._status.get("conditions") or (self.record.pod.get("status") or {}).get("conditions") or []
        before = {**(self.record.pod.get("status") or {}), "conditions": known}
        self._status = pod_status(self.record, self.host_ip, datetime.now(UTC), before)
        self._status_updates.put(self.record.pod, self._status)

    async def _come_up(self) -> None:
        self.record.start_time = datetime.now(UTC)
        self.report()
        await self._set_up()
        self.record.network = True
        self.report()
        while not self.record.ended:
            if active_deadline.is_over(self.record):
                await self._end_by_deadline()
                break
            # A kubelet cuts short only the wait for volumes: a sync that has begun starts its containers and sees their
            # postStart hooks through, also where the pod is deleted meanwhile (Kubelet.SyncPod, context.WithoutCancel).
            with anyio.CancelScope(shield=True):
                await self._sync()
            await self._next()
        await self._tear_down()
        self.report()
        await self.leaving.wait()

    async def _end_by_deadline(self) -> None:
        self.record.reason, self.record.message = active_deadline.REASON, active_deadline.MESSAGE
        self.event("Normal", self.record.reason, self.record.message)
        self.report()
        await stop_all(self.record, self.containers, GracePeriod(self._grace_s()))
        self.record.ended = True

    async def _set_up(self) -> None:
        mount_wait_s = _MOUNT_RETRY_S
        while True:
            try:
                self.data = await config_data(self._client, self.record.pod)
                await take_service_ports(self._client, self.record, self.settings)
                volumes.write_volumes(self.volumes, self.record, self.host_ip, self.data)
                with anyio.CancelScope(shield=True):
                    self._network = await self.runtime.attach(self.record.uid)
                write = partial(volumes.write_tokens, self.volumes, self.record, self.host_ip, self.data)
                self._group.start_soon(keep_tokens, self._client, self.record.pod, self.data, write)
                return
            except volumes.MountError as error:
                self.event("Warning", "FailedMount", str(error))
                await anyio.sleep(mount_wait_s)
                mount_wait_s = min(mount_wait_s * 2, _MOUNT_RETRY_LONGEST_S)
            except RuntimeFailure as error:
                self.event("Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}")
                await anyio.sleep(retry_after_s())

    async def _sync(self) -> None:
        """Starts what should run and does not."""
        self._due = None
        for worker in self.containers.values():
            worker.pending_shown()
        self.record.generation = self.record.pod["metadata"].get("generation", 1)
        self.report()
        for worker in self.containers.values():
            worker.trigger()
        for record in containers_to_start(
            self.record, {name for name, worker in self.containers.items() if worker.running}
        ):
            await self._start(self.containers[record.name])
        if any(worker.logs for worker in self.containers.values()) or self._retries:
            self.record.ip = self._network.address if self._network else ""
        self._retries += 1
        self._sync_timing.synced(anyio.current_time())
        self.record.ended = phase(self.record) in ("Succeeded", "Failed")
        if self.record.ended:
            self._wake_at(anyio.current_time())
        self.report()

    async def _start(self, worker: ContainerWorker) -> None:
        self.data[environment.SERVICES] = self._service_links.variables(self.record.pod)
        shown = worker.record.state
        until = worker.backing_off()
        if until is None and self._network and await worker.start(self._network, self._group):
            if worker.record.sidecar:
                self._wake_at(self._sync_timing.relist_after(anyio.current_time()))
            return
        now, died = anyio.current_time(), isinstance(worker.record.state, Terminated)
        if died or not isinstance(shown, Waiting) or shown.reason in _SOON_LOOKED_AT:
            self._wake_at(self._sync_timing.relist_after(now))
        else:
            self._wake_at(until or now + retry_after_s())

    def _wake_at(self, moment: float) -> None:
        self._due = moment if self._due is None else min(self._due, moment)
        self._news.set()

    async def _next(self) -> None:
        """Waits until there is something to do."""
        while self._due is None or anyio.current_time() < self._due:
            self._news = anyio.Event()
            due = active_deadline.due(self.record)
            with anyio.CancelScope(deadline=due if self._due is None else min(due, self._due)):
                await self._news.wait()
            if active_deadline.is_over(self.record):
                return

    async def _cancel_when_leaving(self, scope: anyio.CancelScope) -> None:
        await self.leaving.wait()
        scope.cancel()

    async def _terminate(self) -> None:
        await anyio.sleep_until(self._sync_timing.free_at(anyio.current_time()))
        self.record.generation = self.record.pod["metadata"].get("generation", 1)
        if not self.record.ended:
            self._grace = GracePeriod(self._grace_s())
            for record in never_ran(self.record):
                record.state = Waiting(reason="ContainerCreating")
            self.report()
            await stop_all(self.record, self.containers, self._grace)
            await self._tear_down()
            self.record.ended = True
        self.report()
        if self._removed:
            return
        await self._status_updates.flushed()
        await anyio.sleep_until(self._sync_timing.relist_after(anyio.current_time()))
        self._settle_states()
        await self._status_updates.flushed()
        await self._delete()

    def _settle_states(self) -> None:
        """Gives every container an end before the pod goes; the conditions stay as they were, as on a real node."""
        conditions = self._status.get("conditions")
        settle_states(self.record)
        self.report()
        if conditions and self._status["conditions"] != conditions:
            self._status["conditions"] = conditions
            self._status_updates.put(self.record.pod, self._status)

    async def _tear_down(self) -> None:
        if self._network is not None:
            await self.runtime.detach(self._network)
            self._network = None
        self.record.network = False

    async def _delete(self) -> None:
        while not self._removed:
            if await is_deleted(self._client, self.record):
                return
            await anyio.sleep(_MOUNT_RETRY_S)

    def _grace_s(self) -> float:
        asked = self.record.pod["metadata"].get("deletionGracePeriodSeconds")
        return float(self.record.spec.get("terminationGracePeriodSeconds", 30) if asked is None else asked)

    def _clean(self) -> None:
        self.runtime.remove(self.record.uid)
        shutil.rmtree(self.volumes, ignore_errors=True)
