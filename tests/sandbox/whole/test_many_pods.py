"""Many pods on one node: they roll again and again, each one that is Ready can be reached, and nothing of them is left.

Twenty on every day; two hundred, ten times, and more than a node takes, with `-m slow`.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest
from wholecluster import GIVE_UP_S, Cluster, Object, cluster_of, condition, is_ready

from harness.sandbox.apiclient import ChangeType, PatchType
from harness.sandbox.settings import Settings
from harness.sandbox.supervisor import STATE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(1800)]

DEPLOYMENTS, PODS = "/apis/apps/v1/namespaces/default/deployments", "/api/v1/namespaces/default/pods"
SERVICE_IP = "10.96.0.10"
COMPLETE_WITHIN_S, GONE_WITHIN_S = 300.0, 120.0


@pytest.fixture
async def crowd() -> AsyncIterator[Cluster]:
    async with cluster_of(Settings()) as started:
        ports = {"selector": {"app": "web"}, "clusterIP": SERVICE_IP, "ports": [{"port": 80}]}
        await started.create({"kind": "Service", "metadata": {"name": "web"}, "spec": ports})
        yield started


def deployment(replicas: int, **container: object) -> Object:
    probe = {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1}
    nginx = {"name": "nginx", "image": "nginx:1.28.0", "readinessProbe": probe, **container}
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [nginx]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def complete(deployment: Object) -> bool:
    status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
    seen = status.get("observedGeneration") == deployment["metadata"]["generation"]
    return seen and [status.get(key) for key in ("replicas", "updatedReplicas", "availableReplicas")] == [wanted] * 3


async def until(cluster: Cluster, path: str, holds: Callable[[list[Object]], bool], within_s: float) -> list[Object]:
    """The objects as soon as `holds` is true of them."""
    informer = cluster.client.informer(path)
    with anyio.move_on_after(within_s):
        async for change in informer:
            objects = list(informer.objects.values())
            if change.type is not ChangeType.ADDED and holds(objects):
                return objects
    seen = json.dumps([one.get("status") for one in informer.objects.values()], indent=1)[-3000:]
    raise AssertionError(f"{path}: not within {within_s} s; last seen: {seen}")


async def rolled(cluster: Cluster, number: int) -> None:
    """A rolling restart, as kubectl asks for it, that is complete."""
    annotations = {"kubectl.kubernetes.io/restartedAt": f"{number}"}
    patch = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    await cluster.client.patch(f"{DEPLOYMENTS}/web", patch, PatchType.STRATEGIC)
    await until(cluster, DEPLOYMENTS, lambda found: all(map(complete, found)), COMPLETE_WITHIN_S)


def inside(cluster: Cluster, *command: str) -> list[str]:
    """The command line that runs in the network of the node."""
    return ["nsenter", f"--net=/proc/{cluster.sandbox.pid}/root{STATE}/netns/node1", *command]


async def statuses(command: list[str], urls: list[str]) -> list[str]:
    """What curl got for each of the URLs; 000 where it got nothing."""
    fetch = ["curl", "-s", "-m", "5", "--parallel", "--parallel-max", "10", "-w", "%{http_code}\n", "-K", "-"]
    config = "".join(f'url = "{url}"\noutput = "/dev/null"\n' for url in urls)
    done = await anyio.run_process([*command, *fetch], input=config.encode(), check=False)
    return done.stdout.decode().split()


async def reach_all(cluster: Cluster, replicas: int) -> None:
    """Every Ready pod answers its node, and all that the Service sends to answer the client host."""
    pods = (await cluster.client.list(PODS))["items"]
    ready = [pod for pod in pods if is_ready(pod) and not pod["metadata"].get("deletionTimestamp")]
    assert len(ready) == replicas
    urls = [f"http://{pod['status']['podIP']}/" for pod in ready]
    assert await statuses(inside(cluster), urls) == ["200"] * replicas
    listed = set(await served(cluster, lambda found: found == {pod["status"]["podIP"] for pod in ready}))
    assert len(listed) == replicas
    through = await statuses(cluster.sandbox.client_command([]), [f"http://{SERVICE_IP}/"] * (3 * replicas))
    assert through == ["200"] * (3 * replicas)


async def served(cluster: Cluster, holds: Callable[[set[str]], bool]) -> set[str]:
    """The addresses to which the node's rules send what is for the Service, as soon as `holds` is true of them."""
    seen: set[str] = set()
    with anyio.move_on_after(GIVE_UP_S):
        while True:
            listing = inside(cluster, "nft", "-j", "list", "chain", "ip", "kube-proxy", "services")
            rules = json.loads((await anyio.run_process(listing)).stdout)
            seen = {text for text in strings(rules) if text.startswith("10.244.")}
            if holds(seen):
                return seen
    raise AssertionError(f"not in {GIVE_UP_S} s; the rules have {sorted(seen)}")


