"""The pods bound to a node -> one worker each, and the node itself kept known to the API."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING

import aiohttp
import anyio

from harness.sandbox.apiclient import ApiClient, ApiError, ChangeType
from harness.sandbox.controllers.eventrecorder import EventRecorder
from harness.sandbox.kubelet.backoff import retry_after_s
from harness.sandbox.kubelet.logs import Rotation
from harness.sandbox.kubelet.node_status import Lease, is_as_told, node_object, node_status
from harness.sandbox.kubelet.pod_worker import PodWorker
from harness.sandbox.kubelet.runtime import Runtime
from harness.sandbox.kubelet.service_links import ServiceLinks
from harness.sandbox.kubelet.status_updates import StatusUpdates
from harness.sandbox.netns import node_address, node_number

if TYPE_CHECKING:
    from pathlib import Path

    import anyio.abc

    from harness.sandbox.kubelet.records import Object
    from harness.sandbox.settings import Settings

_REGISTER_AGAIN_AFTER_S = 0.1
_STATUS_EVERY_S = 10.0  # nodeStatusUpdateFrequency


class Kubelet:
    """Runs the pods of one node."""

    def __init__(self, client: ApiClient, node: str, settings: Settings, state: Path) -> None:
        self._client, self._node, self._settings, self._state = client, node, settings, state
        self.workers: dict[str, PodWorker] = {}
        self._pods: dict[str, Object] = {}
        self._status_updates = StatusUpdates(client)
        self._service_links = ServiceLinks(client)
        self._events = EventRecorder(client, "kubelet", host=node)
        rotation = Rotation(max_bytes=settings.container_log_max_bytes, look_s=settings.container_log_look_s)
        self._runtime = Runtime(state, node_number(node), rotation)
        self._host_ip = node_address(node_number(node))
        self._relist_phase_s = time.monotonic()
        self.synced = anyio.Event()

    async def run(self) -> None:
        """Watches and runs for ever."""
        await self._register()
        async with anyio.create_task_group() as group:
            group.start_soon(self._status_updates.send)
            group.start_soon(self._events.run)
            group.start_soon(self._keep_status)
            group.start_soon(Lease(self._client, self._node).keep)
            group.start_soon(self._service_links.run)
            await self._service_links.synced.wait()  # or a pod's first containers would know of no Service
            informer = self._client.informer("/api/v1/pods", field_selector=f"spec.nodeName={self._node}")
            async for change in informer:
                if change.type is ChangeType.SYNCED:
                    self.synced.set()
                elif change.object["spec"].get("nodeName") == self._node:
                    self._take(change.type, change.object, group)

    def worker(self, namespace: str, name: str) -> PodWorker | None:
        """The worker of a pod that is on this node."""
        for worker in self.workers.values():
            if (worker.record.namespace, worker.record.name) == (namespace, name):
                return worker
        return None

    def _take(self, change: ChangeType, pod: Object, group: anyio.abc.TaskGroup) -> None:
        uid = pod["metadata"]["uid"]
        worker = self.workers.get(uid)
        if change is ChangeType.DELETED:
            self._pods.pop(uid, None)
            if worker is not None:
                worker.removed()
            return
        self._pods[uid] = pod
        if worker is not None:
            worker.update(pod)
        elif (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
            group.start_soon(self._run, self._new_worker(pod))

    def _new_worker(self, pod: Object) -> PodWorker:
        worker = self.workers[pod["metadata"]["uid"]] = PodWorker(
            pod,
            client=self._client,
            status_updates=self._status_updates,
            events=self._events,
            runtime=self._runtime,
            settings=self._settings,
            state=self._state,
            host_ip=self._host_ip,
            relist_phase_s=self._relist_phase_s,
            service_links=self._service_links,
        )
        return worker

    async def _run(self, worker: PodWorker) -> None:
        """Runs a pod to its end; from the beginning, after a while, where something happened that nobody foresaw."""
        uid = worker.record.uid
        try:
            while not await self._ran(worker):
                if (pod := self._pods.get(uid)) is None:
                    return
                worker = self._new_worker(pod)
        finally:
            self.workers.pop(uid, None)

    @staticmethod
    async def _ran(worker: PodWorker) -> bool:
        """Whether the pod came to its end; False after a failure, when it is time to try again."""
        try:
            await worker.run()
        except Exception as error:  # what one pod asks for must not take the others' node away
            traceback.print_exc()
            worker.event("Warning", "FailedSync", f"error syncing pod: {_first(error)}")
            with anyio.move_on_after(retry_after_s()):
                # Its deletion is carried out at once, unless it is that which failed.
                await (anyio.sleep_forever() if worker.leaving.is_set() else worker.leaving.wait())
            return False
        return True

    async def _register(self) -> None:
        """Tells the API of the node; waits for an API server that is still coming up."""
        while True:
            try:
                await self._client.create("/api/v1/nodes", node_object(self._node))
                await self._client.patch(f"/api/v1/nodes/{self._node}/status", {"status": self._status()})
                return
            except ApiError as error:
                if error.status != 429 and error.status < 500:
                    raise
            except (aiohttp.ClientError, OSError, TimeoutError):
                pass
            await anyio.sleep(_REGISTER_AGAIN_AFTER_S)

    def _status(self) -> Object:
        return node_status(self._node, self._host_ip)

    async def _keep_status(self) -> None:
        """Puts the node's status right where somebody else wrote it; a kubelet looks as often."""
        path = f"/api/v1/nodes/{self._node}"
        while True:
            await anyio.sleep(_STATUS_EVERY_S)
            try:
                present = (await self._client.get(path)).get("status") or {}
                if not is_as_told(present, self._status()):
                    await self._client.patch(f"{path}/status", {"status": self._status()})
            except (ApiError, aiohttp.ClientError, OSError, TimeoutError):
                continue  # a node that was deleted, or an API server that is away: the next time


def _first(error: BaseException) -> BaseException:
    """The error itself out of the groups in which task groups wrap it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
