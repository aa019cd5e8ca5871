"""A worker image -> a load worker that runs as a Pod, so that a ClusterIP can be reached."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio

from harness.clusters.pod_log import Heard, log_lines
from harness.clusters.printed_lines import PrintedLines
from harness.clusters.worker_archive import worker_archive
from harness.clusters.worker_objects import START_TIMEOUT_S, STOP_GRACE_S, worker_pod, worker_secret
from harness.clusters.worker_trouble import is_final, is_unpulled, state, told, trouble
from harness.errors import ClusterError, LoadError
from harness.kube.client import Kube
from harness.kube.errors import ApiRefusal, LeftBehind, NoAnswer, is_not_found
from harness.load import BEGIN_PATH, END_PATH, LINES_PATH, RECEIVED_PATH, SIGN_EVERY_S, SIGN_PATH, Ability, parse_line
from harness.model.round_trip import RoundTrip

_POLL_S = 0.2
_UNPULLED_S = 30.0
"""For so long an image may fail to be pulled: a kubelet tries three times in it."""

_SIGN_TIMEOUT_S = 3.0
_UNHEARD_S = 20.0
_AGAIN_S = 10.0
_CONFLICT = 409
_NEVER = frozenset({401, 403, 405, 501})
_LAST, _ABLE = b'{"end":', b'{"ability":'
_SOON_S = 1.0
_QUICK, _QUICK_S, _SOON_UP_S = 5, 0.1, 5.0
"""The first answers are asked for quickly: of several round trips the shortest tells the time best."""

_FOLLOWING = "following the load worker"


class PodWorker:
    """A worker that has its plan from a Secret; SIGTERM, as its Pod's deletion sends it, stops it."""

    def __init__(
        self,
        kube: Kube,
        namespace: str,
        name: str,
        image: str,
        *,
        sign_port: int | None,
        tell: Callable[[str], None],
        node: str | None = None,
    ) -> None:
        self._kube, self._namespace, self._name, self._image, self.node = kube, namespace, name, image, node
        self._sign_port, self._tell = sign_port, tell
        self._stopping = False

    async def lines(self) -> AsyncIterator[bytes]:
        """Its log as it grows, to its last line.

        Raises:
            ClusterError: the log cannot be had for a minute.
            LoadError: it does not follow its plan, or ended without being asked to and before its last line.
        """
        line, heard = b"", Heard()
        numbered = PrintedLines(heard, self._again)
        async for line in log_lines(self._kube, self._namespace, self._name, last=_LAST, heard=heard):
            if line.startswith(_ABLE) and isinstance(able := parse_line(line.decode(errors="replace")), Ability):
                self._tell(
                    f"The load worker (Python {able.python}, {able.engine}) can hold {able.holds_per_s:.0f} "
                    f"requests/s where it runs."
                )
            else:
                for missed in await numbered.missed(line):
                    yield missed
                yield line
        if line.startswith(_LAST):
            await self._received()
        if not line.startswith(_LAST) and not self._stopping:
            raise await self._ended(line.decode(errors="replace"))

    async def _ended(self, said: str) -> LoadError:
        """Why it is not there any more."""
        if (known := told(_FOLLOWING, self._image, said)) is not None:
            return known
        pod = await self._kube.find("v1", "Pod", self._name, self._namespace)
        if pod is None or pod["metadata"].get("deletionTimestamp"):
            return LoadError(_FOLLOWING, f"its Pod {self._name} was deleted", "Was it evicted or drained, or by hand?")
        return trouble(f"{_FOLLOWING} in Pod {self._name}", self._image, pod.get("status") or {})

    async def stop(self) -> None:
        """Delete its Pod, with a grace period in which it drains; where that is refused, ask the worker to end."""
        self._stopping = True
        try:
            await self._kube.delete("v1", "Pod", self._name, namespace=self._namespace, grace_s=STOP_GRACE_S)
        except ApiRefusal:
            if self._sign_port is None:
                raise
            await self._kube.request("GET", self._path(END_PATH))  # that the Pod stays is told when it is cleaned up

    async def _again(self, start: int, end: int) -> list[str]:
        """Lines of its output by their numbers, from itself; none where it does not give them."""
        if self._sign_port is None:
            return []
        query = {"from": str(start), "to": str(end)}
        try:
            found = await self._kube.request("GET", self._path(LINES_PATH), query=query, patience_s=_AGAIN_S)
        except ClusterError:
            return []  # what is missing is counted at the end
        return [str(line) for line in found.get("lines") or ()]

    async def _received(self) -> None:
        """Let it go at once."""
        if self._sign_port is not None:
            with suppress(ClusterError), anyio.move_on_after(_SIGN_TIMEOUT_S):
                await self._kube.request("GET", self._path(RECEIVED_PATH), patience_s=0.0)

    async def begin(self, at_s: float) -> None:
        """Tell it when, through the API server.

        Raises:
            ClusterError: it cannot be told.
        """
        await self._kube.request("GET", self._path(BEGIN_PATH), query={"at": f"{at_s:.6f}"})

    async def accompany(self, now: Callable[[], float], timed: Callable[[RoundTrip], None]) -> None:
        """Ask again and again for a page of its own, through the API server, by which it sees that we are there, and
        which tells its time.

        Where that is refused, or never works, it is said once: the load then ends as planned, and not before.
        """
        if self._sign_port is None:
            return
        path = self._path(SIGN_PATH)
        answers, begun, told = 0, anyio.current_time(), False
        while True:
            sent = now()
            seen = await self._sign(path)
            if not isinstance(seen, ClusterError):
                answers += 1
                if isinstance(said := seen.get("t"), float | int):
                    timed(RoundTrip(sent=sent, answered=now(), said=float(said)))
                await anyio.sleep(SIGN_EVERY_S if answers > _QUICK else _QUICK_S)
                continue
            never = isinstance(seen, ApiRefusal) and seen.status in _NEVER
            if not told and not answers and (never or anyio.current_time() - begun > _UNHEARD_S):
                told = True
                self._tell(
                    f"The load worker cannot be shown that this harness is there ({seen}): should the harness be "
                    f"killed, the load goes on until its planned end. Needed: get on pods/proxy."
                )
            if never:
                return
            await anyio.sleep(SIGN_EVERY_S if answers or anyio.current_time() - begun > _SOON_UP_S else _QUICK_S)

    def _path(self, page: str) -> str:
        return f"/api/v1/namespaces/{self._namespace}/pods/{self._name}:{self._sign_port}/proxy{page}"

    async def _sign(self, path: str) -> ClusterError | dict[str, Any]:
        with anyio.move_on_after(_SIGN_TIMEOUT_S):
            try:
                return await self._kube.request("GET", path, patience_s=0.0)
            except ClusterError as error:
                return error
        return NoAnswer(f"GET {path}", f"no answer within {_SIGN_TIMEOUT_S:g} s")


