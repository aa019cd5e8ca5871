"""A container's specification -> its process through all its restarts, with the events that tell of them."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import anyio
import anyio.abc

from harness.sandbox.kubelet.backoff import BackOff
from harness.sandbox.kubelet.container import RuntimeFailure
from harness.sandbox.kubelet.container_process import container_process, host_name
from harness.sandbox.kubelet.environment import ConfigError, Source
from harness.sandbox.kubelet.hooks import HookFailed, run_hook
from harness.sandbox.kubelet.hosts_file import hosts_file
from harness.sandbox.kubelet.image_puller import ImagePuller, NotPulled
from harness.sandbox.kubelet.probe_worker import ProbeType, ProbeWorker
from harness.sandbox.kubelet.records import ContainerRecord, Running, Terminated, Waiting
from harness.sandbox.kubelet.termination import GracePeriod, Turn, terminate
from harness.sandbox.kubelet.termination_message import message, message_mount
from harness.sandbox.kubelet.volumes import container_mounts

if TYPE_CHECKING:
    from pathlib import Path

    from harness.sandbox.kubelet.container import Container, Network
    from harness.sandbox.kubelet.logs import Log
    from harness.sandbox.kubelet.prober import ProbeResult
    from harness.sandbox.kubelet.records import PodRecord
    from harness.sandbox.kubelet.runtime import Runtime
    from harness.sandbox.settings import Settings


class PodContext(Protocol):
    """What a container needs of the pod it belongs to."""

    record: PodRecord
    runtime: Runtime
    settings: Settings
    host_ip: str
    data: Source
    volumes: Path

    def event(self, kind: str, reason: str, message: str, container: ContainerRecord | None = None) -> None: ...
    def exited(self) -> None: ...
    def probed(self, container: ContainerWorker, kind: ProbeType, ok: bool) -> None: ...
    def report(self) -> None: ...


class ContainerWorker:
    """One container of a pod: its process while it runs, its probes, and the wait before it is started again."""

    def __init__(self, pod: PodContext, record: ContainerRecord) -> None:
        self.record, self._pod = record, pod
        self.running: Container | None = None
        self.logs: list[Log] = []
        self._runs = 0
        self.backoff = BackOff()
        policy = record.spec.get("imagePullPolicy", "IfNotPresent")
        self._puller = ImagePuller(pod.settings, record.spec["image"], policy, self._event)
        self.failed_at: float | None = None
        self.shown_next: Waiting | None = None
        self._probes: dict[ProbeType, tuple[ProbeWorker, anyio.CancelScope]] = {}
        self._stop_signal = "SIGTERM"
        self._stands_in = False
        self._ended, self._up = anyio.Event(), anyio.Event()
        self._stopping: GracePeriod | None = None
        self._group: anyio.abc.TaskGroup | None = None

    async def start(self, network: Network, group: anyio.abc.TaskGroup) -> bool:
        """Pulls and starts the container; False where that failed, with the reason in `shown_next` and events."""
        try:
            image = self._puller.pull()
        except NotPulled as error:
            self.shown_next = error.waiting
            return False
        self._stands_in = image.stand_in
        self._stop_signal = (self.record.spec.get("lifecycle") or {}).get("stopSignal") or image.stop_signal
        try:
            mounts = container_mounts(
                self._pod.volumes, self.record, self._pod.record, self._pod.host_ip, self._pod.data
            )
            process = container_process(image, self.record, self._pod)
        except (ConfigError, OSError) as error:
            self.shown_next = Waiting(reason="CreateContainerConfigError", message=str(error))
            self._event("Warning", "Failed", f"Error: {error}")
            return False
        self._event("Normal", "Created", "Container created")
        self.record.container_id = f"containerd://{secrets.token_hex(32)}"
        self.record.image_id = image.image_id
        self._ended, self._up = anyio.Event(), anyio.Event()
        name = f"{self._pod.record.uid}/{self.record.name}-{self._runs}"
        self._runs += 1
        last_words = message_mount(self.record.spec, self._pod.runtime.directory(name))
        try:
            self.running = await self._pod.runtime.start(
                name=name,
                image=image,
                process=process,
                host_name=host_name(self._pod.record),
                hosts=hosts_file(self._pod.record.spec, network.address, host_name(self._pod.record)),
                network=network,
                mounts=(*mounts, last_words),
            )
            self.logs = [*self.logs[-1:], self.running.log]
            group.start_soon(self._live, self.running, last_words.source)
        except RuntimeFailure as error:
            self._not_started(str(error))
            return False
        self._event("Normal", "Started", "Container started")
        self._count_restart()
        if not await self._post_start() or self.running is None:  # it may have ended while the hook ran
            return False
        self._set_running()
        self._up.set()
        return True

    async def stop(self, grace: GracePeriod, why: str, turn: Turn = ()) -> None:
        """Ends the container within `grace`, when it is its turn, if it runs."""
        if self.running is None:
            return
        if self._stopping is not None:
            self._stopping.shorten(grace.deadline - anyio.current_time())
            await self._ended.wait()
            return
        self._stopping = grace
        self._event("Normal", "Killing", why)
        for kind in (ProbeType.LIVENESS, ProbeType.STARTUP):
            self._end_probe(kind)
        failed = self._hook_failed
        await terminate(self.running, self.record.spec, self._stop_signal, grace, failed, turn)
        await self._ended.wait()

    def pending_shown(self) -> None:
        """Lets the status show why the last start failed: a kubelet shows it with the sync after that."""
        if self.shown_next is not None and self.running is None:
            if isinstance(self.record.state, Terminated):
                self.record.last_state = self.record.state
            self.record.state, self.shown_next = self.shown_next, None

    def backing_off(self) -> float | None:
        """Until when the ended container must wait, with the event that says so; None where it may start now."""
        now = anyio.current_time()
        ended = self.record.last_state or isinstance(self.record.state, Terminated)
        if not ended or self.failed_at is None:
            return None
        until = self.backoff.until(self.failed_at)
        if now >= until:
            self.backoff = self.backoff.next(now)
            return None
        pod = f"{self._pod.record.name}_{self._pod.record.namespace}({self._pod.record.uid})"
        text = f"Back-off restarting failed container {self.record.name} in pod {pod}"
        self._event("Warning", "BackOff", text)
        wait_s = f"{self.backoff.wait_s / 60:.0f}m0s" if self.backoff.wait_s >= 60 else f"{self.backoff.wait_s:.0f}s"
        message = f"back-off {wait_s} restarting failed container={self.record.name} pod={pod}"
        self.shown_next = Waiting(reason="CrashLoopBackOff", message=message)
        return until

    def trigger(self) -> None:
        """Lets a container that is not ready be probed at once."""
        if not self.record.ready and ProbeType.READINESS in self._probes:
            self._probes[ProbeType.READINESS][0].trigger()

    def startup_succeeded(self) -> None:
        """Begins the probes that had to wait for the startup probe."""
        self.record.started = True
        self.record.ready = "readinessProbe" not in self.record.spec
        self._end_probe(ProbeType.STARTUP)
        self._begin_probes()

    async def _live(self, running: Container, last_words: Path) -> None:
        """Follows one run of the container to its end; never leaves its process behind."""
        started_at = datetime.now(UTC)
        try:
            async with anyio.create_task_group() as group:
                self._group = group
                group.start_soon(self._probe_once_up)
                await running.run()
                group.cancel_scope.cancel()
        finally:
            running.signal("SIGKILL")
        code = running.exit_code or 0
        self.failed_at = anyio.current_time()
        self.running, self._probes = None, {}
        self.record.ready = self.record.started = False
        self.record.state = Terminated(
            exit_code=code,
            reason="Completed" if code == 0 else "Error",
            message=message(self.record.spec, last_words, running.log, code),
            started_at=started_at,
            finished_at=datetime.now(UTC),
            container_id=self.record.container_id,
        )
        self._stopping = None
        self._ended.set()
        self._pod.exited()

    async def _probe_once_up(self) -> None:
        """Until its postStart hook has ended a container counts as waiting, and nothing is asked of it."""
        await self._up.wait()
        self._begin_probes()

    def _not_started(self, why: str) -> None:
        now = datetime.now(UTC)
        self._event("Warning", "Failed", f"Error: {why}")
        self.failed_at = anyio.current_time()
        self.record.state = Terminated(
            exit_code=128,
            reason="StartError",
            message=why,
            started_at=now,
            finished_at=now,
            container_id=self.record.container_id,
        )
        self.shown_next = Waiting(reason="RunContainerError", message=why)

    def _count_restart(self) -> None:
        if isinstance(self.record.state, Terminated):
            self.record.last_state, self.record.state = self.record.state, Waiting(reason="ContainerCreating")
        if self.record.last_state is not None:
            self.record.restarts += 1

    def _set_running(self) -> None:
        self.record.state = Running(started_at=datetime.now(UTC))
        self.record.started = "startupProbe" not in self.record.spec
        self.record.ready = self.record.started and "readinessProbe" not in self.record.spec
        self.shown_next = None

    async def _post_start(self) -> bool:
        hook = (self.record.spec.get("lifecycle") or {}).get("postStart")
        if hook is None or self.running is None:
            return True
        try:
            await run_hook(hook, self.record.spec, self.running)
        except HookFailed as error:
            self._event("Warning", "FailedPostStartHook", f"PostStartHook failed: {error}")
            if self._stands_in:  # the hook asks for what only the real image has
                return True
            await self.stop(
                GracePeriod(self._pod.record.spec.get("terminationGracePeriodSeconds", 30)), "FailedPostStartHook"
            )
            self.shown_next = Waiting(reason="PostStartHookError", message=f"PostStartHook failed: {error}")
            return False
        return True

    def _begin_probes(self) -> None:
        wanted = (ProbeType.READINESS, ProbeType.LIVENESS) if self.record.started else (ProbeType.STARTUP,)
        for kind in wanted:
            if f"{kind.lower()}Probe" in self.record.spec and self.running and self._group:
                prober = ProbeWorker(
                    kind,
                    self.record.spec,
                    self.running,
                    changed=self._changed,
                    failed=self._failed,
                    answered=self._answered if self._stands_in else None,
                )
                scope = anyio.CancelScope()
                self._probes[kind] = (prober, scope)
                self._group.start_soon(_run_in, scope, prober)

    def _end_probe(self, kind: ProbeType) -> None:
        if kind in self._probes:
            self._probes.pop(kind)[1].cancel()

    def _changed(self, kind: ProbeType, ok: bool) -> None:
        self._pod.probed(self, kind, ok)

    def _failed(self, kind: ProbeType, seen: ProbeResult) -> None:
        how = "errored and resulted in unknown state" if seen.errored else "failed"
        self._event("Warning", "Unhealthy", f"{kind} probe {how}: {seen.message}")

    def _answered(self, kind: ProbeType, why: str) -> None:
        text = f"{kind} probe answered by the stand-in, since its command cannot be run here: {why}"
        self._event("Normal", "StandIn", text)

    def _hook_failed(self, why: str) -> None:
        self._event("Warning", "FailedPreStopHook", f"PreStopHook failed: {why}")

    def _event(self, kind: str, reason: str, message: str) -> None:
        self._pod.event(kind, reason, message, self.record)


async def _run_in(scope: anyio.CancelScope, prober: ProbeWorker) -> None:
    with scope:
        await prober.run()
