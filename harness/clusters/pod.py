"""A worker image -> a load worker that runs as a Pod, so that a ClusterIP can be reached."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio

from harness.errors import ClusterError, LoadError
from harness.kube.client import Kube
from harness.kube.errors import ApiRefusal, LeftBehind
from harness.kube.repetition import CLEAN_UP_PATIENCE_S
from harness.load import PLAN_VARIABLE

_START_TIMEOUT_S = 120.0
_POLL_S = 0.2
_STOP_GRACE_S = 60
_LOG_DEADLINE_S = 24 * 3600.0


class PodWorker:
    """A worker whose plan is in its environment; SIGTERM, as the deletion of its Pod sends it, stops it."""

    def __init__(self, kube: Kube, namespace: str, name: str) -> None:
        self._kube, self._namespace, self._name = kube, namespace, name

    async def lines(self) -> AsyncIterator[bytes]:
        """Its log as it grows. Raises ClusterError when the log breaks off."""
        path = f"/api/v1/namespaces/{self._namespace}/pods/{self._name}/log"
        async with self._kube.stream(path, {"follow": "true"}, deadline_s=_LOG_DEADLINE_S) as log:
            async for line in log:
                yield line

    async def stop(self) -> None:
        """Delete its Pod, with a grace period in which it drains."""
        await self._kube.delete("v1", "Pod", self._name, namespace=self._namespace, grace_s=_STOP_GRACE_S)


@asynccontextmanager
async def pod_worker(kube: Kube, namespace: str, plan: str, *, image: str) -> AsyncIterator[PodWorker]:
    """Create the worker's Pod and wait until it runs; it is gone when the block is left.

    Raises:
        LoadError: it did not start within 120 s; says what held it up.
        ClusterError: the API refused it.
    """
    name = f"rollout-harness-load-{json.loads(plan).get('worker', 0)}"
    await kube.create(_manifest(name, plan, image), namespace)
    try:
        await _until_running(kube, namespace, name)
        yield PodWorker(kube, namespace, name)
    finally:
        with anyio.CancelScope(shield=True):
            await _delete(kube, namespace, name)


async def _delete(kube: Kube, namespace: str, name: str) -> None:
    try:
        await kube.delete("v1", "Pod", name, namespace=namespace, grace_s=1, patience_s=CLEAN_UP_PATIENCE_S)
    except ClusterError as error:
        if isinstance(error, ApiRefusal) and error.status == 404:
            return
        by_hand = f"It sends requests until then: kubectl -n {namespace} delete pod {name}"
        raise LeftBehind(f"deleting the load worker Pod {name}", str(error), by_hand) from error


async def _until_running(kube: Kube, namespace: str, name: str) -> None:
    state = "nothing"
    with anyio.move_on_after(_START_TIMEOUT_S):
        while True:
            status = (await kube.get("v1", "Pod", name, namespace)).get("status", {})
            if status.get("phase") == "Running":
                return
            state = _state(status)
            if status.get("phase") in ("Failed", "Succeeded"):
                raise LoadError(f"starting the load worker Pod {name}", f"it ended at once: {state}")
            await anyio.sleep(_POLL_S)
    raise LoadError(
        f"starting the load worker Pod {name}",
        f"it does not run after {_START_TIMEOUT_S:g} s: {state}",
        "Can the cluster pull --worker-image, and does it hold this harness?",
    )


def _state(status: dict[str, Any]) -> str:
    for container in status.get("containerStatuses", ()):
        for word, detail in container.get("state", {}).items():
            return f"{word} {detail.get('reason', '')} {detail.get('message', '')}".strip()
    return str(status.get("phase", "Pending"))


def _manifest(name: str, plan: str, image: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": "rollout-harness-load"}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": _STOP_GRACE_S,
            "containers": [
                {
                    "name": "load",
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["python3", "-m", "harness.load"],
                    "env": [{"name": PLAN_VARIABLE, "value": plan}],
                }
            ],
        },
    }
