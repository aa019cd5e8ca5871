"""Pods that ask for the impossible, images that are programs of ours, machines that lack something."""

from __future__ import annotations

import subprocess
import sys

import anyio
import pytest
from wholecluster import GIVE_UP_S, Cluster, Maker, Object, container, ended, is_ready

from harness.sandbox import preflight
from harness.sandbox.embedded import Sandbox
from harness.sandbox.errors import MachineUnfit
from harness.sandbox.images import WORKER
from harness.sandbox.settings import Settings

pytestmark = pytest.mark.anyio


def backing_off(pod: Object) -> bool:
    """Whether its container waits before it is started again."""
    return bool(container(pod).get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff")


def last_start(pod: Object) -> str:
    """When its container was last tried to be started."""
    return str(container(pod).get("lastState", {}).get("terminated", {}).get("startedAt", ""))


async def test_what_one_pod_does_wrong_does_not_touch_the_others(cluster: Cluster, nginx: Maker) -> None:
    await cluster.create({"kind": "ConfigMap", "metadata": {"name": "long"}, "data": {"key": "value"}})
    no_file_can_have = [{"key": "key", "path": "x" * 300}]
    volumes = [{"name": "long", "configMap": {"name": "long", "items": no_file_can_have}}]
    await cluster.create(nginx("wrong", spec={"volumes": volumes}))
    event = (await cluster.events("wrong", "FailedMount"))[0]
    assert event["message"] == 'MountVolume.SetUp failed for volume "long" : file name too long'
    await cluster.create(nginx("right"))
    await cluster.pod("right", is_ready)
    await cluster.delete("wrong")
    await cluster.gone("wrong")


@pytest.mark.parametrize(
    ("name", "fields", "why"),
    [
        ("nul", {"command": ["sh", "-c", "true\0"]}, 'exec: "sh": invalid argument'),
        ("nul-env", {"env": [{"name": "A", "value": "\0"}]}, 'exec: "sh": invalid argument'),
        ("one-mb", {"env": [{"name": "A", "value": "x" * 1_000_000}]}, 'exec: "sh": argument list too long'),
    ],
)
async def test_a_program_that_no_kernel_executes_is_tried_again_after_a_while(
    cluster: Cluster, shell: Maker, name: str, fields: Object, why: str
) -> None:
    await cluster.create(shell(name, "sleep 60", container=fields))
    seen = await cluster.pod(name, backing_off)
    last = container(seen)["lastState"]["terminated"]
    assert (last["reason"], last["exitCode"], last["message"]) == ("StartError", 128, why)
    (event,) = await cluster.events(name, "Failed")
    assert (event["message"], event["count"]) == (f"Error: {why}", 2)
    started = last["startedAt"]
    await cluster.pod(name, lambda pod: last_start(pod) > started, 30)
    await cluster.delete(name, 0)
    await cluster.gone(name)


async def test_an_environment_of_a_megabyte_in_small_parts_is_no_trouble(cluster: Cluster, shell: Maker) -> None:
    env = [{"name": f"V{n}", "value": "x" * 10_000} for n in range(100)]
    line = "env | grep -c ^V"
    await cluster.create(shell("large-env", line, container={"env": env}, restartPolicy="Never"))
    await cluster.pod("large-env", ended)
    assert await cluster.logs("large-env") == "100\n"


async def test_a_hook_that_asks_a_port_that_there_is_not_ends_its_container_and_it_starts_again(
    cluster: Cluster, shell: Maker
) -> None:
    fields = {"lifecycle": {"postStart": {"httpGet": {"port": "nowhere"}}}}
    spec = {"terminationGracePeriodSeconds": 0}
    await cluster.create(shell("bad-hook", "sleep 60", container=fields, **spec))
    (event,) = await cluster.events("bad-hook", "FailedPostStartHook")
    assert event["message"].endswith('strconv.Atoi: parsing "nowhere": invalid syntax')
    await cluster.pod("bad-hook", lambda pod: container(pod)["restartCount"] >= 1, 30)
    await cluster.delete("bad-hook", 0)
    await cluster.gone("bad-hook")


async def test_a_hook_before_the_end_that_cannot_be_asked_is_told_and_the_pod_ends(
    cluster: Cluster, shell: Maker
) -> None:
    fields = {"lifecycle": {"preStop": {"httpGet": {"port": "nowhere"}}}}
    await cluster.create(shell("bad-stop", "trap 'exit 0' TERM; while :; do sleep 0.1; done", container=fields))
    await cluster.pod("bad-stop", is_ready)
    await cluster.delete("bad-stop")
    await cluster.events("bad-stop", "FailedPreStopHook")
    await cluster.gone("bad-stop")


async def test_the_harness_itself_is_an_image(cluster: Cluster) -> None:
    main = {
        "name": "main",
        "image": WORKER,
        "command": [sys.executable, "-c", "import harness; print(harness.__name__)"],
    }
    spec = {"containers": [main], "restartPolicy": "Never"}
    await cluster.create({"kind": "Pod", "metadata": {"name": "worker"}, "spec": spec})
    await cluster.pod("worker", ended)
    assert await cluster.logs("worker") == "harness\n"


async def test_a_pod_that_is_always_pulled_says_so(cluster: Cluster, nginx: Maker) -> None:
    await cluster.create(nginx("pulled", imagePullPolicy="Always"))
    await cluster.pod("pulled", is_ready)
    (event,) = await cluster.events("pulled", "Pulled")
    assert event["message"].startswith('Successfully pulled image "nginx:1.28.0" in ')


async def test_logs_can_be_followed_cut_and_dated(cluster: Cluster, shell: Maker) -> None:
    await cluster.create(shell("talks", "for n in 1 2 3 4; do echo line $n; sleep 0.2; done", restartPolicy="Never"))
    await cluster.pod("talks", lambda pod: "podIP" in pod["status"])
    assert await cluster.logs("talks", follow=True) == "line 1\nline 2\nline 3\nline 4\n"
    assert await cluster.logs("talks", tailLines=2) == "line 3\nline 4\n"
    (first, *_) = (await cluster.logs("talks", timestamps=True)).splitlines()
    assert first.endswith("Z line 1")
    assert first[:2] == "20"


async def test_a_node_port_service_and_a_pod_survive_many_changes_at_once(cluster: Cluster, nginx: Maker) -> None:
    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(cluster.create, nginx(f"many-{number}"))
    for number in range(8):
        await cluster.pod(f"many-{number}", is_ready)
    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(cluster.delete, f"many-{number}")
    for number in range(8):
        await cluster.gone(f"many-{number}")


async def test_a_missing_program_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    found = preflight.shutil.which
    absent = ("nginx", "nft")
    monkeypatch.setattr(preflight.shutil, "which", lambda name, **kw: None if name in absent else found(name, **kw))
    assert preflight.missing() == ("Not installed: nginx, nft. As root: apt-get install nftables nginx-light",)
    with pytest.raises(MachineUnfit, match="apt-get install nftables nginx-light"):
        async with Sandbox.start(Settings()):
            pass


async def test_another_system_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight.sys, "platform", "darwin")
    (text,) = preflight.missing()
    assert "needs Linux" in text
    assert "Docker" in text


