"""StatefulSets, DaemonSets and Jobs against a pretended kubelet."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from planes import playing

from harness.sandbox.apiclient import ApiClient, ApiError, PatchType, Propagation

if TYPE_CHECKING:
    from collections.abc import Callable

    Wait = Callable[..., Any]

pytestmark = [pytest.mark.anyio, pytest.mark.sandbox]

DAEMONS = "/apis/apps/v1/namespaces/default/daemonsets"
SETS = "/apis/apps/v1/namespaces/default/statefulsets"
REVISIONS = "/apis/apps/v1/namespaces/default/controllerrevisions"
JOBS = "/apis/batch/v1/namespaces/default/jobs"
EVENTS = "/api/v1/namespaces/default/events"
PODS = "/api/v1/namespaces/default/pods"
Object = dict[str, Any]


def stateful_set(replicas: int = 3, **spec: Any) -> Object:
    container = {"name": "nginx", "image": "nginx:1.28.0"}
    template = {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [container]}}
    selector = {"matchLabels": {"app": "db"}}
    return {
        "metadata": {"name": "db"},
        "spec": {"replicas": replicas, "serviceName": "db", "selector": selector, "template": template, **spec},
    }


def job(**spec: Any) -> Object:
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "worker"}]}
    return {"metadata": {"name": "work"}, "spec": {"template": {"spec": pod}, **spec}}


def image(tag: str) -> Object:
    return {"spec": {"template": {"spec": {"containers": [{"name": "nginx", "image": tag}]}}}}


def settled(found: list[Object], replicas: int, updated: int | None = None) -> bool:
    return any(
        obj["status"].get("readyReplicas", 0) == obj["status"].get("replicas", 0) == replicas
        and obj["status"].get("observedGeneration") == obj["metadata"]["generation"]
        and obj["status"].get("updatedReplicas", 0) == (replicas if updated is None else updated)
        for obj in found
    )


async def changes(client: ApiClient, version: str, count: int) -> list[tuple[str, str]]:
    """The first `count` creations and deletions of pods after `version`."""
    seen: list[tuple[str, str]] = []
    async with asyncio.timeout(60):
        async for kind, pod in client.watch(PODS, {"resourceVersion": version}):
            if kind in ("ADDED", "DELETED"):
                seen.append((kind, pod["metadata"]["name"]))
            if len(seen) == count:
                return seen
    raise AssertionError(f"only {seen}")


async def test_pods_come_one_after_the_other(client: ApiClient, eventually: Wait) -> None:
    made = await client.create(SETS, stateful_set())
    async with playing(client) as kubelet:
        kubelet.held = lambda pod: pod["metadata"]["name"] == "db-1"
        (_, waiting) = await eventually(PODS, lambda found: len(found) == 2)
        assert {pod["metadata"]["name"] for pod in (await client.list(PODS))["items"]} == {"db-0", "db-1"}
        assert waiting["spec"]["hostname"] == "db-1"
        assert waiting["spec"]["subdomain"] == "db"
        assert waiting["metadata"]["labels"]["apps.kubernetes.io/pod-index"] == "1"
        await kubelet.make_ready(await client.get(f"{PODS}/db-1"))
        (seen,) = await eventually(SETS, lambda found: settled(found, 3))
        assert seen["status"]["currentRevision"] == seen["status"]["updateRevision"]
        order = await changes(client, made["metadata"]["resourceVersion"], 3)
        assert order == [("ADDED", "db-0"), ("ADDED", "db-1"), ("ADDED", "db-2")]


async def test_a_rolling_update_goes_from_the_highest_ordinal_down_to_the_partition(
    client: ApiClient, eventually: Wait
) -> None:
    async with playing(client, stop_s=0.02):
        await client.create(SETS, stateful_set(updateStrategy={"rollingUpdate": {"partition": 1}}))
        (first,) = await eventually(SETS, lambda found: settled(found, 3))
        await client.patch(f"{SETS}/db", image("nginx:1.29.1"), PatchType.STRATEGIC)
        (second,) = await eventually(SETS, lambda found: settled(found, 3, updated=2))
        assert second["status"]["currentReplicas"] == 1
        assert second["status"]["currentRevision"] != second["status"]["updateRevision"]
        order = await changes(client, first["metadata"]["resourceVersion"], 4)
        assert order == [("DELETED", "db-2"), ("ADDED", "db-2"), ("DELETED", "db-1"), ("ADDED", "db-1")]
        zero = await client.get(f"{PODS}/db-0")
        assert zero["spec"]["containers"][0]["image"] == "nginx:1.28.0"
        await client.patch(f"{SETS}/db", {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}})
        (third,) = await eventually(SETS, lambda found: settled(found, 3))
        assert third["status"]["currentRevision"] == third["status"]["updateRevision"]
        assert len((await client.list(REVISIONS))["items"]) == 2


async def test_scaling_down_takes_the_highest_ordinals_in_turn(client: ApiClient, eventually: Wait) -> None:
    async with playing(client, stop_s=0.02):
        await client.create(SETS, stateful_set())
        (first,) = await eventually(SETS, lambda found: settled(found, 3))
        await client.patch(f"{SETS}/db/scale", {"spec": {"replicas": 1}})
        await eventually(SETS, lambda found: settled(found, 1))
        order = await changes(client, first["metadata"]["resourceVersion"], 2)
        assert order == [("DELETED", "db-2"), ("DELETED", "db-1")]


async def test_parallel_sets_make_all_pods_at_once(client: ApiClient, eventually: Wait) -> None:
    await client.create(SETS, stateful_set(podManagementPolicy="Parallel"))
    await eventually(PODS, lambda found: len(found) == 3)


async def test_fields_of_a_stateful_set_that_may_not_change_are_refused(client: ApiClient) -> None:
    await client.create(SETS, stateful_set(replicas=0))
    with pytest.raises(ApiError, match="updates to statefulset spec for fields other than 'replicas'") as refused:
        await client.patch(f"{SETS}/db", {"spec": {"serviceName": "other"}})
    assert refused.value.status == 422


async def test_daemons_follow_nodes_and_roll_one_after_the_other(client: ApiClient, eventually: Wait) -> None:
    template = stateful_set()["spec"]["template"] | {"metadata": {"labels": {"app": "agent"}}}
    spec = {"selector": {"matchLabels": {"app": "agent"}}, "template": template}
    made = await client.create(DAEMONS, {"metadata": {"name": "agent"}, "spec": spec})
    assert made["metadata"]["annotations"] == {"deprecated.daemonset.template.generation": "1"}
    async with playing(client), playing(client, "node2"):
        pods = await eventually(
            PODS, lambda found: len(found) == 2 and all(pod["status"]["phase"] == "Running" for pod in found)
        )
        assert {pod["spec"]["nodeName"] for pod in pods} == {"node1", "node2"}
        await client.patch("/api/v1/nodes/node2", {"spec": {"unschedulable": True}})  # which daemons tolerate
        now = await client.patch(f"{DAEMONS}/agent", image("nginx:1.29.1"), PatchType.STRATEGIC)
        order = await changes(client, now["metadata"]["resourceVersion"], 4)
        assert [kind for kind, _ in order] == ["DELETED", "ADDED", "DELETED", "ADDED"]
        await eventually(DAEMONS, lambda found: found[0]["status"].get("numberAvailable") == 2)
        (seen,) = await eventually(DAEMONS, lambda found: found[0]["status"].get("updatedNumberScheduled") == 2)
        assert seen["metadata"]["annotations"]["deprecated.daemonset.template.generation"] == "2"
        taints = [{"key": "k", "value": "v", "effect": "NoExecute"}]
        await client.patch("/api/v1/nodes/node2", {"spec": {"taints": taints}})
        await eventually(DAEMONS, lambda found: found[0]["status"]["desiredNumberScheduled"] == 1)
        await eventually(PODS, lambda found: [pod["spec"]["nodeName"] for pod in found] == ["node1"])


async def test_an_indexed_job_completes_every_index_once(client: ApiClient, eventually: Wait) -> None:
    async with playing(client):
        body = job(completions=4, parallelism=2, completionMode="Indexed")
        made = await client.create(JOBS, body)
        (seen,) = await eventually(JOBS, lambda found: bool(found[0]["status"].get("completionTime")))
        status = seen["status"]
        assert (status["succeeded"], status["completedIndexes"]) == (4, "0-3")
        assert [item["type"] for item in status["conditions"]] == ["SuccessCriteriaMet", "Complete"]
        pods = (await client.list(PODS))["items"]
        indexes = sorted(pod["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"] for pod in pods)
        assert indexes == ["0", "1", "2", "3"]
        assert {pod["metadata"]["labels"]["controller-uid"] for pod in pods} == {made["metadata"]["uid"]}
        assert pods[0]["spec"]["containers"][0]["env"][0]["name"] == "JOB_COMPLETION_INDEX"
        await eventually(PODS, lambda found: not any(pod["metadata"].get("finalizers") for pod in found))
        await client.create(JOBS, {**job(), "metadata": {"name": "later"}})
        told = await eventually(EVENTS, lambda found: len(_ends(found)) == 2)
        assert sorted(_ends(told)) == [("later", 1), (body["metadata"]["name"], 1)]


def _ends(events: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """The Jobs that were said to be complete, and how many times."""
    return [(each["involvedObject"]["name"], each["count"]) for each in events if each["reason"] == "Completed"]


async def test_a_job_that_fails_too_often_has_failed(client: ApiClient, eventually: Wait) -> None:
    async with playing(client) as kubelet:
        kubelet.fails = lambda _: True
        await client.create(JOBS, job(backoffLimit=0))
        (seen,) = await eventually(JOBS, lambda found: bool(found[0]["status"].get("conditions")))
        assert seen["status"]["failed"] == 1
        assert [(item["type"], item["reason"]) for item in seen["status"]["conditions"]] == [
            ("FailureTarget", "BackoffLimitExceeded"),
            ("Failed", "BackoffLimitExceeded"),
        ]


async def test_a_deleted_job_takes_its_pods_with_it(client: ApiClient, eventually: Wait) -> None:
    async with playing(client) as kubelet:
        kubelet.held = lambda _: True
        await client.create(JOBS, job(completions=2, parallelism=2))
        await eventually(PODS, lambda found: len(found) == 2)
        await client.delete(f"{JOBS}/work", propagation=Propagation.BACKGROUND)
        await eventually(PODS, lambda found: not found)
