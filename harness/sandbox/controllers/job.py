"""Jobs and their pods -> pods run to completion, once an index or a number of times, and the status.

Every finished pod is counted once: it carries a finalizer until its uid stands in the status. Source: kubernetes
`pkg/controller/job`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ApiError, ChangeType, Propagation
from harness.sandbox.apiserver.clock import seconds
from harness.sandbox.apiserver.resources import JOBS, PODS
from harness.sandbox.controllers import pods as podwise
from harness.sandbox.controllers.caches import Key, copied, key_of
from harness.sandbox.controllers.eventrecorder import EventRecorder
from harness.sandbox.controllers.expectations import Expectations
from harness.sandbox.controllers.jobstatus import FINALIZER, Tally, ended, new_pods
from harness.sandbox.controllers.owners import controller_of, owner_in
from harness.sandbox.controllers.podcontrol import PodControl
from harness.sandbox.controllers.workqueue import WorkQueue, side_by_side

if TYPE_CHECKING:
    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.caches import Caches, Update

_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S = 10.0, 600.0


class JobController:
    """Runs each Job until enough of its pods succeeded, or too many failed."""

    def __init__(self, caches: Caches) -> None:
        self._client = caches.client
        self._jobs, self._pods = caches.of(JOBS), caches.of(PODS)
        self._events = EventRecorder(caches.client, "job-controller")
        self._control = PodControl(caches.client, self._events)
        self._expected = Expectations()
        self._freed: set[str] = set()
        self._queue: WorkQueue[Key] = WorkQueue("job", self._sync)
        self._jobs.listen(lambda update: self._queue.add(key_of(update.new)))
        self._pods.listen(self._on_pod)

    async def run(self) -> None:
        """Works for ever."""
        await side_by_side(self._events.run(), self._queue.run())

    def _on_pod(self, update: Update) -> None:
        if update.type is ChangeType.DELETED:
            self._freed.discard(update.new["metadata"]["uid"])
        owner = owner_in(self._jobs, update.new)
        if owner is None:
            reference = controller_of(update.new)
            if reference is not None and reference["kind"] == JOBS.kind and FINALIZER in _finalizers(update.new):
                self._queue.add(Key(update.new["metadata"]["namespace"], reference["name"]))
            return
        key = key_of(owner)
        self._expected.seen(key, update)
        self._queue.add(key)

    async def _sync(self, key: Key) -> None:
        job = self._jobs.get(*key)
        if job is None:
            self._expected.forget(key)
            await self._free_orphans(key)
            return
        pods = [pod for pod in self._pods.all(key.namespace) if owner_in(self._jobs, pod) is job]
        if ended(job):
            await self._after_the_end(key, job, pods)
            return
        if podwise.is_terminating(job):  # a deletion in the foreground waits for its pods
            await self._free_ended(pods)
            return
        if not self._expected.satisfied(key):
            return
        tally = Tally(job, pods, time.time(), self._freed)
        if tally.uncounted:
            job = await self._write_status(job, tally.noted())
        for pod in tally.noted_pods():
            await self._free(pod)
        tally = Tally(job, pods, time.time(), self._freed)
        failure = await self._steer(key, job, tally)
        if ended(await self._write_status(job, tally.status())):
            self._record_end(job, tally)
        if failure is not None:
            raise failure

    async def _steer(self, key: Key, job: Object, tally: Tally) -> ApiError | None:
        """Creates or deletes pods as the tally wants."""
        if tally.finished_condition():
            for pod in tally.active:
                await self._delete(key, job, pod)
            return None
        surplus = len(tally.active) - tally.wanted
        if surplus > 0:
            self._expected.expect_deletions(key, (pod["metadata"]["uid"] for pod in tally.active[:surplus]))
            for pod in tally.active[:surplus]:
                await self._delete(key, job, pod)
        elif (missing := tally.wanted - len(tally.staying)) > 0:
            wait_s = self._backoff_s(tally)
            if wait_s > 0:
                self._queue.add_after(key, wait_s)
                return None
            return await self._create(key, job, new_pods(job, tally, missing))
        if (rest_s := tally.deadline_in_s) is not None:
            self._queue.add_after(key, max(rest_s, 0.0))
        return None

    def _record_end(self, job: Object, tally: Tally) -> None:
        """Once, when the Job's status says that it is over: until then a sync may come to the same end again."""
        kind, reason, text = tally.finished_condition() or ("", "", "")
        if kind == "Complete":
            self._events.normal(job, "Completed", "Job completed")
        elif kind:
            self._events.warning(job, reason, text)

    @staticmethod
    def _backoff_s(tally: Tally) -> float:
        """Seconds to wait after failures in a row: 10, 20, 40 ... up to 600 since the last of them."""
        if not tally.failures_in_a_row or tally.last_failure_s is None:
            return 0.0
        pause_s = min(_FIRST_BACKOFF_S * 2.0 ** min(tally.failures_in_a_row - 1, 10), _LONGEST_BACKOFF_S)
        return tally.last_failure_s + pause_s - time.time()

    async def _create(self, key: Key, job: Object, pods: list[Object]) -> ApiError | None:
        self._expected.expect_creations(key, len(pods))
        for n, pod in enumerate(pods):
            try:
                await self._control.create(job, pod)
            except ApiError as error:
                for _ in pods[n:]:
                    self._expected.created(key)
                return error
        return None

    async def _delete(self, key: Key, job: Object, pod: Object) -> None:
        try:
            await self._control.delete(job, pod)
        except ApiError as error:
            self._expected.deleted(key, pod["metadata"]["uid"])
            if error.status not in (404, 409):
                raise

    async def _after_the_end(self, key: Key, job: Object, pods: list[Object]) -> None:
        """Frees the pods that are left; deletes the Job itself when its time to live is over."""
        await self._free_ended(pods)
        ttl_s = job["spec"].get("ttlSecondsAfterFinished")
        last = [item.get("lastTransitionTime") for item in job["status"]["conditions"] if item["status"] == "True"]
        if ttl_s is None or not any(last):
            return
        rest_s = max(seconds(stamp) for stamp in last if stamp) + ttl_s - time.time()
        if rest_s > 0:
            self._queue.add_after(key, rest_s)
        else:
            uid = job["metadata"]["uid"]
            await self._client.delete(JOBS.path(*key), propagation=Propagation.BACKGROUND, uid=uid)

    async def _free_ended(self, pods: list[Object]) -> None:
        for pod in pods:
            if FINALIZER in _finalizers(pod) and (podwise.is_finished(pod) or podwise.is_terminating(pod)):
                await self._free(pod)

    async def _free_orphans(self, key: Key) -> None:
        """Pods whose Job is gone must not be held by its finalizer."""
        for pod in self._pods.all(key.namespace):
            reference = controller_of(pod)
            gone = reference is not None and reference["kind"] == JOBS.kind and owner_in(self._jobs, pod) is None
            if gone and FINALIZER in _finalizers(pod):
                await self._free(pod)

    async def _free(self, pod: Object) -> None:
        kept = [item for item in _finalizers(pod) if item != FINALIZER]
        self._freed.add(pod["metadata"]["uid"])
        try:
            await self._client.patch(PODS.path(*key_of(pod)), {"metadata": {"finalizers": kept or None}})
        except ApiError as error:
            if error.status != 404:
                raise

    async def _write_status(self, job: Object, status: Object) -> Object:
        if status == job.get("status", {}):
            return job
        body = {**job, "status": status}
        return copied(await self._client.update(f"{JOBS.path(*key_of(job))}/status", body))


def _finalizers(pod: Object) -> list[str]:
    return list(pod["metadata"].get("finalizers") or ())