@pytest.mark.parametrize(
    ("dropped", "seen", "lacks"),
    [
        ("-sys_admin", "No rights for namespaces (unshare: unshare failed: Operation not permitted).", "CAP_SYS_ADMIN"),
        ("-net_admin", "No rights in namespaces of one's own (a network namespace: RTNETLINK", "CAP_NET_ADMIN"),
    ],
)
def test_root_without_its_capabilities_is_told_which_in_one_line_with_the_cure(
    dropped: str, seen: str, lacks: str
) -> None:
    """As root is in a container: of a Docker executor, of a Pod."""
    command = ["setpriv", f"--bounding-set={dropped}", f"--inh-caps={dropped}", sys.executable, "-c"]
    program = "from harness.sandbox.preflight import missing; print(*missing())"
    (line,) = subprocess.run([*command, program], capture_output=True, text=True, check=True).stdout.splitlines()
    assert line.startswith(seen)
    assert f"root here lacks {lacks} (a container? docker run --privileged; GitLab" in line


@pytest.mark.parametrize(
    "says",
    [
        "unshare: write failed /proc/self/uid_map: Operation not permitted",
        "a tmpfs of its own: mount: /dev/shm: permission denied.",
    ],
)
def test_where_apparmor_keeps_ordinary_users_from_namespaces_it_is_named_with_the_cure(
    says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ubuntu 23.10 and newer: the namespace is refused, or made without any right in it, as the profile says."""
    monkeypatch.setattr(preflight, "namespaces_command", lambda: ["sh", "-c", f"echo '{says}' >&2; exit 1"])
    monkeypatch.setattr(preflight.os, "geteuid", lambda: 1000)
    sysctl = "kernel.apparmor_restrict_unprivileged_userns"
    monkeypatch.setattr(preflight, "_sysctl", {sysctl: "1"}.get)
    (line,) = preflight.missing()
    assert says.rstrip(".") in line
    assert line.endswith(
        f". AppArmor keeps ordinary users from making namespaces: sysctl {sysctl}=1; run as root (sudo)."
    )


def test_a_kernel_that_refuses_one_thing_is_told_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "_TRIAL", preflight._TRIAL.replace("type bridge", "type no-such-kind"))
    (text,) = preflight.missing()
    assert "refuses what the sandbox needs: a bridge: Error: Unknown device type" in text


async def test_a_node_whose_status_was_taken_away_puts_it_right(cluster: Cluster) -> None:
    """As a kubelet does, which looks every 10 s; nothing is scheduled to it meanwhile."""
    path = "/api/v1/nodes/node1"
    before = (await cluster.client.get(path))["status"]
    await cluster.client.patch(f"{path}/status", {"status": None})
    assert "status" not in await cluster.client.get(path)
    with anyio.fail_after(GIVE_UP_S):
        async for _ in cluster.client.informer("/api/v1/nodes", field_selector="metadata.name=node1"):
            after = (await cluster.client.get(path)).get("status")
            if after:
                break
    assert {**after, "conditions": ()} == {**before, "conditions": ()}
    told = [[(one["type"], one["status"]) for one in status["conditions"]] for status in (before, after)]
    assert told[1] == told[0]
    assert ("Ready", "True") in told[1]
