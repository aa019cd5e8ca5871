"""pytest-kubernetes as it is: its fixture `k8s`, given the kubeconfig of a cluster that is there."""

from __future__ import annotations

import socket
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_kubernetes.providers.base import AClusterManager

Object = dict[str, Any]


@pytest.fixture
def cluster(k8s: AClusterManager) -> AClusterManager:
    """It is there already, and the plugin's own test of readiness says so: it makes none."""
    k8s.create()
    assert k8s._created is False
    return k8s


def test_the_cluster_says_which_it_is(cluster: AClusterManager) -> None:
    assert cluster.version() >= (1, 36)
    nodes = cluster.kubectl(["get", "nodes"])
    assert [each["metadata"]["name"] for each in nodes["items"]] == ["node1"]


def test_a_dictionary_and_a_file_are_applied_awaited_and_asked_for_their_log(
    cluster: AClusterManager, namespace: str, deployment: Callable[..., Object], tmp_path: Path
) -> None:
    web = deployment("web")
    web["metadata"]["namespace"] = namespace
    cluster.apply(web)
    cluster.wait("deployment/web", "condition=Available=True", timeout=200, namespace=namespace)
    manifest = tmp_path / "settings.yaml"
    manifest.write_text(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings, namespace: {namespace}}}\n")
    cluster.apply(manifest)
    assert cluster.kubectl(["get", "cm", "settings", "-n", namespace])["metadata"]["name"] == "settings"
    pod = cluster.kubectl(["get", "pods", "-n", namespace, "-l", "app=web"])["items"][0]["metadata"]["name"]
    assert isinstance(cluster.logs(pod, "nginx", namespace), str)
    with pytest.raises(RuntimeError, match="NotFound"):
        cluster.kubectl(["get", "pod", "none", "-n", namespace])


def test_a_port_of_a_deployment_is_forwarded(
    cluster: AClusterManager, namespace: str, deployment: Callable[..., Object]
) -> None:
    web = deployment("web")
    web["metadata"]["namespace"] = namespace
    cluster.apply(web)
    cluster.wait("deployment/web", "condition=Available=True", timeout=200, namespace=namespace)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (
        cluster.port_forwarding("deployment/web", port, 80, namespace),
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=200) as response,
    ):
        assert response.status == 200
