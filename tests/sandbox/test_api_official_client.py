"""The official Python client, synchronous and asynchronous, against the control plane over HTTPS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio.to_thread
import pytest
from planes import playing

if TYPE_CHECKING:
    from planes import Plane

    from harness.sandbox.apiclient import ApiClient

pytestmark = [pytest.mark.anyio, pytest.mark.sandbox]

Object = dict[str, Any]

DEPLOYMENT: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "nginx", "image": "nginx:1.28.0"}]},
        },
    },
}


def rolled(plane: Plane) -> tuple[int, list[str], int]:
    """Deploys, waits, rolls and deletes with the synchronous client: revision, types of events seen, code of a 404."""
    from kubernetes import client, config, watch

    config.load_kube_config(str(plane.kubeconfig()))
    apps, core = client.AppsV1Api(), client.CoreV1Api()
    apps.create_namespaced_deployment("default", DEPLOYMENT)
    types = []
    watcher = watch.Watch()
    for event in watcher.stream(apps.list_namespaced_deployment, "default", timeout_seconds=20):
        types.append(event["type"])
        if event["object"].status.available_replicas == 2:
            watcher.stop()
    image = {"spec": {"template": {"spec": {"containers": [{"name": "nginx", "image": "nginx:1.29.1"}]}}}}
    apps.patch_namespaced_deployment("web", "default", image)
    watcher = watch.Watch()
    for event in watcher.stream(apps.list_namespaced_deployment, "default", timeout_seconds=20):
        status = event["object"].status
        seen = status.observed_generation == event["object"].metadata.generation
        if seen and status.updated_replicas == status.available_replicas == status.replicas == 2:
            watcher.stop()
    deployment = apps.read_namespaced_deployment("web", "default")
    assert {pod.metadata.labels["app"] for pod in core.list_namespaced_pod("default").items} == {"web"}
    apps.delete_namespaced_deployment("web", "default")
    with pytest.raises(client.ApiException) as refused:
        apps.read_namespaced_deployment("web", "default")
    number = deployment.metadata.annotations["deployment.kubernetes.io/revision"]
    return int(number), types, refused.value.status


async def test_the_synchronous_client_deploys_watches_rolls_and_deletes(plane: Plane, client: ApiClient) -> None:
    async with playing(client):
        revision, types, code = await anyio.to_thread.run_sync(rolled, plane)
    assert revision == 2
    assert types[0] == "ADDED"
    assert set(types[1:]) == {"MODIFIED"}
    assert code == 404


async def test_the_asynchronous_client_does_all_that_too(plane: Plane, client: ApiClient) -> None:
    from kubernetes.aio import client as official
    from kubernetes.aio import config

    async with playing(client):
        configuration = official.Configuration()
        await config.load_kube_config(str(plane.kubeconfig()), client_configuration=configuration)
        async with official.ApiClient(configuration) as connection:
            apps, core = official.AppsV1Api(connection), official.CoreV1Api(connection)
            await apps.create_namespaced_deployment("default", DEPLOYMENT)
            scale = await apps.read_namespaced_deployment_scale("web", "default")
            assert scale.spec.replicas == 2
            await apps.patch_namespaced_deployment_scale("web", "default", {"spec": {"replicas": 3}})
            deployment = await apps.read_namespaced_deployment("web", "default")
            assert deployment.spec.replicas == 3
            events = await core.list_namespaced_event("default")
            assert events.kind == "EventList"
            review = official.V1SelfSubjectAccessReview(
                spec={"resourceAttributes": {"verb": "create", "resource": "pods", "namespace": "default"}}
            )
            answer = await official.AuthorizationV1Api(connection).create_self_subject_access_review(review)
            assert answer.status.allowed is True
