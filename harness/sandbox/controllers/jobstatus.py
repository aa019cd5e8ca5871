"""A Job and its pods -> how many are to run, which indexes are done, whether it is over. Pure.

Source: kubernetes `pkg/controller/job/job_controller.go`, `indexed_job_utils.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiserver.clock import rfc3339, seconds
from harness.sandbox.controllers import pods as podwise
from harness.sandbox.controllers.podfailurepolicy import FAIL_JOB, IGNORE, ruled

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from harness.sandbox.apiclient import Object

FINALIZER = "batch.kubernetes.io/job-tracking"
INDEX = "batch.kubernetes.io/job-completion-index"
_INDEX_FIELD = f"metadata.labels['{INDEX}']"
_COMPLETE = "Reached expected number of succeeded pods"
_LAST_AFTER = {"FailureTarget": "Failed", "SuccessCriteriaMet": "Complete"}
"""What a Job gets when its end is decided, and what when the last of its pods has stopped."""


class Tally:
    """The count of one sync. `freed` are the pods that were counted before, although the cache may not show it yet."""

    def __init__(self, job: Object, pods: Iterable[Object], now_s: float, freed: Collection[str] = ()) -> None:
        self._job, self._now_s = job, now_s
        self._old = job.get("status", {})
        noted = self._old.get("uncountedTerminatedPods") or {}
        self._noted = {part: list(noted.get(part, ())) for part in ("succeeded", "failed")}
        self._freed = freed
        known = {*self._noted["succeeded"], *self._noted["failed"], *freed}
        self.pods = list(pods)
        self.active = [pod for pod in self.pods if podwise.is_active(pod)]
        self._terminating = [pod for pod in self.pods if podwise.is_terminating(pod) and not podwise.is_finished(pod)]
        held = [pod for pod in self.pods if self._is_over(pod) and FINALIZER in pod["metadata"].get("finalizers", ())]
        self._over = [pod for pod in held if pod["metadata"]["uid"] not in freed]
        self.uncounted = [pod for pod in self._over if pod["metadata"]["uid"] not in known and not self._ignored(pod)]
        self.succeeded = self._old.get("succeeded", 0) + len(self._noted["succeeded"])
        self.failed = self._old.get("failed", 0) + len(self._noted["failed"])
        self.done = parsed(self._old.get("completedIndexes", "")) | {
            index for pod in self.pods if _succeeded(pod) and (index := index_of(pod)) is not None
        }

    @property
    def indexed(self) -> bool:
        """Whether each pod has an index of its own."""
        return bool(self._job["spec"]["completionMode"] == "Indexed")

    @property
    def wanted(self) -> int:
        """How many pods are to run now."""
        spec = self._job["spec"]
        if spec.get("suspend"):
            return 0
        completions = spec.get("completions")
        if completions is None:
            return len(self.active) if self.succeeded else int(spec["parallelism"])
        rest = completions - (len(self.done) if self.indexed else self.succeeded)
        return int(max(min(spec["parallelism"], rest), 0))

    @property
    def staying(self) -> list[Object]:
        """The pods that have their place: where one is replaced when it has failed, also those that are stopping."""
        return [*self.active, *(self._terminating if self._replaced_when_failed else ())]

    @property
    def _replaced_when_failed(self) -> bool:
        return bool(self._job["spec"].get("podReplacementPolicy") == "Failed")

    def _is_over(self, pod: Object) -> bool:
        """Whether it is to be counted now."""
        return podwise.is_finished(pod) or (podwise.is_terminating(pod) and not self._replaced_when_failed)

    def _ignored(self, pod: Object) -> bool:
        rule = ruled(self._job, pod) if _failed(pod) else None
        return rule is not None and rule.action == IGNORE

    @property
    def failures_in_a_row(self) -> int:
        """Failed pods since the last success, newest first."""
        over = sorted((pod for pod in self.pods if podwise.is_finished(pod)), key=_ended_s, reverse=True)
        count = 0
        for pod in over:
            if _succeeded(pod):
                break
            count += 1
        return count

    @property
    def last_failure_s(self) -> float | None:
        """When the last failed pod ended."""
        return max((_ended_s(pod) for pod in self.pods if _failed(pod)), default=None)

    @property
    def deadline_in_s(self) -> float | None:
        """Seconds until the Job has been active for too long."""
        limit_s, start = self._job["spec"].get("activeDeadlineSeconds"), self._old.get("startTime")
        return seconds(start) + limit_s - self._now_s if limit_s is not None and start else None

    def finished_condition(self) -> tuple[str, str, str] | None:
        """Type, reason and message of the condition that ends the Job, once there is one; it stays the first one."""
        for first, last in _LAST_AFTER.items():
            if (found := _find(self._old.get("conditions") or [], first)) is not None and found["status"] == "True":
                return last, found["reason"], found["message"]
        spec = self._job["spec"]
        failed = (rule for pod in self.pods if _failed(pod) and (rule := ruled(self._job, pod)) is not None)
        if (fatal := next((rule for rule in failed if rule.action == FAIL_JOB), None)) is not None:
            return "Failed", "PodFailurePolicy", fatal.why
        if self.failed > spec["backoffLimit"]:
            return "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"
        if (rest_s := self.deadline_in_s) is not None and rest_s <= 0:
            return "Failed", "DeadlineExceeded", "Job was active longer than specified deadline"
        completions = spec.get("completions")
        if completions is None:
            complete = self.succeeded > 0 and not self.active
        else:
            complete = (len(self.done) if self.indexed else self.succeeded) >= completions
        return ("Complete", "CompletionsReached", _COMPLETE) if complete else None

    def noted_pods(self) -> list[Object]:
        """The pods that are counted by now, or are not to be, and that still carry the finalizer."""
        return self._over

    def noted(self) -> Object:
        """The status with the uids of pods that ended since, before they are freed of their finalizer."""
        parts = {part: list(uids) for part, uids in self._noted.items()}
        for pod in self.uncounted:
            parts["succeeded" if _succeeded(pod) else "failed"].append(pod["metadata"]["uid"])
        return {**self._old, "uncountedTerminatedPods": {part: uids for part, uids in parts.items() if uids}}

    def status(self) -> Object:
        """The status with everything counted."""
        conditions = list(self._old.get("conditions", ()))
        status: Object = {key: self._old[key] for key in ("startTime", "completionTime") if key in self._old}
        if "startTime" not in status and not self._job["spec"].get("suspend"):
            status["startTime"] = rfc3339(self._now_s)
        finished = self.finished_condition()
        status |= self._counts()
        status["uncountedTerminatedPods"] = {}
        if self.indexed and self.done:
            status["completedIndexes"] = rendered(self.done)
        conditions = self._concluded(conditions, finished, status)
        return status | ({"conditions": conditions} if conditions else {})

    def _counts(self) -> Object:
        """How many pods there are of each sort. Of a Job that is to end none is active: those that run are to stop."""
        over = self.finished_condition() is not None
        ready = [pod for pod in self.active if podwise.is_ready(pod)]
        counts = {"succeeded": self.succeeded, "failed": self.failed, "active": 0 if over else len(self.active)}
        counted: Object = {key: value for key, value in counts.items() if value}
        return counted | {
            "ready": 0 if over else len(ready),
            "terminating": len(self._terminating) + (len(self.active) if over else 0),
        }

    def _concluded(
        self, conditions: list[Object], finished: tuple[str, str, str] | None, status: Object
    ) -> list[Object]:
        if finished is not None:
            kind, reason, text = finished
            first = next(first for first, last in _LAST_AFTER.items() if last == kind)
            if _find(conditions, first) is None:
                conditions = [*conditions, self._condition(first, "True", reason, text)]
            if status["terminating"]:
                return conditions
            if kind == "Complete":
                status["completionTime"] = rfc3339(self._now_s)
            return [*conditions, self._condition(kind, "True", reason, text)]
        suspended, present = bool(self._job["spec"].get("suspend")), _find(conditions, "Suspended")
        if suspended == (present is not None and present["status"] == "True"):
            return conditions
        others = [item for item in conditions if item is not present]
        if suspended:
            return [*others, self._condition("Suspended", "True", "JobSuspended", "Job suspended")]
        return [*others, self._condition("Suspended", "False", "JobResumed", "Job resumed")]

    def _condition(self, kind: str, status: str, reason: str, text: str) -> Object:
        stamp = rfc3339(self._now_s)
        condition = {"type": kind, "status": status, "lastProbeTime": stamp, "lastTransitionTime": stamp}
        return condition | {"reason": reason, "message": text}


def ended(job: Object) -> bool:
    """Whether the Job is complete or has failed."""
    conditions = job.get("status", {}).get("conditions") or ()
    return any(item["type"] in ("Complete", "Failed") and item["status"] == "True" for item in conditions)


def new_pods(job: Object, tally: Tally, count: int) -> list[Object]:
    """The next pods: for an Indexed Job of the lowest indexes that are neither done nor running."""
    if not tally.indexed:
        return [_pod(job, None) for _ in range(count)]
    taken = tally.done | {index for pod in tally.staying if (index := index_of(pod)) is not None}
    free = [index for index in range(job["spec"]["completions"]) if index not in taken]
    return [_pod(job, index) for index in free[:count]]


def index_of(pod: Object) -> int | None:
    """The completion index of a pod."""
    text = (pod["metadata"].get("annotations") or {}).get(INDEX, "")
    return int(text) if text.isdigit() else None


def rendered(indexes: set[int]) -> str:
    """Indexes as the API writes them.

    >>> rendered({0, 1, 2, 5, 7, 8})
    '0-2,5,7,8'
    """
    runs: list[list[int]] = []
    for index in sorted(indexes):
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)) for run in runs)


def parsed(text: str) -> set[int]:
    """The set that `rendered` wrote."""
    indexes: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        indexes.update(range(int(first), int(last or first) + 1))
    return indexes


def _pod(job: Object, index: int | None) -> Object:
    pod = podwise.from_template(job["spec"]["template"], job)
    metadata = pod["metadata"]
    metadata["finalizers"] = [*metadata.get("finalizers", ()), FINALIZER]
    if index is None:
        return pod
    name = job["metadata"]["name"]
    metadata["generateName"] = f"{name}-{index}-"
    for part in ("labels", "annotations"):
        metadata[part] = {**metadata.get(part, {}), INDEX: str(index)}
    variable = {"name": "JOB_COMPLETION_INDEX", "valueFrom": {"fieldRef": {"fieldPath": _INDEX_FIELD}}}
    spec = {**pod["spec"]}
    for part in ("containers", "initContainers"):
        if spec.get(part):
            spec[part] = [{**item, "env": [*item.get("env", ()), variable]} for item in spec[part]]
    spec.setdefault("hostname", f"{name}-{index}")
    return {**pod, "spec": spec}


def _succeeded(pod: Object) -> bool:
    return bool(pod.get("status", {}).get("phase") == "Succeeded")


def _failed(pod: Object) -> bool:
    return podwise.is_finished(pod) and not _succeeded(pod)


def _ended_s(pod: Object) -> float:
    statuses = pod.get("status", {}).get("containerStatuses", ())
    stamps = [(item.get("state", {}).get("terminated") or {}).get("finishedAt") for item in statuses]
    ends = [seconds(stamp) for stamp in stamps if stamp]
    return max(ends, default=seconds(pod["metadata"]["creationTimestamp"]))


def _find(conditions: list[Object], kind: str) -> Object | None:
    return next((item for item in conditions if item["type"] == kind), None)
