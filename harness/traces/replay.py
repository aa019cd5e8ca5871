"""A trace and a cluster -> the same things done again, at the same distances, and a recording of what came of it."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

import anyio

from harness.clusters.cluster import Cluster
from harness.errors import ClusterError, UsageError
from harness.kube.client import STRATEGIC_MERGE, Kube
from harness.kube.view import View
from harness.kube.watch import EventType, watch
from harness.spec.completion import is_complete
from harness.spec.termination import HOOK_EXTENSION_S, grace_period_s
from harness.spec.workload import WORKLOAD_KINDS, pod_spec
from harness.traces.gates import gated, opened
from harness.traces.recorder import Recorder, recording, single_error
from harness.traces.trace import ChangeType, Mark, MarkType, Object, Trace

_LATER_S = 30.0
"""How much longer than in the recording something may take before the replay is given up."""

_TAIL_S = 0.5
"""What is still told after the last pod is gone."""

_NAMESPACE_TIMEOUT_S = 90.0
_SERVICE = "web"


def _silent(_: Mark) -> None:
    pass


async def replay(cluster: Cluster, play: Script, file: BinaryIO, *, on_mark: Callable[[Mark], None] = _silent) -> None:
    """Do in a namespace of its own what the script says, and record as it was recorded.

    Raises:
        ClusterError: the cluster refuses something, or does not get where the recorded one got, in its time and 30 s.
    """
    with single_error():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_fail_with, cluster)
            async with _namespace(cluster.kube) as namespace, recording(cluster.kube, namespace, file) as recorder:
                await _Player(cluster.kube, namespace, recorder, play, on_mark).play()
            tasks.cancel_scope.cancel()


async def _fail_with(cluster: Cluster) -> None:
    raise await cluster.died()


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What is to be done. `with_service`: the recording took the Service away together with the workload."""

    trace: str
    manifest: Object
    marks: tuple[Mark, ...]
    with_service: bool


def script(trace: Trace) -> Script:
    """What the marks of a trace say is to be done.

    Raises:
        UsageError: they do not say it.
    """
    tried = f"replaying {trace.name}"
    marks = trace.marks
    known = frozenset(map(str, MarkType))
    strange = [mark.type for mark in marks if mark.type not in known]
    if strange:
        raise UsageError(tried, f"it has a mark {strange[0]!r}", f"Known are: {', '.join(sorted(known))}.")
    if not marks or marks[0].type != MarkType.CREATE or not marks[0].object:
        raise UsageError(tried, "its first mark is not `create` with a manifest", "Only such a trace says what to do.")
    manifest = marks[0].object
    if manifest.get("kind") not in WORKLOAD_KINDS:
        raise UsageError(tried, f"it creates a {manifest.get('kind')}", f"Known are: {', '.join(WORKLOAD_KINDS)}.")
    if not _is_whole(manifest):
        raise UsageError(tried, "its manifest lacks a name, spec.selector.matchLabels or spec.template.spec")
    for mark in marks[1:]:
        if mark.type == MarkType.CREATE or (mark.type == MarkType.UPDATE and not mark.object):
            raise UsageError(tried, f"the mark {mark.type!r} at {mark.t:g} s says nothing that can be done")
    with_service = any(c.kind == "EndpointSlice" and c.type is ChangeType.DELETED for c in trace.changes)
    return Script(trace=trace.name, manifest=manifest, marks=marks, with_service=with_service)


def _is_whole(manifest: Object) -> bool:
    try:
        spec = manifest["spec"]
        needed = (manifest["metadata"]["name"], spec["selector"]["matchLabels"], spec["template"]["spec"])
    except (KeyError, TypeError):
        return False
    return all(map(isinstance, needed, (str, dict, dict)))


