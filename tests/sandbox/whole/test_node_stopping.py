"""How pods end: hooks, grace, signals, and the order of what the API shows."""

from __future__ import annotations

from dataclasses import dataclass

import anyio
import pytest
from wholecluster import GIVE_UP_S, Cluster, Maker, Object, condition, container, is_ready

pytestmark = pytest.mark.anyio

# What a shell does that ignores its stop signal, and what one that heeds it does.
DEAF = "trap '' TERM; echo up; while :; do sleep 0.1; done"
POLITE = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"


@dataclass(frozen=True)
class Took:
    """Seconds until something was seen, of which the machine's being busy may have cost `machine_s`."""

    s: float
    machine_s: float

    def within(self, least_s: float, most_s: float) -> bool:
        """So long, and at most so much longer as the machine was busy."""
        return least_s <= self.s < most_s + self.machine_s


async def ended_after(cluster: Cluster, name: str, grace_s: int | None = None) -> tuple[Took, list[Object]]:
    """Deletes the pod: (seconds until its container ended, every state until it was gone)."""
    kept_waiting = cluster.kept_waiting()
    seen: list[Object] = []
    times: list[float] = []
    listed = anyio.Event()

    async def follow() -> None:
        informer = cluster.client.informer("/api/v1/namespaces/default/pods", field_selector=f"metadata.name={name}")
        async for change in informer:
            if change.type == "SYNCED":
                listed.set()
            else:
                seen.append(change.object)
                if "terminated" in container(change.object).get("state", {}) and not times:
                    times.append(anyio.current_time())
                if change.type == "DELETED":
                    return

    with anyio.fail_after(GIVE_UP_S):
        async with anyio.create_task_group() as group:
            group.start_soon(follow)
            await listed.wait()
            started = anyio.current_time()
            await cluster.delete(name, grace_s)
    return Took(times[0] - started, kept_waiting()), seen


async def up(cluster: Cluster, pod: Object) -> None:
    """Creates the pod and waits until it is ready; since that is news, its end may begin up to a second late."""
    await cluster.create(pod)
    await cluster.pod(pod["metadata"]["name"], is_ready)


async def test_the_api_shows_the_end_in_the_order_of_a_real_kubelet(cluster: Cluster, nginx: Maker) -> None:
    await up(cluster, nginx("order"))
    _, seen = await ended_after(cluster, "order")
    story = []
    for pod in seen:
        grace = pod["metadata"].get("deletionGracePeriodSeconds")
        step = (pod["status"]["phase"], condition(pod, "Ready")["status"], grace, pod["status"]["observedGeneration"])
        if not story or story[-1] != step:
            story.append(step)
    assert story == [
        ("Running", "True", None, 1),
        ("Running", "True", 30, 1),
        ("Running", "True", 30, 2),
        ("Succeeded", "False", 30, 2),
        ("Succeeded", "False", 0, 2),
    ]
    last = seen[-1]
    assert container(last)["state"]["terminated"]["exitCode"] == 0
    assert condition(last, "PodReadyToStartContainers")["status"] == "False"
    assert condition(last, "Ready")["reason"] == "PodCompleted"
    (event,) = await cluster.events("order", "Killing")
    assert event["message"] == "Stopping container nginx"


async def test_a_pod_that_is_active_for_too_long_is_ended_and_stays_as_failed(cluster: Cluster, shell: Maker) -> None:
    seen: list[str] = []
    await cluster.create(shell("late", POLITE, activeDeadlineSeconds=2))

    def has_ended(pod: Object) -> bool:
        seen.append(pod["status"].get("phase", ""))
        return seen[-1] == "Failed"

    pod = await cluster.pod("late", has_ended)
    assert "Running" in seen
    assert pod["status"]["reason"] == "DeadlineExceeded"
    assert pod["status"]["message"] == "Pod was active on the node longer than the specified deadline"
    assert container(pod)["state"]["terminated"]["exitCode"] == 0  # it was asked, and said bye
    (event,) = await cluster.events("late", "DeadlineExceeded")
    assert event["type"] == "Normal"


async def test_nginx_gets_its_own_stop_signal_and_finishes_what_it_answers(cluster: Cluster, nginx: Maker) -> None:
    server = "server { listen 80; location / { limit_rate 100; return 200 '%s'; } }" % ("x" * 40)
    await cluster.create({"kind": "ConfigMap", "metadata": {"name": "slow"}, "data": {"default.conf": server}})
    mount = [{"name": "conf", "mountPath": "/etc/nginx/conf.d"}]
    spec = {"volumes": [{"name": "conf", "configMap": {"name": "slow"}}]}
    probe = {"tcpSocket": {"port": 80}, "periodSeconds": 1}
    await cluster.create(nginx("graceful", spec=spec, volumeMounts=mount, readinessProbe=probe))
    pod = await cluster.pod("graceful", is_ready)
    command = ["curl", "-siN", "-m", "9", f"http://{pod['status']['podIP']}/"]
    async with await anyio.open_process(cluster.sandbox.client_command(command)) as process:
        assert process.stdout is not None
        begun = await process.stdout.receive()
        await cluster.delete("graceful")
        rest = b"".join([chunk async for chunk in process.stdout])
    assert b"x" * 40 not in begun
    assert process.returncode == 0
    assert b"x" * 40 in begun + rest
    await cluster.gone("graceful")


