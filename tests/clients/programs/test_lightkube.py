"""lightkube, synchronous and asynchronous: what a charmed operator does with it, server-side apply before all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from lightkube import ApiError, AsyncClient, Client, codecs, sort_objects
from lightkube.generic_resource import create_namespaced_resource, load_in_cluster_generic_resources
from lightkube.models.autoscaling_v1 import ScaleSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Pod, Service
from lightkube.types import CascadeType, PatchType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Object = dict[str, Any]


@pytest.fixture
def client(namespace: str) -> Iterator[Client]:
    with Client(namespace=namespace, field_manager="tests") as opened:
        yield opened


def settings(**data: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name="settings"), data=data)


@pytest.mark.anyio
async def test_a_deployment_is_applied_awaited_and_scaled(namespace: str, deployment: Callable[..., Object]) -> None:
    async with AsyncClient(namespace=namespace, field_manager="tests") as client:
        web = codecs.from_dict(deployment("web", replicas=2))
        await client.apply(web)
        done = await client.wait(Deployment, "web", for_conditions=["Available"])
        assert done.status.availableReplicas == 2
        scale = Deployment.Scale(metadata=ObjectMeta(name="web", namespace=namespace), spec=ScaleSpec(replicas=3))
        await client.replace(scale, "web")
        assert (await client.get(Deployment, "web")).spec.replicas == 3
        async for _, seen in client.watch(Deployment, fields={"metadata.name": "web"}, server_timeout=30):
            if seen.status and seen.status.readyReplicas == 3:
                break
        assert len([pod async for pod in client.list(Pod, labels={"app": "web"})]) == 3
        last = (await client.get(Deployment, "web")).metadata.resourceVersion
        await client.delete(Deployment, "web", cascade=CascadeType.FOREGROUND)
        async for kind, _ in client.watch(Deployment, fields={"metadata.name": "web"}, resource_version=last):
            if kind == "DELETED":
                break
        assert [pod async for pod in client.list(Pod, labels={"app": "web"})] == []


def test_who_applies_owns_and_who_would_take_it_is_refused_until_forced(client: Client) -> None:
    client.apply(settings(color="blue", size="1"))
    with pytest.raises(ApiError) as refused:
        client.apply(settings(color="red"), field_manager="other")
    assert refused.value.status.code == 409
    assert [cause.field for cause in refused.value.status.details.causes] == [".data.color"]
    taken = client.apply(settings(color="red"), field_manager="other", force=True)
    assert taken.data == {"color": "red", "size": "1"}
    owners = {(each.manager, each.operation): each.fieldsV1 for each in taken.metadata.managedFields}
    assert owners["other", "Apply"] == {"f:data": {"f:color": {}}}
    given_up = client.apply(settings(), field_manager="other")
    assert given_up.data == {"size": "1"}


def test_the_same_apply_again_changes_nothing(client: Client) -> None:
    first = client.apply(settings(color="blue"))
    again = client.apply(settings(color="blue"))
    assert again.metadata.resourceVersion == first.metadata.resourceVersion
    tried = client.apply(settings(color="red"), dry_run=True)
    assert tried.data == {"color": "red"}
    assert client.get(ConfigMap, "settings").data == {"color": "blue"}


def test_each_kind_of_patch_does_what_it_is_named_after(client: Client, deployment: Callable[..., Object]) -> None:
    client.create(codecs.from_dict(deployment("web", replicas=0)))
    container = {"name": "nginx", "image": "nginx:1.29.1"}
    strategic = client.patch(Deployment, "web", {"spec": {"template": {"spec": {"containers": [container]}}}})
    assert strategic.spec.template.spec.containers[0].image == "nginx:1.29.1"
    assert strategic.spec.template.spec.containers[0].ports[0].containerPort == 80
    merged = client.patch(
        Deployment, "web", {"spec": {"template": {"spec": {"containers": [container]}}}}, patch_type=PatchType.MERGE
    )
    assert merged.spec.template.spec.containers[0].ports is None
    path = "/spec/template/spec/containers/0/image"
    operations = [
        {"op": "test", "path": path, "value": "nginx:1.29.1"},
        {"op": "remove", "path": "/metadata/labels/app"},
    ]
    patched = client.patch(Deployment, "web", operations, patch_type=PatchType.JSON)
    assert not patched.metadata.labels
    assert client.set(Deployment, "web", labels={"a": "1"}, annotations={"b": "2"}).metadata.labels == {"a": "1"}


def test_lists_come_in_chunks_and_obey_selectors(client: Client) -> None:
    for n in range(7):
        labels = {"of": "seven", "odd": str(n % 2)}
        client.create(ConfigMap(metadata=ObjectMeta(name=f"c{n}", labels=labels)))
    listed = client.list(ConfigMap, labels={"of": "seven"}, chunk_size=3)
    assert [each.metadata.name for each in listed] == [f"c{n}" for n in range(7)]
    odd = client.list(ConfigMap, labels={"of": "seven", "odd": ("1", "2")})
    assert [each.metadata.name for each in odd] == ["c1", "c3", "c5"]
    assert [each.metadata.name for each in client.list(ConfigMap, fields={"metadata.name": "c4"})] == ["c4"]
    client.deletecollection(ConfigMap)
    assert [each for each in client.list(ConfigMap) if each.metadata.name.startswith("c")] == []


def test_an_object_read_earlier_does_not_overwrite_what_came_since(client: Client) -> None:
    client.create(settings(color="blue"))
    old = client.get(ConfigMap, "settings")
    new = client.get(ConfigMap, "settings")
    new.data["color"] = "red"
    client.replace(new)
    old.data["color"] = "green"
    with pytest.raises(ApiError) as refused:
        client.replace(old)
    assert (refused.value.status.code, refused.value.status.reason) == (409, "Conflict")
    assert client.get(ConfigMap, "settings").data == {"color": "red"}


def test_a_pod_says_what_it_logged(client: Client) -> None:
    line = "echo first; echo second; touch /tmp/said; exec sleep 60"
    said = {"exec": {"command": ["test", "-e", "/tmp/said"]}, "periodSeconds": 1}
    container = {"name": "main", "image": "nginx:1.28.0", "command": ["sh", "-c", line], "readinessProbe": said}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "speaker"}, "spec": {"containers": [container]}}
    client.create(codecs.from_dict(manifest))
    client.wait(Pod, "speaker", for_conditions=["Ready"])
    assert list(client.log("speaker")) == ["first\n", "second\n"]
    assert list(client.log("speaker", tail_lines=1, newlines=False)) == ["second"]
    assert next(client.log("speaker", follow=True)) == "first\n"


@pytest.mark.anyio
async def test_a_pod_runs_a_command(namespace: str) -> None:
    container = {"name": "main", "image": "nginx:1.28.0", "command": ["sleep", "60"]}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "worker"}, "spec": {"containers": [container]}}
    async with AsyncClient(namespace=namespace) as client:
        await client.create(codecs.from_dict(manifest))
        await client.wait(Pod, "worker", for_conditions=["Ready"])
        command = ["sh", "-c", "cat; hostname; echo no >&2; exit 3"]
        done = await client.exec("worker", command=command, stdin="in\n", stdout=True, stderr=True)
    assert (done.stdout, done.stderr, done.exit_code) == ("in\nworker\n", "no\n", 3)


def test_a_custom_kind_is_applied_and_its_status_set(client: Client, crd: Object) -> None:
    group = crd["spec"]["group"]
    shop_kind = create_namespaced_resource(group, "v1", "Shop", "shops")
    one = shop_kind(apiVersion=f"{group}/v1", kind="Shop", metadata=ObjectMeta(name="one"), spec={"size": 1})
    assert client.apply(one)["spec"] == {"size": 1, "color": "red"}
    changed = client.patch(shop_kind.Status, "one", {"status": {"size": 2}}, patch_type=PatchType.MERGE)
    assert changed["status"] == {"size": 2}
    with pytest.raises(ApiError, match="Unsupported value"):
        client.patch(shop_kind, "one", {"spec": {"color": "green"}}, patch_type=PatchType.MERGE)
    load_in_cluster_generic_resources(client)
    assert [each.metadata.name for each in client.list(shop_kind)] == ["one"]


def test_a_manifest_of_several_objects_is_applied_in_an_order_that_works(client: Client, namespace: str) -> None:
    text = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: "{{ color }}"}
"""
    for each in sort_objects(codecs.load_all_yaml(text, context={"color": "blue"})):
        client.apply(each)
    assert client.get(Service, "web").spec.ports[0].name == "http"
    assert client.get(ConfigMap, "settings").data == {"color": "blue"}
