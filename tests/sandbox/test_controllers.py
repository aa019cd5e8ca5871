"""The controllers against a pretended kubelet: what a rollout does to objects, and in which order."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from planes import playing

from harness.sandbox.apiclient import ApiClient, PatchType, Propagation
from harness.sandbox.controllers.pods import is_ready

if TYPE_CHECKING:
    from collections.abc import Callable

    Wait = Callable[..., Any]

pytestmark = [pytest.mark.anyio, pytest.mark.sandbox]

CORE, APPS = "/api/v1/namespaces/default", "/apis/apps/v1/namespaces/default"
DEPLOYMENTS, SETS, PODS = f"{APPS}/deployments", f"{APPS}/replicasets", f"{CORE}/pods"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
EVENTS = f"{CORE}/events"
Object = dict[str, Any]


def deployment(replicas: int = 3, image: str = "nginx:1.28.0", **spec: Any) -> Object:
    container = {"name": "nginx", "image": image, "ports": [{"containerPort": 80, "name": "http"}]}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    selector = {"matchLabels": {"app": "web"}}
    return {
        "metadata": {"name": "web"},
        "spec": {"replicas": replicas, "selector": selector, "template": template, **spec},
    }


def image(tag: str) -> Object:
    return {"spec": {"template": {"spec": {"containers": [{"name": "nginx", "image": tag}]}}}}


def complete(objects: list[Object], replicas: int, *, terminating: int | None = None) -> bool:
    """Whether the Deployment's status says that all pods are new and available."""
    for obj in objects:
        status = obj["status"]
        seen = status.get("observedGeneration") == obj["metadata"]["generation"]
        counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")]
        gone = terminating is None or status.get("terminatingReplicas") == terminating
        if seen and counts == [replicas] * 3 and gone:
            return True
    return False


def condition(obj: Object, kind: str) -> tuple[str, str]:
    found = next(item for item in obj["status"]["conditions"] if item["type"] == kind)
    return found["status"], found["reason"]


async def deploy(client: ApiClient, eventually: Wait, body: Object) -> Object:
    await client.create(DEPLOYMENTS, body)
    return (await eventually(DEPLOYMENTS, lambda found: complete(found, body["spec"]["replicas"])))[0]


