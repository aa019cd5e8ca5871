"""What a container is given, and what becomes of it."""

from __future__ import annotations

import json
import os
import signal

import anyio
import pytest
from wholecluster import Cluster, Maker, Object, condition, container, ended, is_ready

from harness.sandbox.apiclient import PatchType

pytestmark = pytest.mark.anyio


async def test_a_container_is_alone_in_its_namespaces_under_the_pods_name(cluster: Cluster, shell: Maker) -> None:
    line = "hostname; echo pid $$$$; ls /proc | grep -c '^[0-9]'; ip -br -4 addr; getent hosts alone"
    await cluster.create(shell("alone", line, restartPolicy="Never"))
    pod = await cluster.pod("alone", lambda pod: "podIP" in pod["status"])
    await cluster.pod("alone", ended)
    text = await cluster.logs("alone")
    lines = text.split()
    assert lines[:3] == ["alone", "pid", "1"]
    assert f"{pod['status']['podIP']}/32" in text
    assert lines[-2:] == [pod["status"]["podIP"], "alone"]


async def test_env_arguments_and_working_directory_arrive(cluster: Cluster) -> None:
    env = [
        {"name": "WORD", "value": "hello"},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
    ]
    main = {"name": "main", "image": "shell", "workingDir": "/usr", "env": env}
    main |= {"command": ["sh", "-c", "pwd; env | sort; echo $0 $1 $2"], "args": ["$(WORD)", "$(NODE)", "$(HOME)"]}
    spec = {"containers": [main], "restartPolicy": "Never"}
    await cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "args"}, "spec": spec})
    await cluster.pod("args", ended)
    lines = (await cluster.logs("args")).splitlines()
    assert lines[0] == "/usr"
    assert lines[-1] == "hello node1 $(HOME)"
    names = [line.partition("=")[0] for line in lines[1:-1] if not line.startswith("KUBERNETES_")]
    assert names == ["HOME", "HOSTNAME", "NODE", "PATH", "PWD", "WORD"]


