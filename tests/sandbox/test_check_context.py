"""`check --context` on the API of a sandbox: what stands there, how slow its proxy is, and that it only reads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from scripts.rules.cases import App, sleep

if TYPE_CHECKING:
    from planes import Plane

    from harness.sandbox.apiclient import ApiClient

pytestmark = [pytest.mark.anyio, pytest.mark.sandbox]

LABEL = {"labels": {"elbv2.k8s.aws/pod-readiness-gate-inject": "enabled"}}
PROXY = "kind: KubeProxyConfiguration\nmode: iptables\niptables: {minSyncPeriod: 10s}\n"
PATHS = {
    "Namespace": "/api/v1/namespaces",
    "Deployment": "/apis/apps/v1/namespaces/shop/deployments",
    "Service": "/api/v1/namespaces/shop/services",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/shop/poddisruptionbudgets",
}
AROUND = (
    {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "maxReplicas": 9},
    },
    {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "web"}}},
    },
)
WARNED = ["prestop-short-for-balancer", "autoscaler-leaves-gap", "budget-blocks-drains"]


async def test_what_stands_in_a_cluster_is_checked_with_what_its_cluster_is(plane: Plane, client: ApiClient) -> None:
    app = App(namespace=LABEL, container={"lifecycle": sleep(5)}, service={"type": "LoadBalancer"}, around=AROUND)
    for manifest in app.objects:
        await client.create(PATHS[manifest["kind"]], manifest)
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "kube-proxy"},
        "data": {"config.conf": PROXY},
    }
    await client.create("/api/v1/namespaces/kube-system/configmaps", {**config, "data": {"config.conf": PROXY}})
    before = await client.get("/apis/apps/v1/namespaces/shop/deployments/web")

    def checked(*more: str) -> tuple[int, dict[str, Any]]:
        environment = {**os.environ, "KUBECONFIG": str(plane.kubeconfig())}
        command = [sys.executable, "-m", "harness", "check", "--context", "sandbox", "--json", *more]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)
        assert done.returncode in (0, 1), done.stderr
        return done.returncode, json.loads(done.stdout)

    import anyio.to_thread

    code, report = await anyio.to_thread.run_sync(checked)
    rules = {one["rule"]: one for one in report["findings"]}
    assert (code, set(rules)) == (1, {"slow-proxy", *WARNED})  # and not replicas: nobody applies it
    assert rules["slow-proxy"]["found"] == "minSyncPeriod 10s, preStop 5 s"
    assert (rules["slow-proxy"]["file"], rules["slow-proxy"]["line"]) == ("context:sandbox", None)
    assert rules["slow-proxy"]["workload"] == "Deployment shop/web"
    code, report = await anyio.to_thread.run_sync(lambda: checked("--proxy-period", "1s", "-n", "shop"))
    assert (code, [one["rule"] for one in report["findings"]]) == (0, WARNED)
    code, report = await anyio.to_thread.run_sync(lambda: checked("-n", "default"))
    assert (code, report["workloads"]) == (0, 0)
    after = await client.get("/apis/apps/v1/namespaces/shop/deployments/web")
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