async def test_a_deployment_brings_about_its_pods_and_says_so(client: ApiClient, eventually: Wait) -> None:
    async with playing(client):
        seen = await deploy(client, eventually, deployment())
        assert condition(seen, "Available") == ("True", "MinimumReplicasAvailable")
        assert condition(seen, "Progressing") == ("True", "NewReplicaSetAvailable")
        assert seen["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
        (replica_set,) = (await client.list(SETS))["items"]
        annotations = replica_set["metadata"]["annotations"]
        assert annotations["deployment.kubernetes.io/desired-replicas"] == "3"
        assert annotations["deployment.kubernetes.io/max-replicas"] == "4"
        pods = (await client.list(PODS))["items"]
        digest = replica_set["metadata"]["labels"]["pod-template-hash"]
        assert {pod["metadata"]["labels"]["pod-template-hash"] for pod in pods} == {digest}
        assert all(pod["metadata"]["name"].startswith(f"web-{digest}-") for pod in pods)
        events = await eventually(EVENTS, lambda found: len(found) >= 7)
        reasons = sorted(event["reason"] for event in events)
        assert reasons == ["ScalingReplicaSet"] + ["Scheduled"] * 3 + ["SuccessfulCreate"] * 3


async def test_a_rolling_update_keeps_within_its_bounds_at_every_moment(client: ApiClient, eventually: Wait) -> None:
    async with playing(client, stop_s=0.02):
        first = await deploy(client, eventually, deployment(4))
        in_service = {pod["metadata"]["uid"]: True for pod in (await client.list(PODS))["items"]}
        old = set(in_service)
        await client.patch(f"{DEPLOYMENTS}/web", image("nginx:1.29.1"), PatchType.STRATEGIC)
        await eventually(DEPLOYMENTS, lambda found: complete(found, 4, terminating=0))
        present, gone = set(old), set[str]()
        async with asyncio.timeout(60):
            async for kind, pod in client.watch(PODS, {"resourceVersion": first["metadata"]["resourceVersion"]}):
                uid, ends = pod["metadata"]["uid"], bool(pod["metadata"].get("deletionTimestamp"))
                in_service[uid] = is_ready(pod) and not ends
                present = present - {uid} if ends else present | {uid}
                gone |= {uid} if kind == "DELETED" else set()
                assert len(present) <= 5, "never more than replicas + maxSurge"
                assert sum(in_service.values()) >= 3, "never fewer than replicas - maxUnavailable"
                if gone == old and sum(in_service.values()) == 4:
                    break


async def test_an_old_pod_goes_only_after_a_new_one_is_available(client: ApiClient, eventually: Wait) -> None:
    async with playing(client) as kubelet:
        await deploy(client, eventually, deployment(1, strategy=rolling(1, 0)))
        kubelet.held = lambda pod: pod["spec"]["containers"][0]["image"] == "nginx:1.29.1"
        await client.patch(f"{DEPLOYMENTS}/web", image("nginx:1.29.1"), PatchType.STRATEGIC)
        pods = await eventually(
            PODS, lambda found: len(found) == 2 and all(pod["spec"].get("nodeName") for pod in found)
        )
        assert not any(pod["metadata"].get("deletionTimestamp") for pod in pods)
        new = next(pod for pod in pods if pod["spec"]["containers"][0]["image"] == "nginx:1.29.1")
        await kubelet.make_ready(new)
        await eventually(PODS, lambda found: [pod["metadata"]["uid"] for pod in found] == [new["metadata"]["uid"]])


async def test_min_ready_seconds_delay_availability(client: ApiClient, eventually: Wait) -> None:
    async with playing(client):
        await client.create(DEPLOYMENTS, deployment(1, minReadySeconds=2))
        ready = lambda found: any(item["status"].get("readyReplicas") == 1 for item in found)  # noqa: E731
        await eventually(DEPLOYMENTS, ready)
        began = time.monotonic()
        seen = (await eventually(DEPLOYMENTS, ready))[0]
        assert not seen["status"].get("availableReplicas")
        await eventually(DEPLOYMENTS, lambda found: complete(found, 1))
        assert time.monotonic() - began > 0.8, "stamps have whole seconds: 1 to 2 s are left"


async def test_recreate_waits_for_the_old_pods_to_be_gone(client: ApiClient, eventually: Wait) -> None:
    async with playing(client, stop_s=0.2):
        first = await deploy(client, eventually, deployment(2, strategy={"type": "Recreate"}))
        await client.patch(f"{DEPLOYMENTS}/web", image("nginx:1.29.1"), PatchType.STRATEGIC)
        await eventually(DEPLOYMENTS, lambda found: complete(found, 2, terminating=0))
        kinds = []
        async with asyncio.timeout(60):
            async for kind, pod in client.watch(PODS, {"resourceVersion": first["metadata"]["resourceVersion"]}):
                if kind in ("ADDED", "DELETED"):
                    kinds.append((kind, pod["spec"]["containers"][0]["image"]))
                if len(kinds) == 4:
                    break
        assert kinds == [("DELETED", "nginx:1.28.0")] * 2 + [("ADDED", "nginx:1.29.1")] * 2


async def test_a_rollout_without_progress_fails_at_its_deadline(client: ApiClient, eventually: Wait) -> None:
    async with playing(client) as kubelet:
        kubelet.held = lambda _: True
        await client.create(DEPLOYMENTS, deployment(1, progressDeadlineSeconds=1))
        failed = ("False", "ProgressDeadlineExceeded")

        def timed_out(found: list[Object]) -> bool:
            return any(
                (item["status"], item["reason"]) == failed
                for obj in found
                for item in obj["status"].get("conditions", ())
            )

        await eventually(DEPLOYMENTS, timed_out)


async def test_rolling_back_takes_the_old_replica_set_up_again(client: ApiClient, eventually: Wait) -> None:
    async with playing(client):
        await deploy(client, eventually, deployment(2))
        for tag in ("nginx:1.29.1", "nginx:1.28.0"):
            await client.patch(f"{DEPLOYMENTS}/web", image(tag), PatchType.STRATEGIC)
            (seen,) = await eventually(DEPLOYMENTS, lambda found: complete(found, 2, terminating=0))
        assert seen["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
        sets = (await client.list(SETS))["items"]
        histories = {
            item["spec"]["replicas"]: item["metadata"]["annotations"].get("deployment.kubernetes.io/revision-history")
            for item in sets
        }
        assert histories == {2: "1", 0: None}


async def test_a_paused_deployment_scales_but_does_not_roll(client: ApiClient, eventually: Wait) -> None:
    async with playing(client):
        await deploy(client, eventually, deployment(2))
        await client.patch(f"{DEPLOYMENTS}/web", {"spec": {"paused": True}})
        paused = lambda found: condition(found[0], "Progressing") == ("Unknown", "DeploymentPaused")  # noqa: E731
        await eventually(DEPLOYMENTS, paused)
        await client.patch(f"{DEPLOYMENTS}/web", image("nginx:1.29.1"), PatchType.STRATEGIC)
        await client.patch(f"{DEPLOYMENTS}/web", {"spec": {"replicas": 3}})
        await eventually(PODS, lambda found: len(found) == 3)
        assert len((await client.list(SETS))["items"]) == 1
        await client.patch(f"{DEPLOYMENTS}/web", {"spec": {"paused": None}})
        await eventually(DEPLOYMENTS, lambda found: complete(found, 3, terminating=0))
        assert len((await client.list(SETS))["items"]) == 2


async def test_old_replica_sets_beyond_the_history_are_deleted(client: ApiClient, eventually: Wait) -> None:
    async with playing(client):
        await deploy(client, eventually, deployment(1, revisionHistoryLimit=1))
        for n in range(3):
            await client.patch(f"{DEPLOYMENTS}/web", image(f"nginx:1.29.{n}"), PatchType.STRATEGIC)
            await eventually(DEPLOYMENTS, lambda found: complete(found, 1, terminating=0))
        await eventually(SETS, lambda found: len(found) == 2)


def of_web(slices: list[Object]) -> Object:
    """The slice of the Service web, beside that of the API."""
    return next(item for item in slices if item["metadata"]["labels"]["kubernetes.io/service-name"] == "web")


async def test_endpoints_follow_the_pods(client: ApiClient, eventually: Wait) -> None:
    service = {
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]},
    }
    await client.create(f"{CORE}/services", service)
    placeholder = of_web(await eventually(SLICES, lambda found: len(found) == 2))
    assert not placeholder.get("endpoints")
    async with playing(client, stop_s=0.3):
        first = await deploy(client, eventually, deployment(1))
        item = of_web(
            await eventually(SLICES, lambda found: bool(states(of_web(found))) and states(of_web(found))[0][0])
        )
        assert item["metadata"]["name"] == placeholder["metadata"]["name"]
        assert item["ports"] == [{"name": "", "port": 80, "protocol": "TCP"}]
        assert item["endpoints"][0]["targetRef"]["kind"] == "Pod"
        assert item["endpoints"][0]["nodeName"] == "node1"
        await client.delete(f"{DEPLOYMENTS}/web")
        await eventually(SLICES, lambda found: not of_web(found).get("endpoints"))
        seen = []
        async with asyncio.timeout(60):
            version = first["metadata"]["resourceVersion"]
            async for _, state in client.watch(SLICES, {"resourceVersion": version}):
                seen.append(states(state))
                if not seen[-1]:
                    break
    assert [(False, True, True)] in seen, "not ready, still serving, terminating"
    assert seen.index([(False, True, True)]) < len(seen) - 1