async def test_volumes_carry_files_and_what_is_written_is_seen_beside(cluster: Cluster, shell: Maker) -> None:
    await cluster.create({"kind": "ConfigMap", "metadata": {"name": "files"}, "data": {"a.conf": "from the map\n"}})
    secret = {"kind": "Secret", "metadata": {"name": "keys"}, "data": {"key": "c2VjcmV0"}}
    await cluster.create(secret)
    volumes = [
        {"name": "config", "configMap": {"name": "files"}},
        {"name": "secret", "secret": {"secretName": "keys", "defaultMode": 0o400}},
        {"name": "pod", "downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        {"name": "shared", "emptyDir": {}},
    ]
    mounts = [{"name": v["name"], "mountPath": f"/volumes/{v['name']}"} for v in volumes]
    mounts.append({"name": "config", "mountPath": "/etc/one.conf", "subPath": "a.conf"})
    init = {"name": "init", "image": "shell", "command": ["sh", "-c", "echo written > /volumes/shared/x"]}
    line = (
        "cat /volumes/config/a.conf /volumes/secret/key /etc/one.conf; echo; cat /volumes/pod/name; echo; "
        "cat /volumes/shared/x; stat -L -c %a /volumes/secret/key; touch /volumes/config/new 2>&1; exit 0"
    )
    pod = shell("volumes", line, container={"volumeMounts": mounts}, volumes=volumes, restartPolicy="Never")
    pod["spec"]["initContainers"] = [{**init, "volumeMounts": mounts[3:4]}]
    await cluster.create(pod)
    seen = await cluster.pod("volumes", lambda pod: pod["status"]["phase"] == "Succeeded")
    text = await cluster.logs("volumes", "main")
    assert text.startswith("from the map\nsecretfrom the map\n\nvolumes\nwritten\n400\n")
    assert "Read-only file system" in text
    assert container(seen, init=True)["state"]["terminated"]["reason"] == "Completed"


async def test_a_pod_whose_config_map_is_missing_says_so_and_starts_when_it_comes(
    cluster: Cluster, shell: Maker
) -> None:
    volumes = [{"name": "late", "configMap": {"name": "late"}}]
    mount = {"volumeMounts": [{"name": "late", "mountPath": "/late"}]}
    await cluster.create(shell("waits", "cat /late/a; sleep 60", container=mount, volumes=volumes))
    (event,) = await cluster.events("waits", "FailedMount")
    assert event["message"] == 'MountVolume.SetUp failed for volume "late" : configmap "late" not found'
    await cluster.create({"kind": "ConfigMap", "metadata": {"name": "late"}, "data": {"a": "here"}})
    await cluster.pod("waits", is_ready)


async def test_what_a_container_writes_never_reaches_the_machine(cluster: Cluster, shell: Maker) -> None:
    line = "echo x > /etc/rollout-harness-test; ls /etc/rollout-harness-test; exit 0"
    await cluster.create(shell("writes", line, restartPolicy="Never"))
    await cluster.pod("writes", ended)
    assert "/etc/rollout-harness-test" in await cluster.logs("writes")
    assert not await anyio.Path("/etc/rollout-harness-test").exists()


@pytest.mark.parametrize(
    ("line", "code", "reason"),
    [("exit 0", 0, "Completed"), ("exit 3", 3, "Error"), ("kill -9 $$$$; exit 9", 9, "Error")],
)
async def test_exit_codes_are_recorded(cluster: Cluster, shell: Maker, line: str, code: int, reason: str) -> None:
    name = f"exits-{code}"
    await cluster.create(shell(name, line, restartPolicy="Never"))
    pod = await cluster.pod(name, ended)
    state = container(pod)["state"]["terminated"]
    assert (state["exitCode"], state["reason"]) == (code, reason)
    assert pod["status"]["phase"] == ("Succeeded" if code == 0 else "Failed")


async def test_a_killed_program_is_started_again_and_the_signal_is_in_its_exit_code(
    cluster: Cluster, nginx: Maker
) -> None:
    await cluster.create(nginx("killed", readinessProbe=None))
    (first,) = cluster.first_processes(await cluster.pod("killed", is_ready))
    os.kill(first, signal.SIGKILL)
    pod = await cluster.pod("killed", lambda pod: container(pod)["restartCount"] == 1 and is_ready(pod))
    assert container(pod)["lastState"]["terminated"]["exitCode"] == 137


async def test_a_crashing_container_backs_off(cluster: Cluster, shell: Maker) -> None:
    await cluster.create(shell("crashes", "echo trying; exit 2"))
    waiting = await cluster.pod(
        "crashes", lambda pod: "waiting" in container(pod).get("state", {}) and pod["status"].get("podIP")
    )
    assert container(waiting)["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert container(waiting)["state"]["waiting"]["message"].startswith("back-off 10s restarting failed container=main")
    assert container(waiting)["lastState"]["terminated"]["exitCode"] == 2
    assert container(waiting)["restartCount"] == 1
    (event, *_) = await cluster.events("crashes", "BackOff")
    assert event["message"].startswith("Back-off restarting failed container main in pod crashes_default(")
    await cluster.delete("crashes")
    await cluster.gone("crashes")


async def test_a_container_whose_first_hook_fails_is_killed_and_started_again(cluster: Cluster, shell: Maker) -> None:
    hook = {"postStart": {"exec": {"command": ["sh", "-c", "echo no; exit 3"]}}}
    await cluster.create(shell("unhooked", "sleep 600", container={"lifecycle": hook}, terminationGracePeriodSeconds=1))
    (event, *_) = await cluster.events("unhooked", "FailedPostStartHook")
    assert "exited with 3: no" in event["message"]
    pod = await cluster.pod("unhooked", lambda pod: container(pod).get("restartCount") == 1)
    assert not is_ready(pod)
    waits = lambda pod: container(pod).get("state", {}).get("waiting", {}).get("reason") == "PostStartHookError"  # noqa: E731
    await cluster.pod("unhooked", waits)
    await cluster.delete("unhooked", 0)


async def test_a_container_is_not_ready_before_its_first_hook_has_ended(cluster: Cluster, shell: Maker) -> None:
    hook = {"postStart": {"exec": {"command": ["sleep", "2"]}}}
    await cluster.create(shell("hooked", "sleep 600", container={"lifecycle": hook}, terminationGracePeriodSeconds=1))
    await cluster.events("hooked", "Started")
    pod = await cluster.pod("hooked", lambda pod: True)
    assert "waiting" in container(pod)["state"]
    assert not is_ready(pod)
    await cluster.pod("hooked", is_ready)
    await cluster.delete("hooked", 0)


async def test_a_liveness_probe_that_cannot_be_made_kills_nothing(cluster: Cluster, shell: Maker) -> None:
    """No port has that name, and no such program is there: the kubelet says so, and goes by nothing."""
    for name, handler in (
        ("nameless", {"tcpSocket": {"port": "admin"}}),
        ("programless", {"exec": {"command": ["no-such-program"]}}),
    ):
        probe = {**handler, "periodSeconds": 1, "failureThreshold": 1}
        await cluster.create(
            shell(name, "sleep 600", container={"livenessProbe": probe}, terminationGracePeriodSeconds=1)
        )
        (event, *_) = await cluster.events(name, "Unhealthy", times=3)
        assert event["message"].startswith("Liveness probe errored and resulted in unknown state: ")
        pod = await cluster.pod(name, is_ready)
        assert container(pod)["restartCount"] == 0
        assert "running" in container(pod)["state"]
        await cluster.delete(name, 0)


async def test_an_unknown_image_cannot_be_pulled(cluster: Cluster, nginx: Maker) -> None:
    await cluster.create(nginx("unpullable", image="nginx:does-not-exist"))
    waits = ("ErrImagePull", "ImagePullBackOff")
    pod = await cluster.pod(
        "unpullable", lambda pod: container(pod).get("state", {}).get("waiting", {}).get("reason") in waits
    )
    assert pod["status"]["phase"] == "Pending"
    (pulling,) = await cluster.events("unpullable", "Pulling")
    assert pulling["message"] == 'Pulling image "nginx:does-not-exist"'
    messages = [event["message"] for event in await cluster.events("unpullable", "Failed")]
    assert "Error: ErrImagePull" in messages
    (backoff,) = await cluster.events("unpullable", "BackOff")
    assert backoff["message"] == 'Back-off pulling image "nginx:does-not-exist"'
    await cluster.delete("unpullable")
    last = await cluster.gone("unpullable")
    assert container(last)["state"]["terminated"]["reason"] == "ContainerStatusUnknown"
    assert last["status"]["phase"] == "Failed"


async def test_a_program_that_does_not_exist_cannot_be_started(cluster: Cluster) -> None:
    spec = {
        "containers": [{"name": "main", "image": "shell", "command": ["no-such-program"]}],
        "restartPolicy": "Never",
    }
    await cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "absent"}, "spec": spec})
    pod = await cluster.pod("absent", ended)
    state = container(pod)["state"]["terminated"]
    assert (state["exitCode"], state["reason"]) == (128, "StartError")
    assert 'exec: "no-such-program": executable file not found in $PATH' in state["message"]


