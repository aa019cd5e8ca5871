"""The scheduler and the eviction by taints against pretended nodes: who waits, what is said, and who comes next."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from planes import playing

from harness.sandbox.apiclient import ApiClient, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    Wait = Callable[..., Any]

pytestmark = [pytest.mark.anyio, pytest.mark.sandbox]

CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"
PODS, EVENTS, NODE = "/api/v1/namespaces/default/pods", "/api/v1/namespaces/default/events", "/api/v1/nodes/node1"
SMALL = {"cpu": "1", "memory": "1Gi", "pods": "4"}
FULL = (
    "0/1 nodes are available: 1 Too many pods. no new claims to deallocate, preemption: 0/1 nodes are available: "
    "1 No preemption victims found for incoming pod."
)
Object = dict[str, Any]


def pod(name: str, cpu: str = "", **spec: Any) -> Object:
    resources = {"resources": {"requests": {"cpu": cpu}}} if cpu else {}
    container = {"name": "c", "image": "nginx:1.28.0", **resources}
    return {"metadata": {"name": name}, "spec": {"containers": [container], **spec}}


def scheduled(pods: list[Object]) -> set[str]:
    return {item["metadata"]["name"] for item in pods if item["spec"].get("nodeName")}


def told(item: Object) -> tuple[str, str]:
    """The reason and message of the condition PodScheduled where it is False."""
    conditions = item.get("status", {}).get("conditions") or ()
    found = next((one for one in conditions if (one["type"], one["status"]) == ("PodScheduled", "False")), {})
    return found.get("reason", ""), found.get("message", "")


async def test_a_full_node_leaves_pods_pending_and_the_next_comes_when_one_is_gone(
    client: ApiClient, eventually: Wait
) -> None:
    async with playing(client, allocatable=SMALL):
        for n in range(6):
            await client.create(PODS, pod(f"p{n}"))
        pods = await eventually(PODS, lambda found: sum(told(one)[0] == "Unschedulable" for one in found) == 2)
        assert scheduled(pods) == {"p0", "p1", "p2", "p3"}
        assert {told(one) for one in pods if told(one)[0]} == {("Unschedulable", FULL)}
        assert {one["status"]["phase"] for one in pods if told(one)[0]} == {"Pending"}
        events = await eventually(EVENTS, lambda found: sum(e["reason"] == "FailedScheduling" for e in found) >= 2)
        assert {e["message"] for e in events if e["reason"] == "FailedScheduling"} == {FULL}
        await client.delete(f"{PODS}/p1")
        await eventually(PODS, lambda found: scheduled(found) == {"p0", "p2", "p3", "p4"})
        await client.patch(f"{NODE}/status", {"status": {"allocatable": {**SMALL, "pods": "5"}}})
        await eventually(PODS, lambda found: "p5" in scheduled(found))


async def test_a_more_important_pod_takes_the_place_of_the_least_important(client: ApiClient, eventually: Wait) -> None:
    await client.create(CLASSES, {"metadata": {"name": "high"}, "value": 1000})
    never = {"metadata": {"name": "polite"}, "value": 1000, "preemptionPolicy": "Never"}
    await client.create(CLASSES, never)
    async with playing(client, allocatable=SMALL, stop_s=0.5):
        for n in range(4):
            await client.create(PODS, pod(f"p{n}", "250m"))
        await eventually(PODS, lambda found: sum(one["status"]["phase"] == "Running" for one in found) == 4)
        await client.create(PODS, pod("polite", "250m", priorityClassName="polite"))
        pods = await eventually(PODS, lambda found: any(told(one)[0] for one in found))
        (waiting,) = [one for one in pods if told(one)[0]]
        assert told(waiting)[1].endswith("preemption: not eligible due to preemptionPolicy=Never.")
        urgent = await client.create(PODS, pod("urgent", "250m", priorityClassName="high"))
        pods = await eventually(PODS, lambda found: any(one["metadata"].get("deletionTimestamp") for one in found))
        (victim,) = [one for one in pods if one["metadata"].get("deletionTimestamp")]
        reasons = {one["type"]: one.get("reason") for one in victim["status"]["conditions"]}
        assert reasons["DisruptionTarget"] == "PreemptionByScheduler"
        events = await eventually(EVENTS, lambda found: any(one["reason"] == "Preempted" for one in found))
        (event,) = [one for one in events if one["reason"] == "Preempted"]
        assert event["message"] == f"Preempted by pod {urgent['metadata']['uid']} on node node1"
        pods = await eventually(PODS, lambda found: "urgent" in scheduled(found) and len(scheduled(found)) == 4)
        assert "polite" not in scheduled(pods)  # what was made room for is not given to who waited before


async def test_what_a_pod_that_ended_had_is_free_again(client: ApiClient, eventually: Wait) -> None:
    async with playing(client, allocatable=SMALL) as kubelet:
        kubelet.held = lambda item: item["metadata"]["name"] == "first"
        first = await client.create(PODS, pod("first", "800m", restartPolicy="Never"))
        await client.create(PODS, pod("second", "800m"))
        pods = await eventually(PODS, lambda found: any(told(one)[0] for one in found))
        assert scheduled(pods) == {"first"}
        assert "1 Insufficient cpu. " in next(told(one)[1] for one in pods if told(one)[0])
        await kubelet.patch_status(first, {"phase": "Succeeded"})
        await eventually(PODS, lambda found: scheduled(found) == {"first", "second"})


async def test_two_pods_at_once_do_not_take_the_same_room(client: ApiClient, eventually: Wait) -> None:
    async with playing(client, allocatable={**SMALL, "pods": "100"}):
        async with asyncio.TaskGroup() as group:
            for n in range(12):
                group.create_task(client.create(PODS, pod(f"p{n}", "200m")))
        pods = await eventually(PODS, lambda found: sum(told(one)[0] == "Unschedulable" for one in found) == 7)
        assert len(scheduled(pods)) == 5


async def test_a_gated_pod_waits_until_its_gates_are_gone(client: ApiClient, eventually: Wait) -> None:
    async with playing(client):
        made = await client.create(PODS, pod("gated", schedulingGates=[{"name": "example.com/quota"}]))
        assert told(made) == ("SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates")
        binding = {"kind": "Binding", "apiVersion": "v1", "metadata": {"name": "gated"}, "target": {"name": "node1"}}
        with pytest.raises(ApiError, match=r"pod gated has non-empty \.spec\.schedulingGates"):
            await client.create(f"{PODS}/gated/binding", binding)
        more = {"spec": {"schedulingGates": [{"name": "example.com/quota"}, {"name": "example.com/more"}]}}
        with pytest.raises(ApiError, match="only deletion is allowed, but found new scheduling gate"):
            await client.patch(f"{PODS}/gated", more)
        with pytest.raises(ApiError, match="cannot be set until all schedulingGates have been cleared"):
            await client.create(PODS, pod("both", nodeName="node1", schedulingGates=[{"name": "example.com/quota"}]))
        await client.create(PODS, pod("free"))
        pods = await eventually(PODS, lambda found: "free" in scheduled(found))
        assert scheduled(pods) == {"free"}
        await client.patch(f"{PODS}/gated", {"spec": {"schedulingGates": None}})
        await eventually(PODS, lambda found: scheduled(found) == {"free", "gated"})
        reasons = {e["reason"] for e in (await client.list(EVENTS))["items"]}
        assert "FailedScheduling" not in reasons


async def test_a_taint_takes_away_who_does_not_tolerate_it_and_lets_others_stay_as_long_as_they_may(
    client: ApiClient, eventually: Wait
) -> None:
    def tolerating(**more: Any) -> Object:
        return {"tolerations": [{"key": "sick", "operator": "Exists", "effect": "NoExecute", **more}]}

    async with playing(client) as kubelet:
        kubelet.stop_s = 0.2
        await client.create(PODS, pod("leaves"))
        await client.create(PODS, pod("stays", **tolerating()))
        await client.create(PODS, pod("a-while", **tolerating(tolerationSeconds=1)))
        await eventually(PODS, lambda found: len(scheduled(found)) == 3)
        tainted_at = time.monotonic()
        await client.patch(NODE, {"spec": {"taints": [{"key": "sick", "effect": "NoExecute"}]}})
        pods = await eventually(PODS, lambda found: any(one["metadata"].get("deletionTimestamp") for one in found))
        (going,) = (one for one in pods if one["metadata"].get("deletionTimestamp"))
        assert going["metadata"]["name"] == "leaves"
        disrupted = next(one for one in going["status"]["conditions"] if one["type"] == "DisruptionTarget")
        assert (disrupted["status"], disrupted["reason"]) == ("True", "DeletionByTaintManager")
        await eventually(PODS, lambda found: {one["metadata"]["name"] for one in found} == {"stays"})
        assert time.monotonic() - tainted_at >= 1
        events = await eventually(EVENTS, lambda found: sum(e["reason"] == "TaintManagerEviction" for e in found) == 2)
        messages = {e["message"] for e in events if e["reason"] == "TaintManagerEviction"}
        assert messages == {f"Marking for deletion Pod default/{name}" for name in ("leaves", "a-while")}


async def test_a_taint_that_is_taken_away_in_time_takes_nobody(client: ApiClient, eventually: Wait) -> None:
    tolerations = [{"key": "sick", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 3600}]
    async with playing(client):
        await client.create(PODS, pod("stays", tolerations=tolerations))
        await eventually(PODS, lambda found: scheduled(found) == {"stays"})
        await client.patch(NODE, {"spec": {"taints": [{"key": "sick", "effect": "NoExecute"}]}})
        # What goes at once says that the taint has been seen.
        await client.create(PODS, pod("goes", nodeName="node1"))
        await eventually(PODS, lambda found: {one["metadata"]["name"] for one in found} == {"stays"})
        await client.patch(NODE, {"spec": {"taints": None}})
        cancelled = "Cancelling deletion of Pod default/stays"
        await eventually(EVENTS, lambda found: any(e["message"] == cancelled for e in found))


def required(kind: str, app: str) -> Object:
    term = {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": "kubernetes.io/hostname"}
    return {"affinity": {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


async def test_pods_that_keep_apart_wait_for_the_other_to_go_and_those_that_seek_another_for_it_to_come(
    client: ApiClient, eventually: Wait
) -> None:
    def labelled(name: str, app: str, **spec: Any) -> Object:
        one = pod(name, **spec)
        one["metadata"]["labels"] = {"app": app}
        return one

    async with playing(client):
        await client.create(PODS, labelled("w1", "web", **required("podAntiAffinity", "web")))
        await eventually(PODS, lambda found: scheduled(found) == {"w1"})
        await client.create(PODS, labelled("w2", "web", **required("podAntiAffinity", "web")))
        await client.create(PODS, labelled("seeker", "front", **required("podAffinity", "cache")))
        pods = await eventually(PODS, lambda found: sum(told(one)[0] == "Unschedulable" for one in found) == 2)
        said = {one["metadata"]["name"]: told(one)[1].split(". ")[0] for one in pods if told(one)[0]}
        assert said == {
            "w2": "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules",
            "seeker": "0/1 nodes are available: 1 node(s) didn't match pod affinity rules",
        }
        await client.create(PODS, labelled("cache", "cache"))
        await eventually(PODS, lambda found: scheduled(found) == {"w1", "cache", "seeker"})
        await client.delete(f"{PODS}/w1")
        await eventually(PODS, lambda found: scheduled(found) == {"w2", "cache", "seeker"})
