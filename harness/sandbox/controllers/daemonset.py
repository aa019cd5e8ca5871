"""DaemonSets, nodes and pods -> a pod on each node that should have one, rolled by the update strategy; the status.

Source: kubernetes `pkg/controller/daemon`.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ApiError
from harness.sandbox.apiserver.resources import CONTROLLER_REVISIONS, DAEMON_SETS, NODES, PODS
from harness.sandbox.controllers import pods as podwise
from harness.sandbox.controllers.caches import Key, key_of
from harness.sandbox.controllers.controllerrevisions import ControllerRevisions
from harness.sandbox.controllers.daemonsetpods import REVISION_LABEL, pod_for
from harness.sandbox.controllers.daemonsetsteps import Situation, next_step, status
from harness.sandbox.controllers.eventrecorder import EventRecorder
from harness.sandbox.controllers.expectations import Expectations
from harness.sandbox.controllers.owners import claim, on_pod
from harness.sandbox.controllers.podcontrol import PodControl
from harness.sandbox.controllers.workqueue import WorkQueue, side_by_side

if TYPE_CHECKING:
    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.caches import Caches, Update
    from harness.sandbox.controllers.daemonsetsteps import Step

_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 900.0
_MOST_AT_ONCE = 250


class DaemonSetController:
    """Does one step of each DaemonSet at a time, and the next when that one has shown."""

    def __init__(self, caches: Caches) -> None:
        self._client = caches.client
        self._sets, self._pods, self._nodes = caches.of(DAEMON_SETS), caches.of(PODS), caches.of(NODES)
        revisions = caches.of(CONTROLLER_REVISIONS)
        self._revisions = ControllerRevisions(caches.client, revisions, hash_label=REVISION_LABEL)
        self._events = EventRecorder(caches.client, "daemonset-controller")
        self._control = PodControl(caches.client, self._events)
        self._expected = Expectations()
        self._queue: WorkQueue[Key] = WorkQueue("daemonset", self._sync)
        self._waits: dict[tuple[str, str], tuple[float, float]] = {}
        self._sets.listen(lambda update: self._queue.add(key_of(update.new)))
        self._pods.listen(lambda update: on_pod(update, self._sets, self._expected, self._queue))
        self._nodes.listen(self._on_node)

    async def run(self) -> None:
        """Works for ever."""
        await side_by_side(self._events.run(), self._queue.run())

    def _on_node(self, update: Update) -> None:
        """A node that came, went, or has other labels or taints may want other daemons."""
        if (
            update.old is None
            or _marks(update.old) != _marks(update.new)
            or self._nodes.get(*key_of(update.new)) is None
        ):
            for daemon_set in self._sets.all():
                self._queue.add(key_of(daemon_set))

    async def _sync(self, key: Key) -> None:
        daemon_set = self._sets.get(*key)
        if daemon_set is None:
            self._expected.forget(key)
            return
        if podwise.is_terminating(daemon_set):
            return
        owned = await claim(self._client, self._pods, daemon_set, self._pods.all(key.namespace))
        revisions = await self._revisions.of(daemon_set)
        situation = Situation(
            daemon_set=daemon_set,
            nodes=tuple(self._nodes.all()),
            pods=tuple(owned),
            revision_hash=revisions.update["metadata"]["labels"][REVISION_LABEL],
            now_s=time.time(),
        )
        settled, failure = self._expected.satisfied(key), None
        if settled:
            failure = await self._take(key, situation, next_step(situation))
            hashes = {(pod["metadata"].get("labels") or {}).get(REVISION_LABEL) for pod in owned}
            await self._revisions.truncate(daemon_set, (f"{key.name}-{live}" for live in hashes), revisions)
        await self._write_status(situation, observed=settled)
        if situation.available_in_s is not None:
            self._queue.add_after(key, situation.available_in_s)
        if failure is not None:
            raise failure

    async def _take(self, key: Key, situation: Situation, step: Step) -> ApiError | None:
        """Makes and deletes the pods of the step; the first failure."""
        held = [pod for pod in step.ended if not self._may_go(key, situation.daemon_set, pod)]
        going = [pod for pod in step.delete if pod not in held][:_MOST_AT_ONCE]
        coming = step.create[:_MOST_AT_ONCE]
        self._expected.expect(key, len(coming), (pod["metadata"]["uid"] for pod in going))
        failure = await self._create(key, situation, coming)
        results = await asyncio.gather(*(self._delete(key, situation.daemon_set, pod) for pod in going))
        return failure or next((error for error in results if error is not None), None)

    async def _create(self, key: Key, situation: Situation, nodes: list[str]) -> ApiError | None:
        """Slow start: batches of 1, 2, 4 ... until one fails."""
        made, batch = 0, 1
        while made < len(nodes):
            now = nodes[made : made + batch]
            pods = (pod_for(situation.daemon_set, node, situation.revision_hash) for node in now)
            calls = (self._control.create(situation.daemon_set, pod) for pod in pods)
            results = await asyncio.gather(*calls, return_exceptions=True)
            failures = [item for item in results if isinstance(item, BaseException)]
            made, batch = made + len(now), batch * 2
            if failures:
                for _ in range(len(nodes) - made + len(failures)):
                    self._expected.created(key)
                if isinstance(failures[0], ApiError):
                    return failures[0]
                raise failures[0]
        return None

    async def _delete(self, key: Key, daemon_set: Object, pod: Object) -> ApiError | None:
        try:
            await self._control.delete(daemon_set, pod)
        except ApiError as error:
            self._expected.deleted(key, pod["metadata"]["uid"])
            return None if error.status == 404 else error
        return None

    def _may_go(self, key: Key, daemon_set: Object, pod: Object) -> bool:
        """Whether a pod that ended is taken away now: one that failed only so often, lest nodes refuse it in a loop."""
        metadata, node = pod["metadata"], pod["spec"].get("nodeName", "")
        about = f"{metadata['namespace']}/{metadata['name']} on node {node}"
        if pod["status"]["phase"] == "Succeeded":
            self._events.normal(
                daemon_set, "SucceededDaemonPod", f"Found succeeded daemon pod {about}, will try to delete it"
            )
            return True
        place, now = (daemon_set["metadata"]["uid"], node), time.monotonic()
        wait_s, since = self._waits.get(place, (0.0, -2 * _LONGEST_WAIT_S))
        if now - since < wait_s:
            self._queue.add_after(key, wait_s - (now - since))
            return False
        again = now - since > 2 * _LONGEST_WAIT_S
        self._waits[place] = (_FIRST_WAIT_S if again else min(wait_s * 2, _LONGEST_WAIT_S), now)
        self._events.warning(daemon_set, "FailedDaemonPod", f"Found failed daemon pod {about}, will try to kill it")
        return True

    async def _write_status(self, situation: Situation, *, observed: bool) -> None:
        daemon_set = situation.daemon_set
        new = status(situation, observed=observed)
        if new == daemon_set.get("status", {}):
            return
        path = DAEMON_SETS.path(*key_of(daemon_set))
        await self._client.update(f"{path}/status", {**daemon_set, "status": new})


def _marks(node: Object) -> tuple[object, object]:
    return node["metadata"].get("labels"), node.get("spec", {}).get("taints")