@asynccontextmanager
async def pod_worker(
    kube: Kube,
    namespace: str,
    plan: str,
    *,
    image: str,
    labels: Mapping[str, str],
    away_from: Mapping[str, Any] | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[PodWorker]:
    """Create the worker's Pod and wait until it runs; it is gone when the block is left.

    Plan and program come to it in a Secret of the same name. That goes as soon as the Pod runs: what a kubelet has
    mounted of an immutable one stays, and nobody else has to read the header values in it.
    `labels`: the run's. `away_from`: a label selector of pods whose nodes it had better not share. `tell`: hears of
    what people should know.

    Raises:
        LoadError: it did not start within 120 s; says what held it up.
        ClusterError: the API refused it.
    """
    planned = json.loads(plan)
    name = f"rollout-harness-load-{planned.get('worker', 0)}"
    async with _secret(kube, namespace, name, plan, labels):
        await _create(kube, namespace, worker_pod(name, image, labels, planned.get("duration_s"), away_from=away_from))
        try:
            running = await _until_running(kube, namespace, name, image)
            with suppress(ClusterError):  # else it goes at the end
                await kube.delete("v1", "Secret", name, namespace=namespace, patience_s=_SOON_S)
            yield PodWorker(
                kube,
                namespace,
                name,
                image,
                sign_port=planned.get("sign_port"),
                tell=tell,
                node=(running.get("spec") or {}).get("nodeName"),
            )
        finally:
            with anyio.CancelScope(shield=True):
                await _delete(kube, namespace, "Pod", name, "It sends requests until then")


@asynccontextmanager
async def _secret(kube: Kube, namespace: str, name: str, plan: str, labels: Mapping[str, str]) -> AsyncIterator[None]:
    """The Secret with the plan, which is gone when the block is left."""
    await kube.create(worker_secret(name, plan, worker_archive(), labels), namespace)
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True):
            await _delete(kube, namespace, "Secret", name, "It holds the header values of the load")


async def _create(kube: Kube, namespace: str, pod: dict[str, Any]) -> None:
    """Create the Pod, once the one of an earlier run in this namespace, which is on its way out, has gone."""
    begun = anyio.current_time()
    while True:
        try:
            await kube.create(pod, namespace)
            return
        except ApiRefusal as refused:
            if refused.status != _CONFLICT or anyio.current_time() - begun > STOP_GRACE_S:
                raise
            standing = await kube.find("v1", "Pod", pod["metadata"]["name"], namespace)
            if standing is not None and "deletionTimestamp" not in standing["metadata"]:
                raise
        await anyio.sleep(_POLL_S)


async def _delete(kube: Kube, namespace: str, kind: str, name: str, why: str) -> None:
    try:
        await kube.remove("v1", kind, name, namespace=namespace, grace_s=1)
    except ClusterError as error:
        if is_not_found(error):
            return
        by_hand = f"{why}: {kube.kubectl} -n {namespace} delete {kind.lower()} {name}"
        raise LeftBehind(f"deleting the load worker's {kind} {name}", str(error), by_hand) from error


async def _until_running(kube: Kube, namespace: str, name: str, image: str) -> dict[str, Any]:
    """The Pod, once it runs."""
    tried, status, unpulled_since = f"starting the load worker Pod {name}", {}, math.inf
    with anyio.move_on_after(START_TIMEOUT_S):
        while True:
            pod = await kube.get("v1", "Pod", name, namespace)
            status = pod.get("status", {})
            if status.get("phase") == "Running":
                return pod
            if status.get("phase") in ("Failed", "Succeeded") or is_final(image, status):
                raise trouble(tried, image, status)
            now = anyio.current_time()
            unpulled_since = min(unpulled_since, now) if is_unpulled(status) else math.inf
            if now - unpulled_since > _UNPULLED_S:
                raise trouble(tried, image, status)
            await anyio.sleep(_POLL_S)
    raise LoadError(
        tried,
        f"it does not run after {START_TIMEOUT_S:g} s: {state(status)}",
        "Have the nodes room for it, and can they pull its image?",
    )
