"""A rollout is complete when `kubectl rollout status` says so."""

from __future__ import annotations

from typing import Any

import pytest

from harness.spec.completion import carries_update, is_complete
from tests.unit.spec.objects import Object


def deployment(**status: Any) -> Object:
    whole = {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}
    return {"kind": "Deployment", "metadata": {"generation": 2}, "spec": {"replicas": 3}, "status": whole | status}


def stateful_set(strategy: Object | None = None, **status: Any) -> Object:
    whole = {"observedGeneration": 2, "readyReplicas": 3, "updatedReplicas": 3}
    whole |= {"currentRevision": "new", "updateRevision": "new"}
    spec: Object = {
        "replicas": 3,
        "updateStrategy": strategy or {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
    }
    return {"kind": "StatefulSet", "metadata": {"generation": 2}, "spec": spec, "status": whole | status}


@pytest.mark.parametrize(
    ("status", "complete"),
    [
        ({}, True),
        ({"observedGeneration": 1}, False),
        ({"updatedReplicas": 2}, False),
        ({"replicas": 4}, False),
        ({"availableReplicas": 2}, False),
        ({"updatedReplicas": None, "availableReplicas": None}, False),
        (
            {"replicas": 5, "updatedReplicas": 5, "availableReplicas": 5},
            True,
        ),  # to be scaled down: no matter of the rollout
        ({"conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]}, False),
        ({"conditions": [{"type": "Progressing", "reason": "NewReplicaSetAvailable"}]}, True),
    ],
)
def test_a_deployment_is_complete_when_all_pods_are_new_and_available(status: Object, complete: bool) -> None:
    assert is_complete(deployment(**status)) is complete


@pytest.mark.parametrize(
    ("strategy", "status", "complete"),
    [
        (None, {}, True),
        (None, {"observedGeneration": 0}, False),
        (None, {"readyReplicas": 2}, False),
        (None, {"updatedReplicas": 2}, False),
        (None, {"availableReplicas": 2}, True),  # the last pod's minReadySeconds is not waited for
        ({"rollingUpdate": {"partition": 1}}, {"updatedReplicas": 2, "currentRevision": "old"}, True),
        ({"rollingUpdate": {"partition": 1}}, {"updatedReplicas": 1, "currentRevision": "old"}, False),
        (
            {"rollingUpdate": {"partition": 1}},
            {"updatedReplicas": 2, "currentRevision": "new"},
            True,
        ),  # one of them is 0
        ({"rollingUpdate": {"partition": 5}}, {"updatedReplicas": 0, "currentRevision": "old"}, True),
        ({"type": "RollingUpdate"}, {"currentRevision": "old"}, False),  # a manifest before the API's defaults
        ({"type": "OnDelete"}, {}, False),
    ],
)
def test_a_stateful_set_is_complete_when_the_ordinals_from_its_partition_on_are(
    strategy: Object | None, status: Object, complete: bool
) -> None:
    assert is_complete(stateful_set(strategy, **status)) is complete


def test_an_object_from_before_the_update_says_nothing_about_it() -> None:
    assert not is_complete(deployment(), generation=3)
    assert is_complete(deployment(), generation=2)


def test_replicas_that_are_not_said_are_one() -> None:
    one = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    assert is_complete({"kind": "Deployment", "metadata": {"generation": 1}, "spec": {}, "status": one})


def pods(*revisions: str, start: int = 0) -> list[Object]:
    return [
        {"metadata": {"name": f"db-{number}", "labels": {"controller-revision-hash": revision}}}
        for number, revision in enumerate(revisions, start=start)
    ]


def test_going_back_to_the_revision_that_others_kept_is_carried_only_when_the_last_has_it() -> None:
    partitioned = stateful_set({"rollingUpdate": {"partition": 2}}, updatedReplicas=2)
    assert is_complete(partitioned)  # as kubectl counts
    assert not carries_update(partitioned, pods("new", "new", "old"))
    assert carries_update(partitioned, pods("new", "new", "new"))
    assert carries_update(partitioned, pods("old", "old", "new"))


def test_a_partition_counts_from_the_first_ordinal() -> None:
    partitioned = stateful_set({"rollingUpdate": {"partition": 1}})
    partitioned["spec"]["ordinals"] = {"start": 5}
    assert carries_update(partitioned, pods("old", "new", start=5))
    assert not carries_update(partitioned, pods("old", "old", start=5))


def test_what_a_deployments_pods_carry_its_status_tells() -> None:
    assert carries_update(deployment(), [{"metadata": {"name": "web-8449c9bc4f-89q8p"}}])