async def test_a_sleep_before_stopping_keeps_the_pod_serving(cluster: Cluster, nginx: Maker) -> None:
    await up(cluster, nginx("sleeps", lifecycle={"preStop": {"sleep": {"seconds": 2}}}))
    pod = await cluster.pod("sleeps", is_ready)
    took: list[Took] = []

    async def stop() -> None:
        took.append((await ended_after(cluster, "sleeps"))[0])

    async with anyio.create_task_group() as group:
        group.start_soon(stop)
        await cluster.events("sleeps", "Killing")
        code, _ = await cluster.curl(f"http://{pod['status']['podIP']}/")
        assert code == 0
        assert not took
    assert took[0].within(2.0, 4.0)


async def test_an_exec_hook_runs_inside_the_container_before_its_signal(cluster: Cluster, shell: Maker) -> None:
    hook = {"preStop": {"exec": {"command": ["sh", "-c", "echo hook > /tmp/hooked; sleep 1"]}}}
    line = "trap 'cat /tmp/hooked; exit 0' TERM; echo up; while :; do sleep 0.05; done"
    await up(cluster, shell("hooked", line, container={"lifecycle": hook}))
    took, seen = await ended_after(cluster, "hooked")
    assert took.within(1.0, 3.0)
    assert container(seen[-1])["state"]["terminated"]["exitCode"] == 0


async def test_a_container_names_its_own_stop_signal(cluster: Cluster, shell: Maker) -> None:
    line = "trap 'exit 7' USR1; trap '' TERM; while :; do sleep 0.05; done"
    await up(
        cluster, shell("signalled", line, container={"lifecycle": {"stopSignal": "SIGUSR1"}}, os={"name": "linux"})
    )
    took, seen = await ended_after(cluster, "signalled")
    assert took.within(0.0, 3.0)
    assert container(seen[-1])["state"]["terminated"]["exitCode"] == 7


async def test_an_http_hook_asks_the_container_before_its_signal(cluster: Cluster, nginx: Maker) -> None:
    hook = {"preStop": {"httpGet": {"path": "/farewell", "port": 80}}}
    await up(cluster, nginx("asked", lifecycle=hook))
    lines: list[str] = []

    async def read() -> None:
        lines.extend((await cluster.logs("asked", follow=True)).splitlines())

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        await ended_after(cluster, "asked")
    (asked,) = [n for n, line in enumerate(lines) if "GET /farewell" in line]
    (signalled, *_) = [n for n, line in enumerate(lines) if "(SIGQUIT) received" in line]
    assert asked < signalled


async def test_a_failing_hook_is_told_and_does_not_keep_the_pod(cluster: Cluster, shell: Maker) -> None:
    hook = {"preStop": {"exec": {"command": ["sh", "-c", "echo broken; exit 7"]}}}
    await up(cluster, shell("failing-hook", POLITE, container={"lifecycle": hook}))
    took, _ = await ended_after(cluster, "failing-hook")
    assert took.within(0.0, 2.0)
    (event,) = await cluster.events("failing-hook", "FailedPreStopHook")
    assert "exited with 7: broken" in event["message"]


async def test_a_deaf_program_is_killed_when_its_grace_is_over(cluster: Cluster, shell: Maker) -> None:
    await up(cluster, shell("deaf", DEAF, terminationGracePeriodSeconds=3))
    took, seen = await ended_after(cluster, "deaf")
    assert took.within(3.0, 5.0)
    assert container(seen[-1])["state"]["terminated"]["exitCode"] == 137
    assert seen[-1]["status"]["phase"] == "Failed"


async def test_a_hook_that_uses_up_the_grace_leaves_the_program_two_seconds(cluster: Cluster, shell: Maker) -> None:
    hook = {"preStop": {"exec": {"command": ["sleep", "30"]}}}
    await up(cluster, shell("hanging", DEAF, container={"lifecycle": hook}, terminationGracePeriodSeconds=1))
    took, seen = await ended_after(cluster, "hanging")
    assert took.within(3.0, 5.0)
    assert container(seen[-1])["state"]["terminated"]["exitCode"] == 137


