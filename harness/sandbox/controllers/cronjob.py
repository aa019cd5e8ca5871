"""CronJobs -> Jobs when their time has come, and the end of old ones.

Source: kubernetes `pkg/controller/cronjob` (cronjob_controllerv2.go, utils.go).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ApiError, Propagation
from harness.sandbox.apiserver.clock import rfc3339, seconds
from harness.sandbox.apiserver.resources import CRON_JOBS, JOBS
from harness.sandbox.controllers import pods as podwise
from harness.sandbox.controllers.caches import Key, copied, key_of
from harness.sandbox.controllers.eventrecorder import EventRecorder
from harness.sandbox.controllers.jobstatus import ended
from harness.sandbox.controllers.owners import controller_of, owner_in, reference_to
from harness.sandbox.controllers.workqueue import WorkQueue, side_by_side
from harness.sandbox.cronschedule import Schedule, ScheduleError, parsed

if TYPE_CHECKING:
    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.caches import Caches, Update

SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
_LATE_S = 0.1  # what the real one adds to be sure that the moment has come


class CronJobController:
    """Starts each CronJob's Jobs when they are due."""

    def __init__(self, caches: Caches) -> None:
        self._client = caches.client
        self._cron_jobs, self._jobs = caches.of(CRON_JOBS), caches.of(JOBS)
        self._events = EventRecorder(caches.client, "cronjob-controller")
        self._queue: WorkQueue[Key] = WorkQueue("cronjob", self._sync)
        self._cron_jobs.listen(lambda update: self._queue.add(key_of(update.new)))
        self._jobs.listen(self._on_job)

    async def run(self) -> None:
        """Works for ever."""
        await side_by_side(self._events.run(), self._queue.run())

    def _on_job(self, update: Update) -> None:
        reference = controller_of(update.new)
        if reference is not None and reference["kind"] == CRON_JOBS.kind:
            self._queue.add(Key(update.new["metadata"]["namespace"], reference["name"]))

    async def _sync(self, key: Key) -> None:
        cron_job = self._cron_jobs.get(*key)
        if cron_job is None:
            return
        jobs = [job for job in self._jobs.all(key.namespace) if owner_in(self._cron_jobs, job) is cron_job]
        cron_job = await self._with_status(cron_job, self._settled(cron_job, jobs))
        await self._delete_old(cron_job, jobs)
        if podwise.is_terminating(cron_job) or cron_job["spec"].get("suspend"):
            return
        try:
            schedule = parsed(cron_job["spec"]["schedule"], cron_job["spec"].get("timeZone") or "")
        except ScheduleError as error:
            self._events.warning(cron_job, "UnparseableSchedule", f"unparseable schedule: {error}")
            return
        now = datetime.now(UTC)
        due = last_due(cron_job, schedule, now)
        if due is not None:
            await self._start(cron_job, due)
        if (following := schedule.after(now)) is not None:
            self._queue.add_after(key, (following - now).total_seconds() + _LATE_S)

    def _settled(self, cron_job: Object, jobs: list[Object]) -> Object:
        """The status without Jobs that have ended or are gone."""
        status = copied(cron_job.get("status") or {})
        by_uid = {job["metadata"]["uid"]: job for job in jobs}
        active = []
        for reference in status.get("active") or ():
            job = by_uid.get(reference["uid"]) or self._jobs.by_uid(reference["uid"])
            if job is not None and not ended(job):
                active.append(reference)
            elif job is not None:
                text = f"Saw completed job: {reference['name']}, condition: {_condition(job)}"
                self._events.normal(cron_job, "SawCompletedJob", text)
            elif time.time() - seconds(status.get("lastScheduleTime", rfc3339(0))) < 1:
                active.append(reference)  # made a moment ago: the cache does not show it yet
            else:
                text = f"Active job went missing: {reference['name']}"
                self._events.normal(cron_job, "MissingJob", text)
        times = [job["status"]["completionTime"] for job in jobs if job.get("status", {}).get("completionTime")]
        if times:
            status["lastSuccessfulTime"] = max([*times, status.get("lastSuccessfulTime", "")])
        status.pop("active", None)
        return {**status, "active": active} if active else status

    async def _delete_old(self, cron_job: Object, jobs: list[Object]) -> None:
        """Deletes what is beyond the limits of history, the oldest first."""
        for limit, kind in (("successfulJobsHistoryLimit", "Complete"), ("failedJobsHistoryLimit", "Failed")):
            kept = cron_job["spec"].get(limit)
            done = sorted((job for job in jobs if _condition(job) == kind), key=_begun)
            for job in done[: len(done) - kept] if kept is not None and len(done) > kept else ():
                await self._delete(cron_job, job)

    async def _start(self, cron_job: Object, due: datetime) -> None:
        spec, status = cron_job["spec"], copied(cron_job.get("status") or {})
        active = status.get("active") or []
        if spec["concurrencyPolicy"] == "Forbid" and active:
            text = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self._events.normal(cron_job, "JobAlreadyActive", text)
            return
        if spec["concurrencyPolicy"] == "Replace":
            for reference in active:
                if (running := self._jobs.by_uid(reference["uid"])) is not None:
                    await self._delete(cron_job, running)
            active = []
        try:
            job = await self._client.create(JOBS.collection(cron_job["metadata"]["namespace"]), job_of(cron_job, due))
        except ApiError as error:
            if error.status != 409:
                self._events.warning(cron_job, "FailedCreate", f"Error creating job: {error.message}")
                raise
            return  # it was made before
        self._events.normal(cron_job, "SuccessfulCreate", f"Created job {job['metadata']['name']}")
        metadata = job["metadata"]
        reference = {"kind": job["kind"], "apiVersion": job["apiVersion"]}
        reference |= {name: metadata[name] for name in ("namespace", "name", "uid", "resourceVersion")}
        last = {"active": [*active, reference], "lastScheduleTime": rfc3339(due.timestamp())}
        await self._with_status(cron_job, {**status, **last})

    async def _delete(self, cron_job: Object, job: Object) -> None:
        name = job["metadata"]["name"]
        try:
            path, uid = JOBS.path(*key_of(job)), job["metadata"]["uid"]
            await self._client.delete(path, propagation=Propagation.BACKGROUND, uid=uid)
        except ApiError as error:
            if error.status not in (404, 409):
                self._events.warning(cron_job, "FailedDelete", f"Deleted job: {error.message}")
                raise
            return
        self._events.normal(cron_job, "SuccessfulDelete", f"Deleted job {name}")

    async def _with_status(self, cron_job: Object, status: Object) -> Object:
        if status == (cron_job.get("status") or {}):
            return cron_job
        body = {**cron_job, "status": status}
        return copied(await self._client.update(f"{CRON_JOBS.path(*key_of(cron_job))}/status", body))


