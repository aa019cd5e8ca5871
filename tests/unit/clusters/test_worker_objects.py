"""A load worker's Pod asks for nothing that Pod Security's `restricted` refuses, and its Secret is small enough."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from harness.clusters.worker_archive import worker_archive
from harness.clusters.worker_objects import worker_pod, worker_secret


@pytest.fixture
def spec() -> dict[str, Any]:
    return dict(worker_pod("w", "python:3.13-slim", {}, 10.0)["spec"])


# The controls of https://kubernetes.io/docs/concepts/security/pod-security-standards/, in their order.
BASELINE_NOT_SET = ("hostNetwork", "hostPID", "hostIPC", "ephemeralContainers", "initContainers")


def test_it_passes_the_baseline(spec: dict[str, Any]) -> None:
    assert not set(BASELINE_NOT_SET) & spec.keys()
    (container,) = spec["containers"]
    assert "privileged" not in container["securityContext"]
    assert "add" not in container["securityContext"]["capabilities"]
    assert not any("hostPath" in volume for volume in spec["volumes"])
    assert not container.get("ports")
    for context in (spec["securityContext"], container["securityContext"]):
        assert not {"appArmorProfile", "seLinuxOptions", "procMount", "sysctls", "windowsOptions"} & context.keys()


def test_it_passes_restricted(spec: dict[str, Any]) -> None:
    (container,) = spec["containers"]
    allowed = {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
    assert all(set(volume) - {"name"} <= allowed for volume in spec["volumes"])
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0  # an image's own user may be root, or a name without a number
    assert spec["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]


def test_it_has_no_token_writes_nowhere_and_asks_for_what_a_quota_counts(spec: dict[str, Any]) -> None:
    (container,) = spec["containers"]
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert all(mount["readOnly"] for mount in container["volumeMounts"])
    for kind in ("requests", "limits"):
        assert {"cpu", "memory"} <= container["resources"][kind].keys()


def test_a_plan_is_in_the_secret_and_nowhere_in_the_pod() -> None:
    plan = '{"headers": [["Authorization", "Bearer hunter2"]]}'
    secret = worker_secret("w", plan, worker_archive(), {"rollout-harness/run": "1"})
    assert base64.b64decode(secret["data"]["plan.json"]).decode() == plan
    assert sum(len(base64.b64decode(value)) for value in secret["data"].values()) < 256 * 1024  # a quarter of the most
    assert secret["metadata"]["labels"]["rollout-harness/run"] == "1"
    pod = worker_pod("w", "python:3.13-slim", {}, None)
    assert "hunter2" not in str(pod)
    assert "env" not in pod["spec"]["containers"][0]


def test_it_goes_to_linux_and_whoever_makes_room_on_nodes_lets_it_be(spec: dict[str, Any]) -> None:
    assert spec["nodeSelector"] == {"kubernetes.io/os": "linux"}
    annotations = worker_pod("w", "python:3.13-slim", {}, None)["metadata"]["annotations"]
    assert annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
    assert annotations["karpenter.sh/do-not-disrupt"] == "true"