async def test_deleting_a_deployment_deletes_its_sets_and_pods(client: ApiClient, eventually: Wait) -> None:
    async with playing(client):
        await deploy(client, eventually, deployment(2))
        await client.delete(f"{DEPLOYMENTS}/web", propagation=Propagation.BACKGROUND)
        await eventually(SETS, lambda found: not found)
        await eventually(PODS, lambda found: not found)


async def test_foreground_deletion_keeps_the_owner_until_its_pods_are_gone(client: ApiClient, eventually: Wait) -> None:
    async with playing(client, stop_s=0.2):
        seen = await deploy(client, eventually, deployment(1))
        await client.delete(f"{DEPLOYMENTS}/web", propagation=Propagation.FOREGROUND)
        await eventually(DEPLOYMENTS, lambda found: not found)
        assert not (await client.list(PODS))["items"]
        assert not (await client.list(SETS))["items"]
        del seen


async def test_orphans_stay_and_are_adopted_by_the_next_of_their_kind(client: ApiClient, eventually: Wait) -> None:
    async with playing(client):
        await deploy(client, eventually, deployment(2))
        pods = {pod["metadata"]["uid"] for pod in (await client.list(PODS))["items"]}
        await client.delete(f"{DEPLOYMENTS}/web", propagation=Propagation.ORPHAN)
        await eventually(DEPLOYMENTS, lambda found: not found)
        await eventually(SETS, lambda found: not found[0]["metadata"].get("ownerReferences"))
        await deploy(client, eventually, deployment(2))
        assert {pod["metadata"]["uid"] for pod in (await client.list(PODS))["items"]} == pods


