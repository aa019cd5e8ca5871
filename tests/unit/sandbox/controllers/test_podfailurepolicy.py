"""What a Job does about a pod's failure: a table of policies and pods, and what that makes of the Job."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.controllers.jobstatus import FINALIZER, Tally, ended, new_pods
from harness.sandbox.controllers.podfailurepolicy import ruled

Json = dict[str, Any]
NOT_ITS_FAULT = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
FAILED = "Container c for pod n/j-a failed with exit code"
EVICTED = "Pod n/j-a has condition DisruptionTarget matching Ignore rule at index 0"


def on_codes(action: str, operator: str, *values: int, container: str | None = None) -> Json:
    named = {"containerName": container} if container else {}
    return {"action": action, "onExitCodes": {"operator": operator, "values": list(values), **named}}


def job(*rules: Json, backoff: int = 0, **spec: Any) -> Json:
    policy = {"podFailurePolicy": {"rules": list(rules)}, "podReplacementPolicy": "Failed"} if rules else {}
    base = {"parallelism": 1, "completions": 1, "completionMode": "NonIndexed", "backoffLimit": backoff}
    metadata = {"name": "j", "namespace": "n", "uid": "1"}
    return {"kind": "Job", "apiVersion": "batch/v1", "metadata": metadata, "spec": {**base, **policy, **spec}}


def pod(code: int | None = None, *, uid: str = "a", disrupted: bool = False, stopping: bool = False) -> Json:
    """A pod whose container `c` ended with the code; without one it runs."""
    state = {"running": {}} if code is None else {"terminated": {"exitCode": code}}
    conditions = [{"type": "DisruptionTarget", "status": "True"}] if disrupted else []
    phase = "Running" if code is None else ("Failed" if code else "Succeeded")
    status = {"phase": phase, "conditions": conditions, "containerStatuses": [{"name": "c", "state": state}]}
    metadata = {"name": f"j-{uid}", "namespace": "n", "uid": uid, "finalizers": [FINALIZER]}
    metadata |= {"creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"metadata": metadata | ({"deletionTimestamp": "x"} if stopping else {}), "status": status}


@pytest.mark.parametrize(
    ("rules", "failed", "says"),
    [
        ([on_codes("FailJob", "In", 1, 2)], pod(2), f"{FAILED} 2 matching FailJob rule at index 0"),
        ([on_codes("FailJob", "In", 1, 2)], pod(3), None),
        ([on_codes("Count", "NotIn", 1)], pod(3), f"{FAILED} 3 matching Count rule at index 0"),
        ([on_codes("Count", "NotIn", 3)], pod(3), None),
        ([on_codes("Count", "NotIn", 3)], pod(0), None),
        ([on_codes("FailJob", "In", 3, container="other")], pod(3), None),
        ([on_codes("FailJob", "In", 3, container="c")], pod(3), f"{FAILED} 3 matching FailJob rule at index 0"),
        ([NOT_ITS_FAULT, on_codes("FailJob", "In", 3)], pod(3, disrupted=True), EVICTED),
        ([NOT_ITS_FAULT, on_codes("FailJob", "In", 3)], pod(3), f"{FAILED} 3 matching FailJob rule at index 1"),
        ([], pod(3), None),
    ],
)  # fmt: skip
def test_the_first_rule_that_fits_says_what_is_done(rules: list[Json], failed: Json, says: str | None) -> None:
    found = ruled(job(*rules), failed)
    assert (found.why if found else None) == says
    assert found is None or f"matching {found.action} rule" in found.why


def conditions(status: Json) -> list[tuple[str, str]]:
    return [(each["type"], each["reason"]) for each in status.get("conditions") or ()]


def test_fail_job_ends_it_although_it_might_try_again() -> None:
    limited = job(on_codes("FailJob", "In", 1), backoff=3)
    status = Tally(limited, [pod(1)], 100.0).status()
    assert conditions(status) == [("FailureTarget", "PodFailurePolicy"), ("Failed", "PodFailurePolicy")]
    assert "exit code 1 matching FailJob rule at index 0" in status["conditions"][1]["message"]
    tries_again = Tally(limited, [pod(3)], 100.0)
    assert (tries_again.finished_condition(), tries_again.wanted) == (None, 1)


def test_what_is_ignored_is_freed_and_not_counted() -> None:
    evicted = Tally(job(NOT_ITS_FAULT), [pod(143, disrupted=True)], 100.0)
    assert (evicted.uncounted, len(evicted.noted_pods())) == ([], 1)
    assert evicted.finished_condition() is None
    crashed = Tally(job(NOT_ITS_FAULT), [pod(143)], 100.0)
    assert len(crashed.uncounted) == 1
    noted = {**job(NOT_ITS_FAULT), "status": crashed.noted()}
    assert conditions(Tally(noted, [pod(143)], 100.0).status())[-1] == ("Failed", "BackoffLimitExceeded")


def test_a_pod_that_is_stopping_keeps_its_place_where_only_failed_ones_are_replaced() -> None:
    stopping = [pod(stopping=True)]
    waits, replaces = Tally(job(NOT_ITS_FAULT, backoff=1), stopping, 100.0), Tally(job(backoff=1), stopping, 100.0)
    assert (waits.wanted - len(waits.staying), len(waits.uncounted)) == (0, 0)
    assert (replaces.wanted - len(replaces.staying), len(replaces.uncounted)) == (1, 1)


def test_an_index_whose_pod_is_stopping_is_not_given_twice() -> None:
    indexed = job(NOT_ITS_FAULT, completionMode="Indexed", completions=3, parallelism=3, template={"spec": {}})
    first = pod(stopping=True)
    first["metadata"]["annotations"] = {"batch.kubernetes.io/job-completion-index": "0"}
    made = new_pods(indexed, Tally(indexed, [first], 100.0), 2)
    assert [each["metadata"]["generateName"] for each in made] == ["j-1-", "j-2-"]


def test_a_job_has_failed_when_the_last_of_its_pods_has_stopped() -> None:
    late = job(activeDeadlineSeconds=1, parallelism=2, completions=2)
    late["status"] = {"startTime": "1970-01-01T00:00:00Z"}
    late["status"] = Tally(late, [pod()], 100.0).status()
    assert conditions(late["status"]) == [("FailureTarget", "DeadlineExceeded")]
    assert (late["status"]["terminating"], ended(late)) == (1, False)
    late["status"] = Tally(late, [pod(143, stopping=True)], 100.0).status()
    assert conditions(late["status"])[-1] == ("Failed", "DeadlineExceeded")
    assert ended(late)
