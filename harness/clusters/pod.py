"""A worker image -> a load worker that runs as a Pod, so that a ClusterIP can be reached."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio

from harness.clusters.pod_log import log_lines
from harness.errors import ClusterError, LoadError
from harness.kube.client import Kube
from harness.kube.errors import ApiRefusal, LeftBehind, NoAnswer, is_not_found
from harness.kube.repetition import CLEAN_UP_PATIENCE_S
from harness.load import END_PATH, PLAN_VARIABLE, SIGN_EVERY_S, SIGN_PATH

START_TIMEOUT_S = 120.0
"""For so long a worker's Pod may take to run."""

_POLL_S = 0.2
_STOP_GRACE_S = 60
_LONGEST_DEADLINE_S = 2**31 - 1
_SIGN_TIMEOUT_S = 3.0
_UNHEARD_S = 20.0
_NEVER = frozenset({401, 403, 405, 501})
_LAST = b'{"end":'
_SOON_S = 1.0
_PLAN_KEY = "plan"
_LABELS = {"app.kubernetes.io/name": "rollout-harness-load"}


class PodWorker:
    """A worker whose environment has its plan, from a Secret; SIGTERM, as its Pod's deletion sends it, stops it."""

    def __init__(
        self, kube: Kube, namespace: str, name: str, sign_port: int | None, tell: Callable[[str], None]
    ) -> None:
        self._kube, self._namespace, self._name = kube, namespace, name
        self._sign_port, self._tell = sign_port, tell

    async def lines(self) -> AsyncIterator[bytes]:
        """Its log as it grows, to its last line. Raises ClusterError when it cannot be had for a minute."""
        async for line in log_lines(self._kube, self._namespace, self._name, last=_LAST):
            yield line

    async def stop(self) -> None:
        """Delete its Pod, with a grace period in which it drains; where that is refused, ask the worker to end."""
        try:
            await self._kube.delete("v1", "Pod", self._name, namespace=self._namespace, grace_s=_STOP_GRACE_S)
        except ApiRefusal:
            if self._sign_port is None:
                raise
            await self._kube.request("GET", self._path(END_PATH))  # that the Pod stays is told when it is cleaned up

    async def accompany(self) -> None:
        """Ask again and again for a page of its own, through the API server, by which it sees that we are there.

        Where that is refused, or never works, it is said once: the load then ends as planned, and not before.
        """
        if self._sign_port is None:
            return
        path = self._path(SIGN_PATH)
        heard, begun, told = False, anyio.current_time(), False
        while True:
            seen = await self._sign(path)
            heard = heard or seen is None
            never = isinstance(seen, ApiRefusal) and seen.status in _NEVER
            if not told and not heard and (never or anyio.current_time() - begun > _UNHEARD_S):
                told = True
                self._tell(
                    f"The load worker cannot be shown that this harness is there ({seen}): should the harness be "
                    f"killed, the load goes on until its planned end. Needed: get on pods/proxy."
                )
            if never:
                return
            await anyio.sleep(SIGN_EVERY_S)

    def _path(self, page: str) -> str:
        return f"/api/v1/namespaces/{self._namespace}/pods/{self._name}:{self._sign_port}/proxy{page}"

    async def _sign(self, path: str) -> ClusterError | None:
        with anyio.move_on_after(_SIGN_TIMEOUT_S):
            try:
                await self._kube.request("GET", path, patience_s=0.0)
            except ClusterError as error:
                return error
            return None
        return NoAnswer(f"GET {path}", f"no answer within {_SIGN_TIMEOUT_S:g} s")


@asynccontextmanager
async def pod_worker(
    kube: Kube,
    namespace: str,
    plan: str,
    *,
    image: str,
    labels: Mapping[str, str],
    tell: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[PodWorker]:
    """Create the worker's Pod and wait until it runs; it is gone when the block is left.

    Its plan holds header values, which nobody must read in a spec: they stand in a Secret of the same name, and that
    goes as soon as the Pod runs, since a container reads its environment once.
    `labels`: the run's. `tell`: hears of what people should know.

    Raises:
        LoadError: it did not start within 120 s; says what held it up.
        ClusterError: the API refused it.
    """
    planned = json.loads(plan)
    name = f"rollout-harness-load-{planned.get('worker', 0)}"
    async with _secret(kube, namespace, name, plan, labels):
        await kube.create(_manifest(name, image, labels, planned.get("duration_s")), namespace)
        try:
            await _until_running(kube, namespace, name)
            with suppress(ClusterError):  # else it goes at the end
                await kube.delete("v1", "Secret", name, namespace=namespace, patience_s=_SOON_S)
            yield PodWorker(kube, namespace, name, planned.get("sign_port"), tell)
        finally:
            with anyio.CancelScope(shield=True):
                await _delete(kube, namespace, "Pod", name, "It sends requests until then")


@asynccontextmanager
async def _secret(kube: Kube, namespace: str, name: str, plan: str, labels: Mapping[str, str]) -> AsyncIterator[None]:
    """The Secret with the plan, which is gone when the block is left."""
    await kube.create(_plan_manifest(name, plan, labels), namespace)
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True):
            await _delete(kube, namespace, "Secret", name, "It holds the header values of the load")


async def _delete(kube: Kube, namespace: str, kind: str, name: str, why: str) -> None:
    try:
        await kube.delete("v1", kind, name, namespace=namespace, grace_s=1, patience_s=CLEAN_UP_PATIENCE_S)
    except ClusterError as error:
        if is_not_found(error):
            return
        by_hand = f"{why}: {kube.kubectl} -n {namespace} delete {kind.lower()} {name}"
        raise LeftBehind(f"deleting the load worker's {kind} {name}", str(error), by_hand) from error


async def _until_running(kube: Kube, namespace: str, name: str) -> None:
    state = "nothing"
    with anyio.move_on_after(START_TIMEOUT_S):
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
        f"it does not run after {START_TIMEOUT_S:g} s: {state}",
        "Can the cluster pull --worker-image, and does it hold this harness?",
    )


def _state(status: dict[str, Any]) -> str:
    for container in status.get("containerStatuses", ()):
        for word, detail in container.get("state", {}).items():
            return f"{word} {detail.get('reason', '')} {detail.get('message', '')}".strip()
    return str(status.get("phase", "Pending"))


def _plan_manifest(name: str, plan: str, labels: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": {**_LABELS, **labels}},
        "immutable": True,
        "stringData": {_PLAN_KEY: plan},
    }


def _manifest(name: str, image: str, labels: Mapping[str, str], duration_s: float | None) -> dict[str, Any]:
    plan = {"secretKeyRef": {"name": name, "key": _PLAN_KEY}}
    manifest: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {**_LABELS, **labels}},
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
                    "env": [{"name": PLAN_VARIABLE, "valueFrom": plan}],
                }
            ],
        },
    }
    if duration_s is not None:  # what the worker cannot do by itself any more, its kubelet does
        longest_s = math.ceil(START_TIMEOUT_S + duration_s + _STOP_GRACE_S)
        manifest["spec"]["activeDeadlineSeconds"] = min(longest_s, _LONGEST_DEADLINE_S)
    return manifest
