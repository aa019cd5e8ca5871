"""kr8s, synchronous and asynchronous, through a user's day: create, wait, scale, watch, exec, forward a port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import kr8s
import kr8s.asyncio
import pytest
from kr8s.asyncio.objects import ConfigMap as AsyncConfigMap
from kr8s.objects import ConfigMap, Deployment, Namespace, Node, Pod, Service, new_class

if TYPE_CHECKING:
    from collections.abc import Callable

Object = dict[str, Any]


@pytest.fixture
def ready(namespace: str, deployment: Callable[..., Object]) -> Deployment:
    """A Deployment of two pods, available."""
    made = Deployment(deployment("web", replicas=2), namespace=namespace)
    made.create()
    made.wait("condition=Available", timeout=200)
    return made


def test_a_deployment_is_created_awaited_scaled_and_deleted(ready: Deployment) -> None:
    assert ready.ready()
    assert ready.replicas == 2
    ready.scale(3)
    ready.wait("jsonpath='{.status.readyReplicas}'=3", timeout=200)
    assert {pod.labels["app"] for pod in ready.pods()} == {"web"}
    assert len(ready.pods()) == 3
    ready.delete(propagation_policy="Foreground")
    ready.wait("delete", timeout=200)
    assert not ready.exists()
    assert list(kr8s.get("pods", namespace=ready.namespace, label_selector="app=web")) == []


def test_labels_annotations_and_patches_are_seen_by_who_asks_anew(namespace: str) -> None:
    settings = ConfigMap({"metadata": {"name": "settings"}, "data": {"color": "blue"}}, namespace=namespace)
    settings.create()
    settings.label({"team": "a", "tier": "front"})
    settings.annotate(note="seen")
    settings.patch([{"op": "replace", "path": "/data/color", "value": "red"}], type="json")
    settings.patch({"data": {"size": "3"}})
    (again,) = ConfigMap.list(namespace=namespace, label_selector={"team": "a"})
    assert again.data == {"color": "red", "size": "3"}
    assert again.labels == {"team": "a", "tier": "front"}
    assert again.annotations == {"note": "seen"}
    settings.remove_label("team")
    assert list(ConfigMap.list(namespace=namespace, label_selector={"team": "a"})) == []
    assert [each.name for each in ConfigMap.list(namespace=namespace, label_selector={"tier": "front"})] == ["settings"]


def test_who_is_refused_is_told_by_the_servers_words(namespace: str) -> None:
    ConfigMap({"metadata": {"name": "settings"}}, namespace=namespace).create()
    with pytest.raises(kr8s.ServerError, match='configmaps "settings" already exists'):
        ConfigMap({"metadata": {"name": "settings"}}, namespace=namespace).create()
    with pytest.raises(kr8s.ServerError, match="is invalid"):
        ConfigMap({"metadata": {"name": "No_Name"}}, namespace=namespace).create()


def test_what_the_api_serves_is_found_by_name_and_short_name(namespace: str) -> None:
    assert kr8s.version()["gitVersion"].startswith("v1.")
    kinds = {each["kind"] for each in kr8s.api_resources()}
    assert {"Pod", "Deployment", "Service", "Job", "EndpointSlice", "CustomResourceDefinition"} <= kinds
    assert [each.name for each in kr8s.get("ns", namespace)] == [namespace]
    assert isinstance(next(iter(kr8s.get("namespaces", namespace))), Namespace)


@pytest.mark.anyio
async def test_a_list_is_read_in_chunks(namespace: str) -> None:
    for n in range(7):
        labels = {"of": "seven"}
        await (await AsyncConfigMap({"metadata": {"name": f"c{n}", "labels": labels}}, namespace=namespace)).create()
    api = await kr8s.asyncio.api()
    pages, params = [], {"limit": 3, "labelSelector": "of=seven"}
    while "continue" not in params or params["continue"]:
        async with api.call_api("GET", url="configmaps", namespace=namespace, params=params) as response:
            page = response.json()
        pages.append([each["metadata"]["name"] for each in page["items"]])
        params["continue"] = page["metadata"].get("continue", "")
    assert pages == [["c0", "c1", "c2"], ["c3", "c4", "c5"], ["c6"]]


def test_a_node_is_cordoned_and_let_go() -> None:
    node = next(iter(kr8s.get("nodes")))
    assert isinstance(node, Node)
    node.cordon()
    try:
        node.refresh()
        assert node.unschedulable
    finally:
        node.uncordon()
    node.refresh()
    assert not node.unschedulable


def test_a_pod_is_asked_for_its_log_and_runs_a_command(namespace: str) -> None:
    pod = Pod.gen(name="speaker", image="nginx:1.28.0", namespace=namespace)
    container = pod.raw["spec"]["containers"][0]
    container["command"] = ["sh", "-c", "echo first; echo second; touch /tmp/said; exec sleep 60"]
    container["readinessProbe"] = {"exec": {"command": ["test", "-e", "/tmp/said"]}, "periodSeconds": 1}
    pod.create()
    pod.wait("condition=Ready", timeout=200)
    assert list(pod.logs()) == ["first", "second"]
    assert list(pod.logs(tail_lines=1)) == ["second"]
    done = pod.exec(["sh", "-c", "hostname; echo no >&2; exit 3"], check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"speaker\n", b"no\n")
    pod.delete(grace_period=0)


def test_a_port_of_a_pod_and_of_a_service_is_forwarded(ready: Deployment) -> None:
    with ready.pods()[0].portforward(remote_port=80, local_port="auto") as port:
        assert httpx.get(f"http://127.0.0.1:{port}/", timeout=200).status_code == 200
    service = Service(
        {
            "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
        },
        namespace=ready.namespace,
    )
    service.create()
    assert len(service.ready_pods()) == 2
    with service.portforward(remote_port=80, local_port="auto") as port:
        assert httpx.get(f"http://127.0.0.1:{port}/", timeout=200).status_code == 200
    assert service.proxy_http_get("/").status_code == 200


def test_a_custom_kind_is_an_object_like_any_other(namespace: str, crd: Object) -> None:
    shop_kind = new_class("Shop", f"{crd['spec']['group']}/v1", namespaced=True, scalable=True, scalable_spec="size")
    shop = shop_kind({"metadata": {"name": "one"}, "spec": {"size": 1, "lost": True}}, namespace=namespace)
    shop.create()
    shop.refresh()
    assert shop.spec == {"size": 1, "color": "red"}
    shop.patch({"status": {"size": 2}}, subresource="status")
    shop.wait("jsonpath='{.status.size}'=2", timeout=200)
    with pytest.raises(kr8s.ServerError, match="should be less than or equal to 3"):
        shop.patch({"spec": {"size": 4}})
    assert [each.name for each in shop_kind.list(namespace=namespace)] == ["one"]
    shop.delete()
    shop.wait("delete", timeout=200)


@pytest.mark.anyio
async def test_a_watch_tells_each_change_in_its_order(namespace: str) -> None:
    api = await kr8s.asyncio.api()
    seen = []
    first = await AsyncConfigMap({"metadata": {"name": "settings"}, "data": {"n": "0"}}, namespace=namespace)
    await first.create()
    async for kind, each in api.watch("configmaps", namespace=namespace, field_selector="metadata.name=settings"):
        seen.append((kind, each.raw["data"]["n"]))
        if len(seen) == 1:
            await first.patch({"data": {"n": "1"}})
            await first.delete()
        if kind == "DELETED":
            break
    assert seen == [("ADDED", "0"), ("MODIFIED", "1"), ("DELETED", "1")]