async def test_a_second_deletion_can_shorten_the_grace(cluster: Cluster, shell: Maker) -> None:
    await up(cluster, shell("hurried", DEAF, terminationGracePeriodSeconds=20))
    started, kept_waiting = anyio.current_time(), cluster.kept_waiting()
    await cluster.delete("hurried")
    await cluster.events("hurried", "Killing")
    await cluster.delete("hurried", 1)
    await cluster.gone("hurried")
    assert Took(anyio.current_time() - started, kept_waiting()).within(0.0, 5.0)


async def test_a_pod_deleted_by_force_leaves_no_process(cluster: Cluster, shell: Maker) -> None:
    await up(cluster, shell("forced", DEAF, terminationGracePeriodSeconds=1))
    pod = await cluster.pod("forced", is_ready)
    assert cluster.first_processes(pod)
    await cluster.delete("forced", 0)
    await cluster.gone("forced")
    await cluster.cleared(pod)


async def test_a_pod_deleted_before_its_volumes_are_there_goes_without_running(cluster: Cluster, nginx: Maker) -> None:
    volumes = [{"name": "never", "configMap": {"name": "never"}}]
    await cluster.create(nginx("fleeting", spec={"volumes": volumes}))
    await cluster.events("fleeting", "FailedMount")
    await cluster.delete("fleeting")
    last = await cluster.gone("fleeting")
    assert container(last)["state"]["terminated"]["reason"] == "ContainerStatusUnknown"


async def test_a_pod_deleted_while_it_starts_is_started_to_the_end_and_then_stopped(
    cluster: Cluster, shell: Maker
) -> None:
    """As a real kubelet does, up to and with 1.36 (kubernetes/kubernetes#125050)."""
    hook = {"postStart": {"exec": {"command": ["sh", "-c", "sleep 1; echo hook >> /proc/1/fd/1"]}}}
    await cluster.create(shell("overtaken", POLITE, container={"lifecycle": hook}))
    await cluster.events("overtaken", "Started")
    seen: list[Object] = []

    async def watch() -> None:
        seen.extend(await cluster.history("overtaken"))

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        await cluster.delete("overtaken")
    states = [next(iter(container(pod)["state"])) for pod in seen]
    assert list(dict.fromkeys(states)) == ["waiting", "running", "terminated"]
    assert container(seen[-1])["state"]["terminated"]["exitCode"] == 0


async def test_after_the_network_is_gone_nothing_answers(cluster: Cluster, nginx: Maker) -> None:
    await up(cluster, nginx("vanishes"))
    pod = await cluster.pod("vanishes", is_ready)
    await cluster.delete("vanishes")
    await cluster.gone("vanishes")
    code, _ = await cluster.curl(f"http://{pod['status']['podIP']}/", "-m", "0.5")
    assert code == 28


async def test_a_sidecars_hook_runs_beside_the_others_and_its_stop_signal_waits_for_their_end(
    cluster: Cluster, shell: Maker
) -> None:
    volume = {"name": "log", "emptyDir": {}}
    mounts = [{"name": "log", "mountPath": "/log"}]
    line = "trap 'sleep %s; echo %s >> /log/ends; cat /log/ends; exit 0' TERM; echo up; while :; do sleep 0.05; done"
    pod = shell("hooked", line % (1, "main"), container={"volumeMounts": mounts}, volumes=[volume])
    hook = {"preStop": {"exec": {"command": ["sh", "-c", "echo hook >> /log/ends"]}}}
    command = ["sh", "-c", line % (0, "sidecar")]
    side = {"name": "side", "image": "shell", "command": command, "restartPolicy": "Always", "volumeMounts": mounts}
    pod["spec"]["initContainers"] = [{**side, "lifecycle": hook}]
    await up(cluster, pod)
    assert await last_words(cluster, "hooked", "side") == ["up", "hook", "main", "sidecar"]


async def test_a_sidecar_stops_after_the_others(cluster: Cluster, shell: Maker) -> None:
    volume = {"name": "log", "emptyDir": {}}
    mounts = [{"name": "log", "mountPath": "/log"}]
    line = "trap 'echo %s >> /log/ends; cat /log/ends; exit 0' TERM; echo up; while :; do sleep 0.05; done"
    pod = shell("pair", line % "main", container={"volumeMounts": mounts}, volumes=[volume])
    command = ["sh", "-c", line % "sidecar"]
    side = {"name": "side", "image": "shell", "command": command, "restartPolicy": "Always", "volumeMounts": mounts}
    pod["spec"]["initContainers"] = [side]
    await up(cluster, pod)
    assert await last_words(cluster, "pair", "side") == ["up", "main", "sidecar"]


async def last_words(cluster: Cluster, pod: str, container: str) -> list[str]:
    """All that a container says from its start until its pod, which is deleted, has ended."""
    words, reading = list[str](), anyio.Event()

    async def read() -> None:
        async for word in cluster.log_lines(pod, container):
            words.append(word)
            reading.set()

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        with anyio.fail_after(GIVE_UP_S):
            await reading.wait()
        await ended_after(cluster, pod)
    return words
