"""Probes: what they try, what they change, and what is told of them."""

from __future__ import annotations

from typing import Any

import pytest
from wholecluster import Cluster, Maker, Object, container, is_ready

pytestmark = pytest.mark.anyio


def probe(**fields: Any) -> Object:
    return {"periodSeconds": 1, "failureThreshold": 1, **fields}


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("http", {"httpGet": {"path": "/", "port": "web"}}),
        ("tcp", {"tcpSocket": {"port": 80}}),
        ("exec", {"exec": {"command": ["test", "-e", "/etc/nginx/nginx.conf"]}}),
    ],
)
async def test_every_kind_of_probe_can_make_a_pod_ready(
    cluster: Cluster, nginx: Maker, name: str, action: Object
) -> None:
    ports = [{"name": "web", "containerPort": 80}]
    await cluster.create(nginx(f"probe-{name}", ports=ports, readinessProbe=probe(**action)))
    await cluster.pod(f"probe-{name}", is_ready)


@pytest.mark.parametrize(
    ("name", "action", "message"),
    [
        (
            "404",
            {"httpGet": {"path": "/missing", "port": 80}},
            "Readiness probe failed: HTTP probe failed with statuscode: 404",
        ),
        ("refused", {"httpGet": {"path": "/", "port": 81}}, "dial tcp {ip}:81: connect: connection refused"),
        (
            "closed",
            {"tcpSocket": {"port": 81}},
            "Readiness probe failed: dial tcp {ip}:81: connect: connection refused",
        ),
        ("false", {"exec": {"command": ["sh", "-c", "echo no; exit 1"]}}, "Readiness probe failed: no\n"),
        ("slow", {"exec": {"command": ["sleep", "5"]}}, 'command timed out: "sleep 5" timed out after 1s'),
    ],
)
async def test_a_failing_probe_is_told_in_the_words_of_the_real_one(
    cluster: Cluster, nginx: Maker, name: str, action: Object, message: str
) -> None:
    await cluster.create(nginx(f"fails-{name}", readinessProbe=probe(**action)))
    pod = await cluster.pod(f"fails-{name}", lambda pod: "podIP" in pod["status"])
    # Not the first one, should the program not listen yet.
    await cluster.events(f"fails-{name}", "Unhealthy", saying=message.format(ip=pod["status"]["podIP"]))
    assert not is_ready(await cluster.pod(f"fails-{name}", lambda _: True))


async def test_a_pod_that_fails_its_readiness_later_is_no_longer_ready(cluster: Cluster, shell: Maker) -> None:
    ready = {"readinessProbe": probe(exec={"command": ["test", "!", "-e", "/tmp/sick"]})}
    await cluster.create(shell("sickens", "sleep 2.5; touch /tmp/sick; sleep 60", container=ready))
    await cluster.pod("sickens", is_ready)
    pod = await cluster.pod("sickens", lambda pod: not is_ready(pod))
    assert container(pod)["restartCount"] == 0


async def test_a_container_that_fails_its_liveness_is_restarted(cluster: Cluster, shell: Maker) -> None:
    live = {"livenessProbe": probe(exec={"command": ["false"]}, initialDelaySeconds=1)}
    await cluster.create(shell("unlively", "exec sleep 60", container=live, terminationGracePeriodSeconds=1))
    pod = await cluster.pod("unlively", lambda pod: container(pod).get("restartCount") == 1, 15)
    assert container(pod)["lastState"]["terminated"]["exitCode"] == 137
    (event,) = await cluster.events("unlively", "Killing")
    assert event["message"] == "Container main failed liveness probe, will be restarted"


async def test_the_other_probes_wait_for_the_startup_probe(cluster: Cluster, shell: Maker) -> None:
    fields = {
        "startupProbe": probe(exec={"command": ["test", "-e", "/tmp/up"]}, failureThreshold=10),
        "livenessProbe": probe(exec={"command": ["test", "-e", "/tmp/up"]}),
    }
    await cluster.create(shell("starts-slowly", "sleep 1.5; touch /tmp/up; sleep 60", container=fields))
    running = await cluster.pod("starts-slowly", lambda pod: "running" in container(pod).get("state", {}))
    assert container(running)["started"] is False
    assert not is_ready(running)
    ready = await cluster.pod("starts-slowly", is_ready)
    assert container(ready)["started"] is True
    assert container(ready)["restartCount"] == 0


async def test_a_container_that_never_starts_up_is_restarted(cluster: Cluster, shell: Maker) -> None:
    fields = {"startupProbe": probe(exec={"command": ["false"]}, failureThreshold=2)}
    await cluster.create(shell("never-up", "exec sleep 60", container=fields, terminationGracePeriodSeconds=1))
    await cluster.pod("never-up", lambda pod: container(pod).get("restartCount") == 1, 15)
    (event,) = await cluster.events("never-up", "Killing")
    assert event["message"] == "Container main failed startup probe, will be restarted"