class _Player:
    """Goes from mark to mark: waits for what was reached, does what was done."""

    def __init__(
        self, kube: Kube, namespace: str, recorder: Recorder, play: Script, on_mark: Callable[[Mark], None]
    ) -> None:
        self._kube, self._namespace, self._recorder, self._script = kube, namespace, recorder, play
        self._on_mark = on_mark
        self._kind, self._name = play.manifest["kind"], play.manifest["metadata"]["name"]
        self._generation = 1

    async def play(self) -> None:
        """All marks, and then until nothing is left."""
        await self._create()
        completed = True
        for before, mark in pairwise(self._script.marks):
            distance_s = mark.t - before.t
            if mark.type in (MarkType.CREATED_COMPLETE, MarkType.ROLLOUT_COMPLETE):
                await self._until("the rollout to be complete", self._complete, distance_s)
                completed = True
            elif mark.type == MarkType.PODS_SETTLED and completed:
                await self._until("the old pods to be gone", self._settled, distance_s)
            elif mark.type == MarkType.GATE_TRUE:
                await self._rest(distance_s)
                await self._until("a pod to wait for its readiness gate", lambda view: bool(gated(view)), distance_s)
            else:  # done from outside, or not waited for: a rollout that never completed was given a fixed time
                await self._rest(distance_s)
                completed = completed and mark.type != MarkType.UPDATE
            await self._do(mark)
        await self._until("everything to be gone", self._gone, self._grace_s)
        await anyio.sleep(_TAIL_S)

    async def _rest(self, distance_s: float) -> None:
        """Wait until as much time has passed since the last mark as in the recording."""
        await anyio.sleep(max(0.0, self._reached_s + distance_s - self._recorder.now_s))

    async def _create(self) -> None:
        self._recorder.start()
        await self._do(self._script.marks[0])
        selector = self._script.manifest["spec"]["selector"]["matchLabels"]
        service = {"metadata": {"name": _SERVICE}, "spec": {"selector": selector, "ports": [{"port": 80}]}}
        await self._kube.create({"apiVersion": "v1", "kind": "Service", **service}, self._namespace)
        await self._kube.create(self._script.manifest, self._namespace)

    async def _do(self, mark: Mark) -> None:
        self._reached_s = self._recorder.now_s
        self._recorder.mark(mark.type, mark.object)
        self._on_mark(Mark(t=self._reached_s, type=mark.type, object=mark.object))
        if mark.type == MarkType.UPDATE:
            patch = mark.object or {}
            patched = await self._kube.patch("apps/v1", self._kind, self._name, patch, namespace=self._namespace)
            self._generation = int(patched["metadata"]["generation"])
        elif mark.type == MarkType.GATE_TRUE:
            await self._open_gates(mark.object)
        elif mark.type == MarkType.DELETE:
            await self._kube.delete("apps/v1", self._kind, self._name, namespace=self._namespace)
            if self._script.with_service:
                await self._kube.delete("v1", "Service", _SERVICE, namespace=self._namespace)

    async def _open_gates(self, told: Object | None) -> None:
        """Of the pod that waits longest where the mark names one (it has another name here), else of all."""
        pods = gated(self._recorder.view)
        resource = await self._kube.resource("v1", "Pod")
        for pod in pods[:1] if (told or {}).get("pod") else pods:
            path = resource.path(self._namespace, pod["metadata"]["name"], "status")
            headers = {"Content-Type": STRATEGIC_MERGE}
            await self._kube.request("PATCH", path, body=opened(pod, told), headers=headers)

    async def _until(self, what: str, holds: Callable[[View], bool], recorded_s: float) -> None:
        await self._recorder.view.until(
            f"{what} (replaying {self._script.trace})", holds, deadline_s=recorded_s + _LATER_S, state=self._state
        )

    def _complete(self, view: View) -> bool:
        workload = view.named(self._kind, self._name)
        return workload is not None and is_complete(workload, generation=self._generation)

    def _settled(self, view: View) -> bool:
        return not any(pod["metadata"].get("deletionTimestamp") for pod in view.objects("Pod"))

    def _gone(self, view: View) -> bool:
        return not any(view.objects(kind) for kind in (self._kind, "ReplicaSet", "Pod"))

    @property
    def _grace_s(self) -> float:
        return grace_period_s(pod_spec(self._script.manifest)) + HOOK_EXTENSION_S

    def _state(self, view: View) -> str:
        workload = view.named(self._kind, self._name)
        pods = ", ".join(f"{pod['metadata']['name']} {_standing(pod)}" for pod in view.objects("Pod")) or "no pods"
        return f"{json.dumps(workload.get('status', {})) if workload else 'the workload is gone'}; {pods}"


def _standing(pod: Object) -> str:
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))
    return f"{pod['status'].get('phase')}, {'Ready' if ready else 'not Ready'}"


@asynccontextmanager
async def _namespace(kube: Kube) -> AsyncIterator[str]:
    """A namespace that is gone, with everything in it, when the block is left."""
    name = f"trace-{secrets.token_hex(3)}"
    await kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    try:
        yield name
    finally:
        with anyio.CancelScope(shield=True):
            await _delete_namespace(kube, name)


async def _delete_namespace(kube: Kube, name: str) -> None:
    tried, by_hand = f"deleting namespace {name}", f"Delete it by hand: kubectl delete namespace {name}"
    with anyio.move_on_after(_NAMESPACE_TIMEOUT_S):
        async for event in watch(kube, "v1", "Namespace", name=name):
            if event.type is EventType.DELETED:
                return
            if event.type is EventType.ADDED:
                await kube.delete("v1", "Namespace", name)
    raise ClusterError(tried, f"it is still there after {_NAMESPACE_TIMEOUT_S:g} s", by_hand)
