"""What `kubectl get` shows of an object."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.apiserver import storedprinters
from harness.sandbox.apiserver.clock import rfc3339
from harness.sandbox.apiserver.podprinter import pod_row
from harness.sandbox.apiserver.printers import Clock, event, human_duration, service

NOW_S = 1_800_000_000.0


@pytest.mark.parametrize(
    ("span_s", "text"),
    [
        (0, "0s"), (119, "119s"), (120, "2m"), (125, "2m5s"), (600, "10m"), (3 * 3600 - 1, "179m"), (3 * 3600, "3h"),
        (5 * 3600 + 600, "5h10m"), (8 * 3600, "8h"), (47 * 3600, "47h"), (48 * 3600, "2d"), (2 * 86400 + 7200, "2d2h"),
        (10 * 86400, "10d"), (800 * 86400, "2y70d"), (-5, "<invalid>"),
    ],
)  # fmt: skip
def test_durations_are_written_as_kubectl_writes_them(span_s: int, text: str) -> None:
    assert human_duration(span_s) == text


def pod(*states: dict[str, Any], phase: str = "Running", **metadata: Any) -> dict[str, Any]:
    statuses = [
        {"name": f"c{n}", "ready": "running" in state, "restartCount": state.pop("restarts", 0), "state": state}
        for n, state in enumerate(map(dict, states))
    ]
    spec = {"containers": [{"name": f"c{n}"} for n in range(len(states))]}
    stamp = rfc3339(NOW_S - 5)
    return {
        "metadata": {"name": "p", "creationTimestamp": stamp, **metadata},
        "spec": spec,
        "status": {"phase": phase, "containerStatuses": statuses},
    }


RUNNING: dict[str, Any] = {"running": {}}


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (pod(RUNNING, RUNNING), ("2/2", "Running", "0")),
        (pod(RUNNING, {"waiting": {"reason": "CrashLoopBackOff"}, "restarts": 3}), ("1/2", "CrashLoopBackOff", "3")),
        (pod({"waiting": {"reason": "ImagePullBackOff"}}, phase="Pending"), ("0/1", "ImagePullBackOff", "0")),
        (pod({"terminated": {"reason": "Completed"}}, phase="Succeeded"), ("0/1", "Completed", "0")),
        (pod({"terminated": {"exitCode": 3}}, phase="Failed"), ("0/1", "ExitCode:3", "0")),
        (pod(RUNNING, deletionTimestamp=rfc3339(NOW_S)), ("1/1", "Terminating", "0")),
        (pod(phase="Pending"), ("0/0", "Pending", "0")),
    ],
)
def test_pods_show_one_word_of_status(shown: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert pod_row(shown, Clock(NOW_S))[1:4] == expected


def test_init_containers_show_how_far_they_are() -> None:
    shown = pod({"waiting": {"reason": "PodInitializing"}}, phase="Pending")
    shown["spec"]["initContainers"] = [{"name": "a"}, {"name": "b"}]
    done, going = {"terminated": {"exitCode": 0}}, {"running": {}}
    shown["status"]["initContainerStatuses"] = [{"name": "a", "state": done}, {"name": "b", "state": going}]
    assert pod_row(shown, Clock(NOW_S))[2] == "Init:1/2"


def test_services_show_their_ports_and_addresses() -> None:
    spec = {"type": "LoadBalancer", "clusterIP": "10.96.0.9", "selector": {"b": "2", "a": "1"}}
    spec["ports"] = [{"port": 80, "nodePort": 30080, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]
    shown = {"metadata": {"name": "s", "creationTimestamp": rfc3339(NOW_S)}, "spec": spec}
    row = ("s", "LoadBalancer", "10.96.0.9", "<pending>", "80:30080/TCP,53/UDP", "0s", "a=1,b=2")
    assert service(shown, Clock(NOW_S)) == row


def test_events_show_when_they_were_last_seen() -> None:
    shown = {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "name": "p"},
        "lastTimestamp": rfc3339(NOW_S - 3),
        "firstTimestamp": rfc3339(NOW_S - 60),
        "type": "Normal",
        "reason": "Pulled",
        "message": "m",
        "source": {"component": "kubelet", "host": "n1"},
        "count": 4,
    }
    assert event(shown, Clock(NOW_S)) == ("3s", "Normal", "Pulled", "pod/p", "m", "", "kubelet, n1", "60s", 4, "e")


def test_rows_of_what_is_only_stored() -> None:
    stamp = rfc3339(NOW_S - 5)
    metadata, clock = {"name": "x", "creationTimestamp": stamp}, Clock(NOW_S)
    policy = {"metadata": metadata, "spec": {"podSelector": {"matchLabels": {"app": "web"}}}}
    assert storedprinters.network_policy(policy, clock) == ("x", "app=web", "5s")
    assert storedprinters.network_policy({**policy, "spec": {"podSelector": {}}}, clock)[1] == "<none>"
    assert storedprinters.limit_range({"metadata": metadata}, clock) == ("x", stamp)
    parameters = {"kind": "IngressParameters", "apiGroup": "example.org", "name": "p"}
    spec = {"controller": "example.org/ingress", "parameters": parameters}
    shown = ("x", "example.org/ingress", "IngressParameters.example.org/p", "5s")
    assert storedprinters.ingress_class({"metadata": metadata, "spec": spec}, clock) == shown
    bound = {"volumeName": "v", "storageClassName": "fast", "volumeMode": "Filesystem"}
    status = {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteMany", "ReadWriteOnce"]}
    row = storedprinters.claim({"metadata": metadata, "spec": bound, "status": status}, clock)
    assert row == ("x", "Bound", "v", "1Gi", "RWO,RWX", "fast", "<unset>", "5s", "Filesystem")
