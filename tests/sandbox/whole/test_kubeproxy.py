"""What clients of a Service see, and when kube-proxy programs what."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from wholecluster import SHELL, Cluster, Maker, Object, cluster_of, is_ready

from harness.sandbox.apiclient import PatchType
from harness.sandbox.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.anyio

REFUSED, TIMED_OUT = 7, 28


async def service(cluster: Cluster, name: str, **spec: Any) -> Object:
    """Creates a Service for pods with the label app=NAME."""
    fields = {"selector": {"app": name}, "ports": [{"port": 80}], **spec}
    return await cluster.create({"kind": "Service", "metadata": {"name": name}, "spec": fields})


async def eventually(cluster: Cluster, url: str, code: int, timeout_s: float = 5.0) -> str:
    """The answer as soon as curl ends with `code`."""
    with anyio.move_on_after(timeout_s):
        while True:
            seen, answer = await cluster.curl(url)
            if seen == code:
                return answer
    raise AssertionError(f"{url}: curl ends with {seen}, not {code}: {answer}")


async def test_a_service_answers_from_its_pod_and_the_pod_names_its_image(cluster: Cluster, nginx: Maker) -> None:
    made = await service(cluster, "web")
    await cluster.create(nginx("web"))
    answer = await eventually(cluster, f"http://{made['spec']['clusterIP']}/", 0)
    assert "X-Image: nginx:1.28.0" in answer
    assert "Welcome to nginx" in answer


async def test_a_service_without_endpoints_refuses_and_unknown_addresses_are_silent(cluster: Cluster) -> None:
    made = await service(cluster, "empty")
    await eventually(cluster, f"http://{made['spec']['clusterIP']}/", REFUSED)
    await eventually(cluster, f"http://{made['spec']['clusterIP']}:81/", REFUSED)
    code, _ = await cluster.curl("http://10.96.255.254/", "-m", "0.3")
    assert code == TIMED_OUT


async def test_a_node_port_answers_at_the_nodes_address(cluster: Cluster, nginx: Maker) -> None:
    made = await service(cluster, "outside", type="NodePort")
    await cluster.create(nginx("outside"))
    port = made["spec"]["ports"][0]["nodePort"]
    await eventually(cluster, f"http://{cluster.sandbox.facts.node_addresses[0]}:{port}/", 0)


def fetching(made: Object) -> Object:
    """A probe that succeeds when the container reaches the Service."""
    command = ["curl", "-sf", "-m", "1", f"http://{made['spec']['clusterIP']}/"]
    return {"exec": {"command": command}, "periodSeconds": 1, "timeoutSeconds": 5}


async def test_a_pod_reaches_its_neighbour_through_a_service(cluster: Cluster, nginx: Maker) -> None:
    made = await service(cluster, "loop")
    await cluster.create(nginx("loop"))
    await eventually(cluster, f"http://{made['spec']['clusterIP']}/", 0)
    await cluster.create(nginx("neighbour", readinessProbe=fetching(made)))
    await cluster.pod("neighbour", is_ready)


async def test_a_pod_reaches_itself_through_a_service(cluster: Cluster, nginx: Maker) -> None:
    made = await service(cluster, "self", publishNotReadyAddresses=True)
    await cluster.create(nginx("self", readinessProbe=fetching(made)))
    await cluster.pod("self", is_ready)


async def test_terminating_pods_serve_when_no_ready_one_is_left(cluster: Cluster, nginx: Maker) -> None:
    made = await service(cluster, "last")
    await cluster.create(nginx("last", lifecycle={"preStop": {"sleep": {"seconds": 4}}}))
    url = f"http://{made['spec']['clusterIP']}/"
    await eventually(cluster, url, 0)
    await cluster.delete("last")
    await anyio.sleep(2.5)
    code, _ = await cluster.curl(url)
    assert code == 0
    await cluster.gone("last")
    await eventually(cluster, url, REFUSED)


async def test_connections_to_a_pod_that_quits_are_refused_and_then_lost(cluster: Cluster, nginx: Maker) -> None:
    """The kernel's own behaviour: the rules still name the pod, first without a listener, then without a network."""
    made = await service(cluster, "quits")
    await cluster.create(nginx("quits"))
    url = f"http://{made['spec']['clusterIP']}/"
    await eventually(cluster, url, 0)
    await anyio.sleep(2.2)
    line = f"while :; do curl -s -o /dev/null -m 0.2 {url}; echo $?; sleep 0.003; done"
    command = cluster.sandbox.client_command(["timeout", "1.2", "sh", "-c", line])
    async with await anyio.open_process(command) as process:
        await cluster.delete("quits")
        assert process.stdout is not None
        codes = b"".join([chunk async for chunk in process.stdout]).decode().split()
    first = codes.index(str(REFUSED))
    assert set(codes[:first]) <= {"0", "52", "56"}
    assert str(TIMED_OUT) in codes[first:]


def syncs(truth: Path) -> list[tuple[float, float]]:
    """The (start, end) of every sync in seconds."""
    lines = [json.loads(line) for line in truth.read_text().splitlines()]
    return [(line["start_ns"] / 1e9, line["end_ns"] / 1e9) for line in lines if line["kind"] == "sync"]


@pytest.mark.parametrize(("period_s", "least_s", "most_s"), [(2.0, 2.0, 2.3), (0.0, 0.0, 0.9)])
async def test_the_second_change_waits_for_the_end_of_the_cool_down(
    tmp_path: Path, period_s: float, least_s: float, most_s: float
) -> None:
    truth = tmp_path / "truth.jsonl"
    settings = Settings(proxy_min_sync_period_s=period_s, truth=truth, images=(SHELL,))
    async with cluster_of(settings) as cluster:
        await anyio.sleep(period_s + 0.2)
        for name in ("first", "second"):
            asked = anyio.current_time()
            await service(cluster, name)
            await anyio.sleep(0.5)
            if name == "first":
                assert syncs(truth)[-1][0] - asked < 0.2
        await anyio.sleep(period_s)
        times = syncs(truth)
    assert least_s <= times[-1][0] - times[-2][1] < most_s
    assert len(times) == 3


async def test_nothing_is_synced_without_a_change(tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    async with cluster_of(Settings(proxy_min_sync_period_s=0.1, truth=truth)) as cluster:
        await service(cluster, "web")
        await anyio.sleep(0.5)
        before = len(syncs(truth))
        patch = {"metadata": {"annotations": {"note": "of no concern"}}}
        await cluster.client.patch("/api/v1/namespaces/default/services/web", patch, PatchType.MERGE)
        await anyio.sleep(0.5)
        assert len(syncs(truth)) == before
