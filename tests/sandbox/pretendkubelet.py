"""Plays the node towards a control plane that has none: pods become ready and end as the test says."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiclient import ApiError, ChangeType, PatchType
from harness.sandbox.apiserver.clock import rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.sandbox.apiclient import ApiClient

Object = dict[str, Any]


class PretendKubelet:
    """Runs no process: it writes the statuses that a kubelet would write.

    `held` decides by pod which of them do not become ready; `stop_s` is how long a pod takes to end. Pods that do not
    always restart end as soon as they are ready: well, or badly where `fails` says so.
    """

    def __init__(self, client: ApiClient, name: str = "node1", *, stop_s: float = 0.0) -> None:
        self.name, self.stop_s = name, stop_s
        self.held: Callable[[Object], bool] = lambda _: False
        self.fails: Callable[[Object], bool] = lambda _: False
        self._client, self._addresses = client, itertools.count(2)
        self._started: set[str] = set()

    async def register(self, allocatable: dict[str, str] | None = None) -> None:
        """Makes the node, ready; one that does not say what it can take takes all."""
        labels = {"kubernetes.io/hostname": self.name}
        await self._client.create("/api/v1/nodes", {"metadata": {"name": self.name, "labels": labels}})
        conditions = [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]
        info = {"kubeletVersion": "v1.36.2"}
        status = {"conditions": conditions, "nodeInfo": info}
        status |= {"capacity": allocatable, "allocatable": allocatable} if allocatable else {}
        await self._client.patch(f"/api/v1/nodes/{self.name}/status", {"status": status})

    async def run(self) -> None:
        """Plays for ever."""
        selector = f"spec.nodeName={self.name}"
        async with asyncio.TaskGroup() as group:
            async for kind, pod in self._client.informer("/api/v1/pods", field_selector=selector):
                if kind in (ChangeType.ADDED, ChangeType.MODIFIED):
                    self._react(group, pod)

    def _react(self, group: asyncio.TaskGroup, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        if pod["metadata"].get("deletionTimestamp"):
            if (uid, "stop") not in self._started:
                self._started.add((uid, "stop"))
                group.create_task(self._stop(pod))
        elif uid not in self._started and not self.held(pod):
            self._started.add(uid)
            group.create_task(self.make_ready(pod))

    async def make_ready(self, pod: Object) -> None:
        """Writes Running, then Ready."""
        address = f"10.244.0.{next(self._addresses)}"
        base = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "startTime": _now()}
        await self.patch_status(pod, {**base, **_containers(pod, ready=False), "conditions": _conditions("False")})
        await self.patch_status(pod, {**_containers(pod, ready=True), "conditions": _conditions("True")})
        if pod["spec"]["restartPolicy"] != "Always":
            phase = "Failed" if self.fails(pod) else "Succeeded"
            await self.patch_status(pod, {"phase": phase, "conditions": _conditions("False")})

    async def patch_status(self, pod: Object, status: Object) -> None:
        """A patch of the pod's status, as kubelets write it."""
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
        try:
            await self._client.patch(path, {"status": status}, PatchType.STRATEGIC)
        except ApiError as error:
            if error.status != 404:
                raise

    async def _stop(self, pod: Object) -> None:
        await asyncio.sleep(self.stop_s)
        metadata = pod["metadata"]
        await self.patch_status(pod, {"phase": "Succeeded", "conditions": _conditions("False")})
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        try:
            await self._client.delete(path, grace_s=0, uid=metadata["uid"])
        except ApiError as error:
            if error.status not in (404, 409):
                raise


def _containers(pod: Object, *, ready: bool) -> Object:
    statuses = [
        {
            "name": container["name"],
            "image": container["image"],
            "imageID": "",
            "ready": ready,
            "started": True,
            "restartCount": 0,
            "state": {"running": {"startedAt": _now()}},
        }
        for container in pod["spec"]["containers"]
    ]
    return {"containerStatuses": statuses}


def _conditions(ready: str) -> list[Object]:
    true = [{"type": kind, "status": "True", "lastTransitionTime": _now()} for kind in ("Initialized",)]
    return true + [
        {"type": kind, "status": ready, "lastTransitionTime": _now()} for kind in ("Ready", "ContainersReady")
    ]


def _now() -> str:
    return rfc3339(time.time())
