"""A Job or CronJob -> what is wrong with it.

Source: kubernetes `pkg/apis/batch/validation`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.sandbox.apiserver import selectors
from harness.sandbox.apiserver.field_errors import FieldErrors
from harness.sandbox.apiserver.podfailurevalidation import check_pod_failure_policy
from harness.sandbox.apiserver.workloadvalidation import check_pods, check_template, without
from harness.sandbox.cronschedule import ScheduleError, parsed

if TYPE_CHECKING:
    from harness.sandbox.apiserver.store import Object

_MOST_INDEXES = 100_000
# What may change in the template of a Job that was never started: where its pods go, and how they are marked.
_WHERE = ("nodeSelector", "affinity", "tolerations", "schedulingGates")
_ENDING = ("OnFailure", "Never")  # the restart policies of pods that are to end
_NO_DEADLINE = 2**31 - 1
_CRON_JOB_NAME = 52  # so that the name of a Job, 11 longer, fits into a label


def check_job(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """A Job."""
    spec = obj["spec"]
    _runs(errors, spec)
    if spec.get("selector") is None:
        errors.required("spec.selector")
    if errors.selector("spec.selector", spec.get("selector")):
        _generated(errors, obj)
        check_template(errors, spec, _ENDING)
    _restarts(errors, spec)
    if old is not None:
        _unchanged(errors, obj, old)


def _runs(errors: FieldErrors, spec: Object) -> None:
    """How often, how long and how many at once; words that say nothing are filled in where this is a Job already."""
    for key in (
        "parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished",
        "backoffLimitPerIndex", "maxFailedIndexes",
    ):  # fmt: skip
        errors.not_negative(f"spec.{key}", spec.get(key))
    if spec.get("completionMode") is not None:
        errors.one_of("spec.completionMode", spec["completionMode"], ("Indexed", "NonIndexed"))
    _indexes(errors, spec)
    check_pod_failure_policy(errors, spec)
    replacement = ("Failed",) if spec.get("podFailurePolicy") else ("Failed", "TerminatingOrFailed")
    if spec.get("podReplacementPolicy") is not None:
        errors.one_of("spec.podReplacementPolicy", spec["podReplacementPolicy"], replacement)


def _restarts(errors: FieldErrors, spec: Object) -> None:
    policy = ((spec.get("template") or {}).get("spec") or {}).get("restartPolicy")
    if spec.get("podFailurePolicy") and policy == "OnFailure":
        why = 'only "Never" is supported when podFailurePolicy is specified'
        errors.invalid("spec.template.spec.restartPolicy", policy, why)


def _indexes(errors: FieldErrors, spec: Object) -> None:
    if spec.get("completionMode") == "Indexed":
        if spec.get("completions") is None:
            errors.required("spec.completions", "when completion mode is Indexed")
        for key in ("parallelism", "completions"):
            if (spec.get(key) or 0) > _MOST_INDEXES:
                why = f"must be less than or equal to {_MOST_INDEXES} when completion mode is Indexed"
                errors.invalid(f"spec.{key}", spec[key], why)
        return
    for key in ("backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"):
        if spec.get(key) is not None:
            errors.invalid(f"spec.{key}", spec[key], "requires indexed completion mode")


def _generated(errors: FieldErrors, obj: Object) -> None:
    """Unless the author took that over, the selector matches what the server wrote into the template."""
    metadata, spec = obj["metadata"], obj["spec"]
    uid, name = metadata["uid"], metadata["name"]
    generated = {"batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": name}
    generated |= {"controller-uid": uid, "job-name": name}
    if spec.get("manualSelector") or spec.get("selector") is None:
        return
    if not all(term.matches(generated) for term in selectors.of_object(spec["selector"])):
        errors.invalid("spec.selector", spec["selector"], "`selector` not auto-generated")


def _unchanged(errors: FieldErrors, obj: Object, old: Object) -> None:
    spec, before = obj["spec"], old["spec"]
    waits = before.get("suspend") and not (old.get("status") or {}).get("startTime")
    for key in ("completionMode", "selector", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"):
        errors.immutable(f"spec.{key}", spec.get(key), before.get(key))
    if not waits or _fixed(spec) != _fixed(before):
        errors.immutable("spec.template", spec.get("template"), before.get("template"))
    together = spec.get("completions") == spec.get("parallelism")
    if spec["completionMode"] != "Indexed":
        errors.immutable("spec.completions", spec.get("completions"), before.get("completions"))
    elif spec.get("completions") != before.get("completions") and not together:
        why = "can only be modified in tandem with spec.parallelism"
        errors.invalid("spec.completions", spec.get("completions"), why)


def _fixed(spec: Object) -> Object:
    """The template without what may change while its Job waits."""
    template = spec.get("template") or {}
    metadata = without(template.get("metadata") or {}, ("labels", "annotations"))
    return {"metadata": metadata, "spec": without(template.get("spec") or {}, _WHERE)}


def check_cron_job(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """A CronJob."""
    spec, name = obj["spec"], obj["metadata"]["name"]
    if len(name) > _CRON_JOB_NAME and old is None:
        errors.invalid("metadata.name", name, f"must be no more than {_CRON_JOB_NAME} characters")
    line, zone = spec.get("schedule", ""), spec.get("timeZone")
    if not line:
        errors.required("spec.schedule")
    elif "TZ" in line:
        errors.invalid("spec.schedule", line, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
    else:
        try:
            parsed(line)
        except ScheduleError as error:
            errors.invalid("spec.schedule", line, str(error))
    if zone is not None:
        try:
            parsed("@hourly", zone)
        except ScheduleError as error:
            errors.invalid("spec.timeZone", zone, str(error))
    errors.one_of("spec.concurrencyPolicy", spec["concurrencyPolicy"], ("Allow", "Forbid", "Replace"))
    for key in ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        errors.not_negative(f"spec.{key}", spec.get(key))
    inner, job = FieldErrors(), spec["jobTemplate"]["spec"]
    _runs(inner, job)
    check_pods(inner, job, _ENDING)
    _restarts(inner, job)
    if job.get("selector") is not None:
        inner.invalid("spec.selector", job["selector"], "`selector` will be auto-generated")
    if job.get("manualSelector"):
        inner.unsupported("spec.manualSelector", True, ("nil", "false"))
    errors.causes += [replace(cause, field=f"spec.jobTemplate.{cause.field}") for cause in inner.causes]