def strings(value: object) -> set[str]:
    """Every text in a JSON value."""
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return set(itertools.chain.from_iterable(map(strings, parts)))
    return {value} if isinstance(value, str) else set()


async def left(cluster: Cluster) -> dict[str, list[str]]:
    """What there is of pods on the node: files, links, neighbours that are known for good, programs, rules."""
    root = Path(f"/proc/{cluster.sandbox.pid}/root{STATE}")
    links = json.loads((await anyio.run_process(inside(cluster, "ip", "-j", "link"))).stdout)
    lasting = await anyio.run_process(inside(cluster, "ip", "neigh", "show", "nud", "permanent", "dev", "cni0"))
    return {
        "namespaces": [path.name for path in (root / "netns").glob("pod-*")],
        "folders": [path.name for part in ("pods", "volumes") for path in (root / part).glob("*")],
        "links": [link["ifname"] for link in links if link["ifname"].startswith("veth")],
        "neighbours": lasting.stdout.decode().splitlines(),
        "programs": [name for name in map(program, descendants(cluster.sandbox.pid)) if name == "nginx"],
        "rules": sorted(await served(cluster, lambda found: not found)),
    }


def descendants(pid: int) -> list[int]:
    """Every process below one."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [found for child in map(int, children) for found in (child, *descendants(child))]


def program(pid: int) -> str:
    """What a process runs; empty where it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


@pytest.mark.parametrize(("replicas", "times"), [pytest.param(20, 2), pytest.param(200, 10, marks=pytest.mark.slow)])
async def test_pods_that_roll_again_and_again_can_all_be_reached_and_leave_nothing(
    crowd: Cluster, replicas: int, times: int
) -> None:
    await crowd.create(deployment(replicas))
    await until(crowd, DEPLOYMENTS, lambda found: all(map(complete, found)), COMPLETE_WITHIN_S)
    await reach_all(crowd, replicas)
    for number in range(times):
        await rolled(crowd, number)
        await reach_all(crowd, replicas)
    await crowd.client.patch(f"{DEPLOYMENTS}/web", {"spec": {"replicas": 0}})
    await until(crowd, PODS, lambda found: not found, GONE_WITHIN_S)
    last: dict[str, list[str]] = {}
    with anyio.move_on_after(GONE_WITHIN_S):
        while any((last := await left(crowd)).values()):  # noqa: ASYNC110  nobody sets an event
            await anyio.sleep(0.1)
    assert not any(last.values()), last


async def test_a_node_knows_a_pod_for_good_and_one_that_is_gone_for_a_while(crowd: Cluster) -> None:
    """Which is as long as it would believe in any that it has just heard of; by the same hardware address."""
    await crowd.create(deployment(2))
    pods = await until(crowd, PODS, lambda found: len(found) == 2 and all(map(is_ready, found)), COMPLETE_WITHIN_S)
    known = {pod["status"]["podIP"]: await neighbour(crowd, pod["status"]["podIP"]) for pod in pods}
    await crowd.client.patch(f"{DEPLOYMENTS}/web", {"spec": {"replicas": 1}})
    (stays,) = await until(crowd, PODS, lambda found: len(found) == 1, GONE_WITHIN_S)
    (gone,) = known.keys() - {stays["status"]["podIP"]}
    assert known[gone][-1] == "PERMANENT"
    assert await neighbour(crowd, gone) == [*known[gone][:-1], "REACHABLE"]
    assert await neighbour(crowd, stays["status"]["podIP"]) == known[stays["status"]["podIP"]]