def last_due(cron_job: Object, schedule: Schedule, now: datetime) -> datetime | None:
    """The newest moment until `now` for which no Job was started yet; None where there is none."""
    metadata, status = cron_job["metadata"], cron_job.get("status") or {}
    since = seconds(status.get("lastScheduleTime") or metadata["creationTimestamp"])
    if (deadline_s := cron_job["spec"].get("startingDeadlineSeconds")) is not None:
        since = max(since, now.timestamp() - deadline_s)
    found, moment = None, schedule.after(datetime.fromtimestamp(since, UTC))
    while moment is not None and moment <= now:
        found, moment = moment, schedule.after(moment)
    return found


def job_of(cron_job: Object, due: datetime) -> Object:
    """The Job of one moment, with a name that only it can have."""
    template, metadata = copied(cron_job["spec"]["jobTemplate"]), cron_job["metadata"]
    about = template.get("metadata") or {}
    annotations = {**(about.get("annotations") or {}), SCHEDULED_AT: rfc3339(due.timestamp())}
    return {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": {
            "name": f"{metadata['name']}-{int(due.timestamp()) // 60}",
            "namespace": metadata["namespace"],
            "labels": about.get("labels") or {},
            "annotations": annotations,
            "ownerReferences": [reference_to(cron_job)],
        },
        "spec": template["spec"],
    }


def _condition(job: Object) -> str:
    """`Complete` or `Failed`; empty while it runs."""
    held = {item["type"] for item in job.get("status", {}).get("conditions") or () if item.get("status") == "True"}
    return next((kind for kind in ("Complete", "Failed") if kind in held), "")


def _begun(job: Object) -> tuple[str, str]:
    return job.get("status", {}).get("startTime", ""), job["metadata"]["name"]
