"""Whatever an experiment or a manifest holds: no stack trace, an exit code of the table, one line of error at most."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from examples import EXAMPLES
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from program import Told, called, check_harmless

from .hostile import spoilt, torn, written

pytestmark = pytest.mark.timeout(300 * max(1, EXAMPLES // 300))
# Spoilt values and torn text share the examples of experiments, and those of manifests.
GENEROUS = settings(max_examples=EXAMPLES // 2, deadline=None, suppress_health_check=list(HealthCheck))

EXPERIMENT: dict[str, Any] = {
    "version": 1,
    "name": "shop",
    "manifests": ["app.yaml"],
    "target": "deployment/shop",
    "service": {"name": "shop", "port": 80},
    "namespace": "shop",
    "cluster": {"sandbox": {"proxy": {"minSyncPeriod": "1s"}, "nodes": 2}},
    "images": {
        "shop": {"command": ["sleep", "9"], "env": {"A": "b"}, "stopSignal": "SIGINT"},
        "*": {"stand_in": "exits"},
    },
    "others": "run",
    "update": {"image": {"web": ["nginx:1.29.1", "nginx:1.28.0"]}},
    "rollouts": 2,
    "control": "1s",
    "quiet": "1s",
    "rollout_timeout": "60s",
    "request": {"method": "GET", "path": "/", "host": "shop", "headers": {"A": "b"}, "success": ["200-299", 404]},
    "load": {
        "new": {"rate": 20, "path": "/x", "read_timeout": "1s"},
        "kept": {"rate": 10, "connections": 2},
        "connect_timeout": "1s",
        "pod_header": "X-Pod",
    },
    "variants": {"default": {"mitigations": [{"prestop": "1s"}, {"min-ready": "1s"}], "expect": "any"}},
    "confidence": {"max_dropping": 0.3},
    "churn": "1s",
    "strict_idle_close": True,
}
_PROBE = {"httpGet": {"path": "/", "port": "http", "httpHeaders": [{"name": "A", "value": "b"}]}, "periodSeconds": 1}
_CONTAINER = {
    "name": "web",
    "image": "nginx:1.28.0",
    "command": ["nginx"],
    "args": ["-g", "daemon off;"],
    "ports": [{"name": "http", "containerPort": 80, "hostPort": 0, "protocol": "TCP"}],
    "env": [{"name": "A", "value": "b"}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
    "envFrom": [{"configMapRef": {"name": "c", "optional": True}}],
    "readinessProbe": _PROBE,
    "livenessProbe": {"tcpSocket": {"port": 80}},
    "startupProbe": {"grpc": {"port": 80}},
    "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "sleep 2; nginx -s quit"]}}},
    "volumeMounts": [{"name": "v", "mountPath": "/v"}],
    "resources": {"limits": {"cpu": 1}},
}
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "shop", "labels": {"app": "shop"}, "annotations": {"a": "b"}, "uid": "1", "finalizers": ["x"]},
    "spec": {
        "replicas": 2,
        "minReadySeconds": 1,
        "paused": False,
        "progressDeadlineSeconds": 600,
        "selector": {
            "matchLabels": {"app": "shop"},
            "matchExpressions": [{"key": "app", "operator": "In", "values": ["shop"]}],
        },
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
        "template": {
            "metadata": {"labels": {"app": "shop"}},
            "spec": {
                "terminationGracePeriodSeconds": 30,
                "containers": [_CONTAINER],
                "initContainers": [{"name": "mesh", "image": "nginx:1", "restartPolicy": "Always"}],
                "volumes": [
                    {"name": "v", "projected": {"sources": [{"secret": {"name": "s"}}]}},
                    {"name": "c", "configMap": {"name": "c"}},
                ],
                "readinessGates": [{"conditionType": "example.org/ready"}],
                "hostNetwork": False,
            },
        },
    },
}
STATEFUL: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {"name": "db"},
    "spec": {
        "replicas": 1,
        "serviceName": "db",
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": {"app": "db"}},
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        "template": {
            "metadata": {"labels": {"app": "db"}},
            "spec": {"containers": [{"name": "db", "image": "nginx:1"}]},
        },
        "volumeClaimTemplates": [{"metadata": {"name": "d"}, "spec": {"accessModes": ["ReadWriteOnce"]}}],
    },
}
SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "shop"},
    "spec": {
        "selector": {"app": "shop"},
        "type": "ClusterIP",
        "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
    },
}
OTHERS: list[dict[str, Any]] = [
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "b"}},
    {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "j"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "j", "image": "nginx:1"}]}}},
    },
    {"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}]},
]
MANIFESTS = [DEPLOYMENT, STATEFUL, SERVICE, *OTHERS]


EVENTS: list[dict[str, Any]] = [
    {"t": 0.0, "kind": "Mark", "type": "create", "object": DEPLOYMENT},
    {"t": 0.1, "kind": "Deployment", "type": "ADDED", "object": {**DEPLOYMENT, "status": {"replicas": 2}}},
    {
        "t": 0.5,
        "kind": "Pod",
        "type": "ADDED",
        "object": {
            "metadata": {"name": "shop-1", "uid": "2", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"nodeName": "n", "containers": [_CONTAINER]},
            "status": {
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:01Z"}],
                "containerStatuses": [{"name": "web", "restartCount": 0, "state": {"running": {}}}],
            },
        },
    },
    {"t": 1.0, "kind": "Mark", "type": "rollout-complete", "object": None},
]


def with_container(status: dict[str, Any]) -> dict[str, Any]:
    """The event of the pod, with that status of its container."""
    pod = EVENTS[2]["object"]
    return {**EVENTS[2], "object": {**pod, "status": {**pod["status"], "containerStatuses": [status]}}}


def check(told: Told) -> None:
    """Refused in one line, or done."""
    check_harmless(told)
    assert told.code in (0, 2), told.err
    assert len([line for line in told.err.splitlines() if line.startswith("error: ")]) == (told.code == 2)
    if told.code == 2:
        assert told.error
    assert all(line.isprintable() for line in told.out.splitlines())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("generated")
    (folder / "app.yaml").write_text(written(MANIFESTS))
    (folder / "good.yaml").write_text(written([{**EXPERIMENT, "others": "skip"}]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        yield folder


def test_what_is_not_spoilt_is_taken(folder: Path) -> None:
    (folder / "experiment.yaml").write_text(written([EXPERIMENT]))
    assert called("run", folder / "experiment.yaml", "--dry-run").code == 0
    assert called("run", folder / "good.yaml", "--dry-run").code == 0
    assert called("mitigate", folder / "app.yaml", "--prestop", "5s").code == 0


@GENEROUS
@given(spoilt(EXPERIMENT))
def test_an_experiment_with_spoilt_values(folder: Path, document: Any) -> None:
    (folder / "experiment.yaml").write_text(written([document]))
    check(called("run", folder / "experiment.yaml", "--dry-run"))


@GENEROUS
@given(torn(yaml.safe_dump(EXPERIMENT, sort_keys=False)))
def test_an_experiment_with_torn_text(folder: Path, text: str) -> None:
    (folder / "experiment.yaml").write_text(text, newline="")
    check(called("run", folder / "experiment.yaml", "--dry-run"))


def _used(folder: Path, text: str) -> None:
    (folder / "spoilt.yaml").write_text(text, newline="")
    (folder / "experiment.yaml").write_text(written([{**EXPERIMENT, "manifests": ["spoilt.yaml"], "others": "skip"}]))
    check(called("run", folder / "experiment.yaml", "--dry-run"))
    done = called("mitigate", folder / "spoilt.yaml", "--prestop", "5s", "--min-ready", "5s")
    check_harmless(done)
    assert done.code in (0, 2)
    check(called("run", "-", "--dry-run", "--target", "deployment/shop", given_text=text))


@GENEROUS
@given(st.sampled_from([0, 0, 0, 1, 2, 2]).flatmap(lambda at: spoilt(MANIFESTS[at]).map(lambda new: (at, new))))
@example((0, {**DEPLOYMENT, "spec": 5}))
@example((2, {**SERVICE, "spec": {**SERVICE["spec"], "ports": ["80"]}}))
def test_a_manifest_with_spoilt_values(folder: Path, changed: tuple[int, Any]) -> None:
    at, new = changed
    _used(folder, written([*MANIFESTS[:at], new, *MANIFESTS[at + 1 :]]))


@settings(max_examples=EXAMPLES // 6, deadline=None, suppress_health_check=list(HealthCheck))
@given(spoilt(EVENTS))
@example([EVENTS[0], {**EVENTS[1], "type": []}])
@example([*EVENTS[:2], with_container({"state": {"running": {}}})])
@example([*EVENTS[:2], with_container({"name": "web", "state": None})])
@example([*EVENTS[:2], with_container({"name": "web", "state": {"running": None}})])
def test_a_recording_with_spoilt_values(folder: Path, events: Any) -> None:
    lines = events if isinstance(events, list) else [events]
    for name, recorded in (("good.jsonl", EVENTS), ("spoilt.jsonl", lines)):
        (folder / name).write_text("".join(json.dumps(line) + "\n" for line in recorded))
    done = called("trace", "diff", folder / "good.jsonl", folder / "spoilt.jsonl")
    check_harmless(done)
    assert done.code in (0, 1, 2), done.err


@GENEROUS
@given(torn("---\n".join(yaml.safe_dump(each, sort_keys=False) for each in MANIFESTS)))
def test_a_manifest_with_torn_text(folder: Path, text: str) -> None:
    _used(folder, text)