async def test_a_pod_that_comes_up_bothers_no_other(crowd: Cluster) -> None:
    """Else two hundred pods hear of each new one a dozen times, and of each whose address somebody looks for."""
    await crowd.create(deployment(1))
    (first,) = await until(crowd, PODS, lambda found: len(found) == 1 and is_ready(found[0]), COMPLETE_WITHIN_S)
    await crowd.client.patch(f"{DEPLOYMENTS}/web", {"spec": {"replicas": 6}})
    await until(crowd, PODS, lambda found: len(found) == 6 and all(map(is_ready, found)), COMPLETE_WITHIN_S)
    network = f"--net=/proc/{crowd.sandbox.pid}/root{STATE}/netns/pod-{first['metadata']['uid']}"
    counted = await anyio.run_process(["nsenter", network, "cat", "/proc/net/netstat"])
    octets = dict(
        zip(*(line.split() for line in counted.stdout.decode().splitlines() if line.startswith("IpExt:")), strict=True)
    )
    assert (octets["InMcastPkts"], octets["InBcastPkts"]) == ("0", "0")
    interfaces = await anyio.run_process(["nsenter", network, "cat", "/proc/net/if_inet6"])
    assert [line.split()[-1] for line in interfaces.stdout.decode().splitlines()] == ["lo"]


async def neighbour(cluster: Cluster, address: str) -> list[str]:
    """What the node knows of an address on its bridge: itself, its hardware address, and how sure that is."""
    shown = await anyio.run_process(inside(cluster, "ip", "neigh", "show", address, "dev", "cni0"))
    return shown.stdout.decode().split()


def told(pod: Object) -> str:
    """Why the scheduler found no node for the pod."""
    scheduled = condition(pod, "PodScheduled")
    return str(scheduled.get("message", "")) if scheduled.get("status") == "False" else ""


async def waits(cluster: Cluster, count: int, why: str) -> None:
    """That many pods are Pending for that reason, and all others Ready."""

    def holds(pods: list[Object]) -> bool:
        waiting = [pod for pod in pods if told(pod)]
        return len(waiting) == count and all(is_ready(pod) for pod in pods if pod not in waiting)

    pods = await until(cluster, PODS, holds, COMPLETE_WITHIN_S)
    waiting = [pod for pod in pods if told(pod)]
    assert all(pod["status"]["phase"] == "Pending" for pod in waiting)
    assert [
        message for message in map(told, waiting) if not message.startswith(f"0/1 nodes are available: {why}")
    ] == []


async def test_pods_for_which_a_node_has_no_room_wait_for_it(crowd: Cluster) -> None:
    await crowd.create(deployment(10, resources={"requests": {"cpu": "7500m", "memory": "1Gi"}}))
    await waits(crowd, 2, "1 Insufficient cpu. ")
    await crowd.client.patch(f"{DEPLOYMENTS}/web", {"spec": {"replicas": 9}})
    await waits(crowd, 1, "1 Insufficient cpu. ")
    pods = (await crowd.client.list(PODS))["items"]
    (waiting,) = (pod["metadata"]["name"] for pod in pods if told(pod))
    await crowd.delete(next(pod["metadata"]["name"] for pod in pods if is_ready(pod)))
    await crowd.pod(waiting, is_ready, COMPLETE_WITHIN_S)
    await waits(crowd, 1, "1 Insufficient cpu. ")
    await crowd.client.patch(f"{DEPLOYMENTS}/web", {"spec": {"replicas": 8}})
    await waits(crowd, 0, "")


@pytest.mark.slow
async def test_a_node_takes_as_many_pods_as_it_says_and_the_rest_wait(crowd: Cluster) -> None:
    await crowd.create(deployment(260))
    await waits(crowd, 10, "1 Too many pods. ")
    await crowd.client.patch(f"{DEPLOYMENTS}/web", {"spec": {"replicas": 250}})
    await waits(crowd, 0, "")
    await reach_all(crowd, 250)
