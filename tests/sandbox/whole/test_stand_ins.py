"""Pods of images that nobody has: stand-ins serve them, and end as they were told to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest
from wholecluster import Cluster, Object, cluster_of, ended, is_ready, pod_of

from harness.sandbox.images import Image
from harness.sandbox.settings import Settings
from harness.sandbox.stand_ins import stand_in_image

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio
KINDS = ("finishes", "exits", "ignores")
PROBE = {"httpGet": {"path": "/-/ready", "port": "https", "scheme": "HTTPS"}, "periodSeconds": 1}


@pytest.fixture(scope="module")
async def cluster(anyio_backend: str) -> AsyncIterator[Cluster]:
    own = [stand_in_image(f"ghcr.io/acme/{kind}", kind, 0.0) for kind in KINDS]
    program = Image(name="program", entrypoint=("sh", "-c", 'echo "$@"', "program"), command=("cmd",))
    everything = stand_in_image("*", "finishes", 0.0)
    async with cluster_of(Settings(images=(*own, everything, program))) as started:
        yield started


def shop(name: str, image: str = "ghcr.io/acme/finishes:1", spec: Object | None = None, **container: Any) -> Object:
    fields = {"name": "shop", "image": image, "ports": [{"name": "https", "containerPort": 8443}], **container}
    return pod_of(name, {"readinessProbe": PROBE, **fields}, labels={"app": name}, spec=spec)


async def test_a_pod_with_everything_missing_comes_up_ready(cluster: Cluster) -> None:
    volumes = [
        {"name": "config", "configMap": {"name": "nowhere"}},
        {"name": "claim", "persistentVolumeClaim": {"claimName": "nowhere"}},
        {"name": "host", "hostPath": {"path": "/var/lib/shop"}},
    ]
    pod = shop(
        "missing",
        spec={"volumes": volumes, "initContainers": [{"name": "migrate", "image": "quay.io/acme/migrate"}]},
        command=["/shop/serve"],
        args=["--config", "/etc/shop"],
        workingDir="/shop",
        securityContext={"runAsUser": 1000, "runAsNonRoot": True},
        envFrom=[{"secretRef": {"name": "nowhere"}}],
        volumeMounts=[{"name": volume["name"], "mountPath": f"/etc/{volume['name']}"} for volume in volumes],
        livenessProbe={"grpc": {"port": 9000}, "periodSeconds": 1},
        startupProbe={"exec": {"command": ["/shop/check"]}, "periodSeconds": 1},
        lifecycle={"postStart": {"exec": {"command": ["/shop/warm-up"]}}},
    )
    await cluster.create(pod)
    seen = await cluster.pod("missing", is_ready)
    assert [status["restartCount"] for status in seen["status"]["containerStatuses"]] == [0]
    (told,) = await cluster.events("missing", "StandIn")
    assert "Startup probe answered by the stand-in" in told["message"]
    assert "/shop/check" in told["message"]
    assert await cluster.events("missing", "FailedPostStartHook")
    assert "tcp [8443, 9000]" in await cluster.logs("missing", "shop")


async def test_it_serves_what_a_service_sends_to_and_nobody_declares(cluster: Cluster) -> None:
    spec = {"selector": {"app": "undeclared"}, "ports": [{"port": 80, "targetPort": 7777}]}
    await cluster.create({"kind": "Service", "metadata": {"name": "undeclared"}, "spec": spec})
    await cluster.create(shop("undeclared"))
    await cluster.pod("undeclared", is_ready)
    assert "tcp [8443, 7777]" in await cluster.logs("undeclared")


@pytest.mark.parametrize(("kind", "code"), [("finishes", 0), ("exits", 143), ("ignores", 137)])
async def test_as_the_first_process_of_its_container_it_ends_as_it_was_told(
    cluster: Cluster, kind: str, code: int
) -> None:
    await cluster.create(shop(kind, f"ghcr.io/acme/{kind}:1"))
    await cluster.pod(kind, is_ready)
    async with anyio.create_task_group() as group:
        group.start_soon(cluster.delete, kind, 1)
        last = await cluster.gone(kind)
    (status,) = last["status"]["containerStatuses"]
    assert status["state"]["terminated"]["exitCode"] == code


async def test_a_hook_sleeps_as_long_as_it_says_and_what_it_cannot_run_is_told(cluster: Cluster) -> None:
    hook = {"preStop": {"exec": {"command": ["sh", "-c", "sleep 2; /shop/drain"]}}}
    await cluster.create(shop("hooked", lifecycle=hook))
    await cluster.pod("hooked", is_ready)
    began = anyio.current_time()
    async with anyio.create_task_group() as group:
        group.start_soon(cluster.delete, "hooked")
        await cluster.gone("hooked")
    assert anyio.current_time() - began >= 2.0
    (told,) = await cluster.events("hooked", "FailedPreStopHook")
    assert "/shop/drain: not found" in told["message"]


async def test_what_a_hook_leaves_behind_is_reaped(cluster: Cluster) -> None:
    no_zombie = "! grep -q '^State:.Z' /proc/[0-9]*/status"
    orphan = f"(sleep 0.2 &) ; sleep 0.4; for _ in $(seq 40); do {no_zombie} && exit 0; sleep 0.1; done; exit 3"
    probe = {"exec": {"command": ["sh", "-c", orphan]}, "periodSeconds": 1, "timeoutSeconds": 5}
    await cluster.create(shop("reaping", readinessProbe=probe))
    await cluster.pod("reaping", is_ready)
    with pytest.raises(AssertionError, match="no event StandIn"):  # the command itself succeeded: it saw no zombie
        await cluster.events("reaping", "StandIn", timeout_s=0.5)


async def test_args_of_a_manifest_replace_the_images_and_leave_its_program(cluster: Cluster) -> None:
    for name, fields in (("plain", {}), ("given", {"args": ["a", "$(B)"], "env": [{"name": "B", "value": "b"}]})):
        main = {"name": "main", "image": "docker.io/library/program:latest", **fields}
        await cluster.create(pod_of(name, main, spec={"restartPolicy": "Never"}))
        await cluster.pod(name, ended)
    assert (await cluster.logs("plain"), await cluster.logs("given")) == ("cmd\n", "a b\n")
