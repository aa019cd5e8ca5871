"""kubernetes_asyncio, the generated client and the dynamic one: lists, watches, patches, exec, conflicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kubernetes_asyncio import client, config, utils, watch
from kubernetes_asyncio.client.api_client import ApiClient
from kubernetes_asyncio.client.rest import ApiException
from kubernetes_asyncio.dynamic import DynamicClient
from kubernetes_asyncio.stream import WsApiClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

Object = dict[str, Any]
pytestmark = pytest.mark.anyio


@pytest.fixture
async def api() -> AsyncIterator[ApiClient]:
    await config.load_kube_config()
    async with ApiClient() as opened:
        yield opened


def settings(**data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": data}


async def test_a_deployment_is_created_from_a_dictionary_and_watched_until_it_is_ready(
    api: ApiClient, namespace: str, deployment: Callable[..., Object]
) -> None:
    await utils.create_from_dict(api, deployment("web", replicas=2), namespace=namespace)
    apps, core = client.AppsV1Api(api), client.CoreV1Api(api)
    async with watch.Watch() as changes:
        async for event in changes.stream(apps.list_namespaced_deployment, namespace, timeout_seconds=30):
            if event["object"].status.ready_replicas == 2:
                break
    pods = await core.list_namespaced_pod(namespace, label_selector="app=web")
    assert {pod.status.phase for pod in pods.items} == {"Running"}
    await apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 1}})
    assert (await apps.read_namespaced_deployment_scale("web", namespace)).spec.replicas == 1
    options = client.V1DeleteOptions(propagation_policy="Foreground")
    await apps.delete_namespaced_deployment("web", namespace, body=options)
    version = pods.metadata.resource_version
    async with watch.Watch() as changes:
        selected = {"label_selector": "app=web", "resource_version": version, "timeout_seconds": 30}
        gone = set()
        async for event in changes.stream(core.list_namespaced_pod, namespace, **selected):
            if event["type"] == "DELETED":
                gone.add(event["object"].metadata.name)
            if len(gone) == 2:
                break
    assert gone == {pod.metadata.name for pod in pods.items}


async def test_the_generated_client_reads_and_writes_every_kind_it_can_list(api: ApiClient, namespace: str) -> None:
    """What the client cannot parse (a null where a list is due) raises, so reading is the test."""
    core, apps, batch = client.CoreV1Api(api), client.AppsV1Api(api), client.BatchV1Api(api)
    networking, policy = client.NetworkingV1Api(api), client.PolicyV1Api(api)
    discovery = client.DiscoveryV1Api(api)
    for listed in (
        core.list_node, core.list_namespace, core.list_pod_for_all_namespaces, core.list_service_for_all_namespaces,
        core.list_config_map_for_all_namespaces, core.list_secret_for_all_namespaces,
        core.list_service_account_for_all_namespaces, core.list_event_for_all_namespaces,
        apps.list_deployment_for_all_namespaces, apps.list_replica_set_for_all_namespaces,
        apps.list_stateful_set_for_all_namespaces,
        batch.list_job_for_all_namespaces, networking.list_ingress_for_all_namespaces,
        policy.list_pod_disruption_budget_for_all_namespaces, discovery.list_endpoint_slice_for_all_namespaces,
    ):  # fmt: skip
        assert (await listed()).metadata.resource_version


async def test_lists_come_in_chunks_that_together_are_the_whole(api: ApiClient, namespace: str) -> None:
    core = client.CoreV1Api(api)
    for n in range(7):
        await core.create_namespaced_config_map(namespace, {"metadata": {"name": f"c{n}", "labels": {"of": "seven"}}})
    names, token = [], None
    while token != "":
        page = await core.list_namespaced_config_map(
            namespace, limit=3, label_selector="of=seven", **({"_continue": token} if token else {})
        )
        names.append([each.metadata.name for each in page.items])
        token = page.metadata._continue or ""
    assert names == [["c0", "c1", "c2"], ["c3", "c4", "c5"], ["c6"]]
    await core.delete_collection_namespaced_config_map(namespace, label_selector="of=seven")
    assert (await core.list_namespaced_config_map(namespace, label_selector="of=seven")).items == []


async def test_who_comes_second_is_told_so(api: ApiClient, namespace: str) -> None:
    core = client.CoreV1Api(api)
    old = await core.create_namespaced_config_map(namespace, settings(color="blue"))
    await core.patch_namespaced_config_map("settings", namespace, {"data": {"color": "red"}})
    old.data["color"] = "green"
    with pytest.raises(ApiException) as refused:
        await core.replace_namespaced_config_map("settings", namespace, old)
    assert refused.value.status == 409
    assert "the object has been modified" in refused.value.body
    with pytest.raises(ApiException) as refused:
        await core.create_namespaced_config_map(namespace, settings(color="blue"))
    assert (refused.value.status, '"reason":"AlreadyExists"' in refused.value.body) == (409, True)
    with pytest.raises(ApiException) as missing:
        await core.read_namespaced_config_map("other", namespace)
    assert missing.value.status == 404


async def test_a_watch_goes_on_from_the_version_it_is_given(api: ApiClient, namespace: str) -> None:
    core = client.CoreV1Api(api)
    first = await core.create_namespaced_config_map(namespace, settings(n="0"))
    await core.patch_namespaced_config_map("settings", namespace, {"data": {"n": "1"}})
    await core.delete_namespaced_config_map("settings", namespace)
    seen = []
    async with watch.Watch() as changes:
        async for event in changes.stream(
            core.list_namespaced_config_map, namespace, field_selector="metadata.name=settings",
            resource_version=first.metadata.resource_version, timeout_seconds=30,
        ):  # fmt: skip
            seen.append((event["type"], event["object"].data["n"]))
            if event["type"] == "DELETED":
                break
    assert seen == [("MODIFIED", "1"), ("DELETED", "1")]


async def test_an_object_is_evicted_bound_and_asked_about_as_a_subresource(
    api: ApiClient, namespace: str, deployment: Callable[..., Object]
) -> None:
    review = client.V1SelfSubjectAccessReview(
        spec=client.V1SelfSubjectAccessReviewSpec(
            resource_attributes=client.V1ResourceAttributes(namespace=namespace, verb="create", resource="pods")
        )
    )
    answer = await client.AuthorizationV1Api(api).create_self_subject_access_review(review)
    assert answer.status.allowed
    await utils.create_from_dict(api, deployment("web"), namespace=namespace)
    core = client.CoreV1Api(api)
    async with watch.Watch() as changes:
        async for event in changes.stream(core.list_namespaced_pod, namespace, timeout_seconds=30):
            conditions = event["object"].status.conditions or []
            if any(each.type == "Ready" and each.status == "True" for each in conditions):
                break
    name = event["object"].metadata.name
    eviction = client.V1Eviction(metadata=client.V1ObjectMeta(name=name, namespace=namespace))
    await core.create_namespaced_pod_eviction(name, namespace, eviction)
    assert (await core.read_namespaced_pod(name, namespace)).metadata.deletion_timestamp is not None


async def test_a_pod_runs_a_command_and_says_what_it_logged(api: ApiClient, namespace: str) -> None:
    core = client.CoreV1Api(api)
    line = "echo first; echo second; touch /tmp/said; exec sleep 60"
    said = {"exec": {"command": ["test", "-e", "/tmp/said"]}, "periodSeconds": 1}
    container = {"name": "main", "image": "nginx:1.28.0", "command": ["sh", "-c", line], "readinessProbe": said}
    await core.create_namespaced_pod(namespace, {"metadata": {"name": "worker"}, "spec": {"containers": [container]}})
    async with watch.Watch() as changes:
        async for event in changes.stream(core.list_namespaced_pod, namespace, timeout_seconds=30):
            conditions = event["object"].status.conditions or ()
            if any(each.type == "Ready" and each.status == "True" for each in conditions):
                break
    assert await core.read_namespaced_pod_log("worker", namespace) == "first\nsecond\n"
    assert await core.read_namespaced_pod_log("worker", namespace, tail_lines=1) == "second\n"
    async with WsApiClient() as sockets:
        streams = {"stdin": False, "stdout": True, "stderr": True, "tty": False}
        command = ["sh", "-c", "hostname; echo no >&2"]
        said = await client.CoreV1Api(sockets).connect_get_namespaced_pod_exec(
            "worker", namespace, command=command, **streams
        )
        assert sorted(said.splitlines()) == ["no", "worker"]
        raw = await client.CoreV1Api(sockets).connect_get_namespaced_pod_exec(
            "worker", namespace, command=["sh", "-c", "exit 3"], _preload_content=False, **streams
        )
        async with raw as socket:
            ends = [message.data async for message in socket if message.data[:1] == b"\x03"]
    assert WsApiClient.parse_error_data(ends[-1][1:]) == 3


async def test_the_dynamic_client_discovers_applies_and_watches(api: ApiClient, namespace: str) -> None:
    async with DynamicClient(api) as dynamic:
        maps = await dynamic.resources.get(api_version="v1", kind="ConfigMap")
        applied = await dynamic.server_side_apply(
            maps, body=settings(color="blue"), name="settings", namespace=namespace, field_manager="tests"
        )
        assert applied.metadata.managedFields[0].manager == "tests"
        listed = await dynamic.get(
            maps, namespace=namespace, label_selector="", field_selector="metadata.name=settings"
        )
        assert [each.data.color for each in listed.items] == ["blue"]
        shapes = {(each.group, each.kind) for each in await dynamic.resources.search()}
        assert ("apps", "Deployment") in shapes


async def test_a_custom_kind_is_served_to_the_generated_client(api: ApiClient, namespace: str, crd: Object) -> None:
    custom, place = client.CustomObjectsApi(api), (crd["spec"]["group"], "v1", namespace, "shops")
    body = {"apiVersion": f"{place[0]}/v1", "kind": "Shop", "metadata": {"name": "one"}, "spec": {"size": 1}}
    made = await custom.create_namespaced_custom_object(*place, body)
    assert made["spec"] == {"size": 1, "color": "red"}
    change, merge = {"status": {"size": 2}, "spec": {"size": 3}}, "application/merge-patch+json"
    await custom.patch_namespaced_custom_object_status(*place, "one", change, _content_type=merge)
    seen = await custom.get_namespaced_custom_object(*place, "one")
    assert (seen["spec"]["size"], seen["status"], seen["metadata"]["generation"]) == (1, {"size": 2}, 1)
    scale = await custom.get_namespaced_custom_object_scale(*place, "one")
    assert (scale["spec"]["replicas"], scale["status"]["replicas"]) == (1, 2)
    await custom.delete_namespaced_custom_object(*place, "one")
    assert (await custom.list_namespaced_custom_object(*place))["items"] == []
