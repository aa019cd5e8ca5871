"""What clients of a Service see, and when kube-proxy programs what."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from wholecluster import SHELL, Cluster, Maker, Object, cluster_of, container, is_ready, polled, recorded

from harness.sandbox.apiclient import PatchType
from harness.sandbox.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.anyio

REFUSED, TIMED_OUT = 7, 28


async def service(cluster: Cluster, name: str, **spec: Any) -> Object:
    """Creates a Service for pods with the label app=NAME."""
    fields = {"selector": {"app": name}, "ports": [{"port": 80}], **spec}
    return await cluster.create({"kind": "Service", "metadata": {"name": name}, "spec": fields})


async def test_a_service_answers_from_its_pod_and_the_pod_names_its_image(cluster: Cluster, nginx: Maker) -> None:
    made = await service(cluster, "web")
    await cluster.create(nginx("web"))
    answer = await cluster.answered(f"http://{made['spec']['clusterIP']}/")
    assert "X-Image: nginx:1.28.0" in answer
    assert "Welcome to nginx" in answer


async def test_a_service_without_endpoints_refuses_and_unknown_addresses_are_silent(cluster: Cluster) -> None:
    made = await service(cluster, "empty")
    await cluster.answered(f"http://{made['spec']['clusterIP']}/", REFUSED)
    await cluster.answered(f"http://{made['spec']['clusterIP']}:81/", REFUSED)
    code, _ = await cluster.curl("http://10.96.255.254/", "-m", "0.3")
    assert code == TIMED_OUT


async def test_a_node_port_answers_at_the_nodes_address(cluster: Cluster, nginx: Maker) -> None:
    made = await service(cluster, "outside", type="NodePort")
    await cluster.create(nginx("outside"))
    port = made["spec"]["ports"][0]["nodePort"]
    await cluster.answered(f"http://{cluster.sandbox.facts.node_addresses[0]}:{port}/")


def fetching(made: Object) -> Object:
    """A probe that succeeds when the container reaches the Service."""
    command = ["curl", "-sf", "-m", "1", f"http://{made['spec']['clusterIP']}/"]
    return {"exec": {"command": command}, "periodSeconds": 1, "timeoutSeconds": 5}


async def test_a_pod_reaches_its_neighbour_through_a_service(cluster: Cluster, nginx: Maker) -> None:
    made = await service(cluster, "loop")
    await cluster.create(nginx("loop"))
    await cluster.answered(f"http://{made['spec']['clusterIP']}/")
    await cluster.create(nginx("neighbour", readinessProbe=fetching(made)))
    await cluster.pod("neighbour", is_ready)


async def test_a_pod_reaches_itself_through_a_service(cluster: Cluster, nginx: Maker) -> None:
    made = await service(cluster, "self", publishNotReadyAddresses=True)
    await cluster.create(nginx("self", readinessProbe=fetching(made)))
    await cluster.pod("self", is_ready)


def own(sync: Object) -> dict[str, list[str]]:
    """What a sync programmed for Services that the test made."""
    return {address: to for address, to in sync["services"].items() if address != "10.96.0.1:443"}


async def synced(truth: Path, holds: Callable[[Object], bool], count: int = 1) -> list[Object]:
    """The syncs of kube-proxy of which `holds` is true, as soon as there are as many as that."""

    def found() -> list[Object] | None:
        syncs = [sync for sync in recorded(truth, "sync") if holds(sync)]
        return syncs if len(syncs) >= count else None

    return await polled(f"{count} such syncs in {truth}", found)


async def test_terminating_pods_serve_when_no_ready_one_is_left(tmp_path: Path, nginx: Maker) -> None:
    truth = tmp_path / "truth.jsonl"
    async with cluster_of(Settings(truth=truth, images=(SHELL,))) as cluster:
        made = await service(cluster, "last")
        await cluster.create(nginx("last", lifecycle={"preStop": {"sleep": {"seconds": 4}}}))
        url = f"http://{made['spec']['clusterIP']}/"
        await cluster.answered(url)
        await cluster.delete("last")
        await synced(truth, lambda sync: any(own(sync).values()), 2)
        code, _ = await cluster.curl(url)
        assert code == 0
        assert "running" in container(await cluster.pod("last", bool))["state"]
        await cluster.gone("last")
        await cluster.answered(url, REFUSED)


async def test_connections_to_a_pod_that_quits_are_refused_and_then_lost(nginx: Maker) -> None:
    """The kernel's own behaviour: the rules still name the pod, first without a listener, then without a network."""
    # The rules that came with the pod's readiness stay until long after the pod: the cool-down outlasts it.
    async with cluster_of(Settings(proxy_min_sync_period_s=6.0)) as cluster:
        made = await service(cluster, "quits", clusterIP="10.96.7.7")
        await cluster.create(nginx("quits"))
        url = f"http://{made['spec']['clusterIP']}/"
        await cluster.answered(url)
        line = f"while :; do curl -s -o /dev/null -m 0.2 {url}; echo $?; sleep 0.003; done"
        codes = list[str]()
        async with await anyio.open_process(cluster.sandbox.client_command(["sh", "-c", line])) as process:
            assert process.stdout is not None
            with anyio.move_on_after(5):
                async for chunk in process.stdout:
                    if not codes:
                        await cluster.delete("quits")
                    codes += chunk.decode().split()
                    if str(TIMED_OUT) in codes:
                        break
            process.kill()
    first = codes.index(str(REFUSED))
    assert set(codes[:first]) <= {"0", "52", "56"}
    assert str(TIMED_OUT) in codes[first:]


@pytest.mark.parametrize("period_s", [2.0, 0.0])
async def test_a_change_is_programmed_at_once_after_quiet_and_else_at_the_end_of_the_cool_down(
    tmp_path: Path, period_s: float
) -> None:
    truth = tmp_path / "truth.jsonl"
    async with cluster_of(Settings(proxy_min_sync_period_s=period_s, truth=truth, images=(SHELL,))) as cluster:
        (start,) = recorded(truth, "sync")
        await anyio.sleep_until(start["end_ns"] / 1e9 + period_s)  # the quiet itself
        asked_s, syncs, kept_waiting = list[float](), list[Object](), cluster.kept_waiting()
        for number in (1, 2):
            asked_s.append(time.monotonic())
            await service(cluster, f"web-{number}")
            syncs.extend(await synced(truth, lambda sync, number=number: len(own(sync)) == number))
        everything, machine_s = recorded(truth, "sync"), kept_waiting()
    first, second = ((sync["start_ns"] / 1e9, sync["end_ns"] / 1e9) for sync in syncs)
    assert everything == [start, *syncs]
    assert first[0] - asked_s[0] < 0.2 + machine_s
    assert second[0] - first[1] >= period_s
    assert second[0] - max(asked_s[1], first[1] + period_s) < 0.3 + machine_s


async def test_nothing_is_synced_without_a_change(tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    async with cluster_of(Settings(proxy_min_sync_period_s=0.0, truth=truth)) as cluster:
        await service(cluster, "web")
        await synced(truth, lambda sync: len(own(sync)) == 1)
        for number in range(5):
            patch = {"metadata": {"annotations": {"note": f"of no concern: {number}"}}}
            await cluster.client.patch("/api/v1/namespaces/default/services/web", patch, PatchType.MERGE)
        await service(cluster, "later")
        await synced(truth, lambda sync: len(own(sync)) == 2)
        assert [len(own(sync)) for sync in recorded(truth, "sync")] == [0, 1, 2]
