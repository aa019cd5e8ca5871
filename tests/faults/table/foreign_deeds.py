"""What others do to the workload, its Service, its pods and its namespace while a run goes on."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from harness.sandbox.apiclient import ApiError, PatchType

from ..fault import Inject, Phase
from ..scene import Object, Scene


async def _in_the_middle(scene: Scene) -> None:
    if scene.fault.begins is Phase.ROLLOUT:
        await scene.surged()
    else:
        await scene.lasting(0.2)


def template(spec: Object | None = None, **metadata: Any) -> Inject:
    """The pod template is patched as `kubectl set`, `kubectl edit` or `kubectl rollout` do."""
    body = {"spec": {"template": {"metadata": metadata, "spec": spec or {}}}}

    async def inject(scene: Scene) -> None:
        await _in_the_middle(scene)
        await scene.api.patch(await scene.path("deployments", "web"), body, PatchType.STRATEGIC)

    return inject


def patched(collection: str, name: str, body: Object) -> Inject:
    async def inject(scene: Scene) -> None:
        await _in_the_middle(scene)
        await scene.api.patch(await scene.path(collection, name), body)

    return inject


def deleted(collection: str, name: str) -> Inject:
    async def inject(scene: Scene) -> None:
        await _in_the_middle(scene)
        await scene.api.delete(await scene.path(collection, name))

    return inject


def scaled(*replicas: int, every_s: float = 0.7) -> Inject:
    async def inject(scene: Scene) -> None:
        await _in_the_middle(scene)
        path = await scene.path("deployments", "web")
        for number in replicas:
            await scene.api.patch(f"{path}/scale", {"spec": {"replicas": number}})
            await scene.lasting(every_s)

    return inject


async def pods_deleted(scene: Scene) -> None:
    await _in_the_middle(scene)
    path = await scene.path("pods")
    for pod in (await scene.api.list(path, labelSelector="app=web"))["items"]:
        with suppress(ApiError):  # the rollout was quicker
            await scene.api.delete(f"{path}/{pod['metadata']['name']}")


async def pods_killed(scene: Scene) -> None:
    """As `kubectl delete pod --force`."""
    await _in_the_middle(scene)
    path = await scene.path("pods")
    for pod in (await scene.api.list(path, labelSelector="app=web"))["items"]:
        with suppress(ApiError):
            await scene.api.delete(f"{path}/{pod['metadata']['name']}", grace_s=0)


async def pod_taken_out(scene: Scene) -> None:
    """As somebody does who wants to look at a pod in peace: neither Service nor ReplicaSet select it any more."""
    await _in_the_middle(scene)
    path = await scene.path("pods")
    (pod, *_) = (await scene.api.list(path, labelSelector="app=web"))["items"]
    await scene.api.patch(f"{path}/{pod['metadata']['name']}", {"metadata": {"labels": {"app": "looked-at"}}})


async def slice_emptied(scene: Scene) -> None:
    """The control plane's own EndpointSlice, which it mends."""
    await _in_the_middle(scene)
    path = await scene.path("endpointslices")
    (found, *_) = (await scene.api.list(path, labelSelector="kubernetes.io/service-name=web"))["items"]
    await scene.api.patch(f"{path}/{found['metadata']['name']}", {"endpoints": []})


async def pods_evicted(scene: Scene) -> None:
    await _in_the_middle(scene)
    await _evicted(scene, labelSelector="app=web")


async def worker_evicted(scene: Scene) -> None:
    await _evicted(scene, fieldSelector="metadata.name=rollout-harness-load-0")


async def _evicted(scene: Scene, **selectors: str) -> None:
    path = await scene.path("pods")
    for pod in (await scene.api.list(path, **selectors))["items"]:
        name = pod["metadata"]["name"]
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
        await scene.api.create(f"{path}/{name}/eviction", eviction)


async def foreign_slice(scene: Scene) -> None:
    """An endpoint that answers nobody, for 3 s."""
    await _in_the_middle(scene)
    path = await scene.path("endpointslices")
    ports = (await scene.api.list(path, labelSelector="kubernetes.io/service-name=web"))["items"][0]["ports"]
    labels = {"kubernetes.io/service-name": "web", "endpointslice.kubernetes.io/managed-by": "somebody"}
    body = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "theirs", "labels": labels},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.244.0.250"], "conditions": {"ready": True}}],
        "ports": ports,
    }
    await scene.api.create(path, body)
    await scene.lasting(3.0)
    with suppress(ApiError):
        await scene.api.delete(f"{path}/theirs")


async def quota(scene: Scene) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "few"},
        "spec": {"hard": {"pods": "2"}},  # the pod and the load worker
    }
    await scene.api.create(await scene.path("resourcequotas"), body)


async def namespace_deleted(scene: Scene) -> None:
    await _in_the_middle(scene)
    await scene.api.delete(f"/api/v1/namespaces/{await scene.namespace()}")


async def held_by_a_finalizer(scene: Scene) -> None:
    """A pod that something else wants to keep, for ever."""
    path = await scene.path("pods")
    (pod, *_) = (await scene.api.list(path, labelSelector="app=web"))["items"]
    body = {"metadata": {"finalizers": ["example.org/keep"]}}
    await scene.api.patch(f"{path}/{pod['metadata']['name']}", body)