async def test_a_deleted_namespace_takes_everything_with_it(client: ApiClient, eventually: Wait) -> None:
    await client.create("/api/v1/namespaces", {"metadata": {"name": "shop"}})
    async with playing(client, stop_s=0.1):
        await client.create("/apis/apps/v1/namespaces/shop/deployments", deployment(2))
        await eventually("/api/v1/namespaces/shop/pods", lambda found: len(found) == 2)
        await client.delete("/api/v1/namespaces/shop")
        names = lambda found: "shop" not in {item["metadata"]["name"] for item in found}  # noqa: E731
        await eventually("/api/v1/namespaces", names)
    assert not (await client.list("/api/v1/namespaces/shop/pods"))["items"]
    assert not (await client.list("/api/v1/namespaces/shop/configmaps"))["items"]


async def test_a_pod_without_a_fitting_node_waits_for_one(client: ApiClient, eventually: Wait) -> None:
    await client.create(PODS, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})
    waiting = lambda found: bool(found[0]["status"].get("conditions"))  # noqa: E731
    (pod,) = await eventually(PODS, waiting)
    assert condition(pod, "PodScheduled") == ("False", "Unschedulable")
    async with playing(client):
        await eventually(PODS, lambda found: found[0]["spec"].get("nodeName") == "node1")


async def test_a_deleted_pod_is_replaced(client: ApiClient, eventually: Wait) -> None:
    async with playing(client):
        await deploy(client, eventually, deployment(2))
        doomed = (await client.list(PODS))["items"][0]["metadata"]
        await client.delete(f"{PODS}/{doomed['name']}")

        def replaced(found: list[Object]) -> bool:
            uids = {pod["metadata"]["uid"] for pod in found}
            return len(uids) == 2 and doomed["uid"] not in uids

        await eventually(PODS, replaced)


def rolling(surge: int, unavailable: int) -> Object:
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}


def states(item: Object) -> list[tuple[bool, bool, bool]]:
    """ready, serving, terminating of each endpoint."""
    conditions = [endpoint["conditions"] for endpoint in item.get("endpoints") or ()]
    return [(state["ready"], state["serving"], state["terminating"]) for state in conditions]
