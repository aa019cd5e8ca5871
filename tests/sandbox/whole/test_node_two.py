"""Two nodes: pods reach each other, and each node's kube-proxy answers for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest
from wholecluster import GIVE_UP_S, SHELL, Cluster, Maker, Object, cluster_of, is_ready

from harness.sandbox.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def pair(anyio_backend: str) -> AsyncIterator[Cluster]:
    settings = Settings(nodes=2, client_addresses=2, proxy_min_sync_period_s=0.0, images=(SHELL,))
    async with cluster_of(settings) as started:
        yield started


async def service(pair: Cluster, name: str, **spec: Any) -> Object:
    fields = {"selector": {"app": name}, "ports": [{"port": 80}], **spec}
    return await pair.create({"kind": "Service", "metadata": {"name": name}, "spec": fields})


async def eventually(pair: Cluster, url: str, source: str, code: int) -> str:
    """The answer as soon as curl from this source address ends with `code`."""
    with anyio.move_on_after(GIVE_UP_S):
        while True:
            seen, answer = await pair.curl(url, "--interface", source)
            if seen == code:
                return answer
    raise AssertionError(f"{url} from {source}: curl ends with {seen}, not {code}")


async def test_both_nodes_are_ready_and_the_scheduler_uses_them(pair: Cluster, nginx: Maker) -> None:
    listed = await pair.client.list("/api/v1/nodes")
    assert [node["metadata"]["name"] for node in listed["items"]] == ["node1", "node2"]
    for name in ("spread-1", "spread-2"):
        await pair.create(nginx(name, labels={"app": "spread"}))
    pods = [await pair.pod(name, is_ready) for name in ("spread-1", "spread-2")]
    assert {pod["spec"]["nodeName"] for pod in pods} == {"node1", "node2"}
    assert {pod["status"]["podIP"].rpartition(".")[0] for pod in pods} == {"10.244.16", "10.244.32"}


async def test_a_service_answers_through_either_node_wherever_its_pod_is(pair: Cluster, nginx: Maker) -> None:
    made = await service(pair, "far")
    await pair.create(nginx("far", spec={"nodeName": "node2"}))
    through = {address.split(".")[2]: address for address in pair.sandbox.client_addresses}
    assert set(through) == {"1", "2"}
    for source in through.values():
        await eventually(pair, f"http://{made['spec']['clusterIP']}/", source, 0)


async def test_pods_of_different_nodes_reach_each_other_through_a_service(pair: Cluster, nginx: Maker) -> None:
    made = await service(pair, "across")
    await pair.create(nginx("across", spec={"nodeName": "node1"}))
    fetch = {
        "exec": {"command": ["curl", "-sf", "-m", "1", f"http://{made['spec']['clusterIP']}/"]},
        "periodSeconds": 1,
    }
    await pair.create(nginx("asks", readinessProbe=fetch, spec={"nodeName": "node2"}))
    await pair.pod("asks", is_ready)


async def test_a_local_policy_answers_only_on_the_pods_node_and_keeps_the_clients_address(
    pair: Cluster, nginx: Maker
) -> None:
    echo = "server { listen 80; location / { return 200 $remote_addr; } }"
    await pair.create({"kind": "ConfigMap", "metadata": {"name": "echo"}, "data": {"default.conf": echo}})
    mount = [{"name": "conf", "mountPath": "/etc/nginx/conf.d"}]
    spec = {"volumes": [{"name": "conf", "configMap": {"name": "echo"}}], "nodeName": "node2"}
    local = await service(pair, "echo", type="NodePort", externalTrafficPolicy="Local")
    anywhere = await service(pair, "echo-any", type="NodePort", selector={"app": "echo"})
    await pair.create(nginx("echo", spec=spec, volumeMounts=mount))
    first, second = pair.sandbox.facts.node_addresses
    source = pair.sandbox.client_addresses[-1]
    port = local["spec"]["ports"][0]["nodePort"]
    answer = await eventually(pair, f"http://{second}:{port}/", source, 0)
    assert answer.endswith(source)
    await eventually(pair, f"http://{first}:{port}/", source, 28)  # dropped, as another node has a pod
    answer = await eventually(pair, f"http://{first}:{anywhere['spec']['ports'][0]['nodePort']}/", source, 0)
    assert not answer.endswith(source)