async def test_a_gate_keeps_a_pod_from_being_ready(cluster: Cluster, nginx: Maker) -> None:
    await cluster.create(nginx("gated", spec={"readinessGates": [{"conditionType": "lb/ready"}]}))
    pod = await cluster.pod("gated", lambda pod: condition(pod, "ContainersReady").get("status") == "True")
    assert condition(pod, "Ready")["reason"] == "ReadinessGatesNotReady"
    patch = {"status": {"conditions": [{"type": "lb/ready", "status": "True"}]}}
    await cluster.client.patch("/api/v1/namespaces/default/pods/gated/status", patch, PatchType.STRATEGIC)
    await cluster.pod("gated", is_ready)


async def test_one_more_pod_is_ready_within_a_second_and_a_half(cluster: Cluster, nginx: Maker) -> None:
    started, kept_waiting = anyio.current_time(), cluster.kept_waiting()
    await cluster.create(nginx("quick"))
    await cluster.pod("quick", is_ready)
    assert anyio.current_time() - started < 1.5 + kept_waiting()


async def test_a_container_may_run_as_somebody_else_and_still_listen_on_port_80(cluster: Cluster, nginx: Maker) -> None:
    temporary = " ".join(
        f"{kind}_temp_path /tmp/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    http = f"http {{ access_log off; {temporary} server {{ listen 80; return 200; }} }}"
    conf = f"pid /tmp/nginx.pid; error_log /dev/stderr; events {{ }} {http}"
    await cluster.create({"kind": "ConfigMap", "metadata": {"name": "unprivileged"}, "data": {"nginx.conf": conf}})
    spec = {"volumes": [{"name": "conf", "configMap": {"name": "unprivileged"}}]}
    live = {"exec": {"command": ["sh", "-c", "id -u; id -g; exit 1"]}, "periodSeconds": 1}
    container = {
        "volumeMounts": [{"name": "conf", "mountPath": "/conf"}],
        "command": ["nginx", "-c", "/conf/nginx.conf", "-g", "daemon off;"],
        "securityContext": {"runAsUser": 101, "runAsGroup": 102},
        "livenessProbe": live,
    }
    await cluster.create(nginx("somebody", spec=spec, **container))
    pod = await cluster.pod("somebody", is_ready)
    assert container_user(pod) == (101, 102)
    messages = [event["message"] for event in await cluster.events("somebody", "Unhealthy")]
    assert "Liveness probe failed: 101\n102\n" in messages


def container_user(pod: Object) -> tuple[int, int]:
    """Who the pod's first container runs as, as its status has it."""
    linux = container(pod)["user"]["linux"]
    return linux["uid"], linux["gid"]


async def test_a_pod_is_reached_through_the_api(cluster: Cluster, nginx: Maker) -> None:
    await cluster.create(nginx("reached"))
    await cluster.pod("reached", is_ready)
    status, body = await cluster.proxied("reached:80", "index.html")
    assert (status, "nginx" in body) == (200, True)
    status, body = await cluster.proxied("reached:80", "nowhere")
    assert status == 404
    assert "nginx" in body  # the pod's own answer
    status, body = await cluster.proxied("reached:81", "")
    assert (status, json.loads(body)["reason"]) == (503, "ServiceUnavailable")
    assert "error trying to reach service: dial tcp" in json.loads(body)["message"]
    assert (await cluster.proxied("not-there:80", ""))[0] == 404
    assert (await cluster.proxied("reached:http", ""))[0] == 400
