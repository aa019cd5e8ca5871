"""An object that the API does not take is named, with its file; what was made before it goes again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from paper_api import Warned, paper_kube

from harness.errors import ClusterError
from harness.kube.ownership import Ownership, ownership
from harness.manifests.application import Application, find_application
from harness.manifests.read import read_manifests
from harness.runner.deployment import deployed, namespace_for_run

pytestmark = pytest.mark.anyio

WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
MONITOR = "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: web}\n"
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\n"
OWNERSHIP = Ownership(run="1a2b", owner="ada.laptop", expiry=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), process="m.1.2")
NAMESPACE = "/api/v1/namespaces/shop"


def application(folder: Path, **files: str) -> tuple[Application, tuple[Path, ...]]:
    paths = []
    for name, text in files.items():
        paths.append(folder / f"{name}.yaml")
        paths[-1].write_text(text)
    found = find_application(read_manifests(paths), target="deployment/web", service="web", port=80)
    return found, tuple(paths)


async def refusal(answers: dict[str, list[Any]], folder: Path, **files: str) -> tuple[str, list[str]]:
    """The error, and what was asked of the API."""
    wanted, paths = application(folder, **files)
    async with paper_kube(answers) as (kube, api):
        with pytest.raises(ClusterError) as error:
            async with deployed(kube, wanted, "shop", OWNERSHIP, files=paths):
                raise AssertionError("it was deployed")
    return str(error.value), api.done()


async def test_a_kind_that_the_cluster_does_not_have_is_named_with_object_and_file(tmp_path: Path) -> None:
    said, _ = await refusal({}, tmp_path, monitor=MONITOR, web=WORKLOAD)
    assert said.startswith(
        f"creating ServiceMonitor web of {tmp_path}/monitor.yaml: GET /apis/monitoring.coreos.com/v1"
    )
    assert "404" in said
    assert said.endswith(
        "Does the cluster have monitoring.coreos.com/v1 ServiceMonitor? Install what defines it, or leave it out."
    )


async def test_an_object_that_is_refused_is_named_and_what_was_made_before_goes_again(tmp_path: Path) -> None:
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "conf"}}
    answers: dict[str, list[Any]] = {
        f"POST {NAMESPACE}/configmaps": [made],
        f"DELETE {NAMESPACE}/configmaps/conf": [{}],
        f"POST {NAMESPACE}/pods": [403],
    }
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: lone}\n"
    said, asked = await refusal(answers, tmp_path, conf=CONFIG, lone=pod, web=WORKLOAD)
    assert said.startswith(f"creating Pod lone of {tmp_path}/lone.yaml: POST {NAMESPACE}/pods")
    assert said.endswith("Ask for that right, or use a context that has it.")
    assert asked == [f"POST {NAMESPACE}/configmaps", f"POST {NAMESPACE}/pods", f"DELETE {NAMESPACE}/configmaps/conf"]


async def test_everything_carries_whose_it_is_and_its_own_labels_but_not_the_pods(tmp_path: Path) -> None:
    labelled = CONFIG.replace("{name: conf}", "{name: conf, labels: {tier: front}}")
    wanted, paths = application(tmp_path, web=WORKLOAD, conf=labelled)
    made = {
        f"POST {NAMESPACE}/{kind}": [{"apiVersion": api, "kind": title, "metadata": {"name": name, "generation": 1}}]
        for kind, api, title, name in (("configmaps", "v1", "ConfigMap", "conf"), ("services", "v1", "Service", "web"))
    }
    apps = "/apis/apps/v1/namespaces/shop/deployments"
    made[f"POST {apps}"] = [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}]
    async with paper_kube(made) as (kube, api), deployed(kube, wanted, "shop", OWNERSHIP, files=paths):
        standing = kube.standing.commands("kubectl")
    bodies = {call.body["kind"]: call.body for call in api.calls if call.what.startswith("POST")}
    ours = {
        "rollout-harness/run": "1a2b",
        "rollout-harness/owner": "ada.laptop",
        "rollout-harness/expiry": "20260102T030405Z",
        "rollout-harness/process": "m.1.2",
    }
    assert bodies["ConfigMap"]["metadata"]["labels"] == {"tier": "front", **ours}
    assert bodies["Service"]["metadata"]["labels"] == bodies["Deployment"]["metadata"]["labels"] == ours
    assert bodies["Deployment"]["spec"]["template"]["metadata"]["labels"] == {"app": "web"}
    assert standing == ("kubectl -n shop delete deployment/web configmap/conf service/web",)


async def test_a_namespace_of_our_own_says_whose_it_is() -> None:
    name = "rollout-shop-1a2b"
    table = {"POST /api/v1/namespaces": [{}], f"DELETE /api/v1/namespaces/{name}": [{}]}
    async with paper_kube(table) as (kube, api):
        like = {"metadata": {"name": "shop", "labels": {"gates": "enabled"}, "annotations": {"a": "b"}}}
        async with namespace_for_run(kube, None, "shop", OWNERSHIP, like=like) as namespace:
            assert kube.standing.commands("kubectl") == (f"kubectl delete namespace {name}",)
        assert kube.standing.commands("kubectl") == ()
    made = api.asked("POST /api/v1/namespaces")[0].body["metadata"]
    labels = made["labels"]
    assert (labels["gates"], made["annotations"]) == ("enabled", {"a": "b"})  # as the manifests' own has them
    assert namespace == name
    assert ownership(labels) == OWNERSHIP
    assert labels["app.kubernetes.io/managed-by"] == "rollout-harness"


async def test_what_the_api_warns_of_is_told_with_object_and_file(tmp_path: Path) -> None:
    wanted, paths = application(tmp_path, web=WORKLOAD.replace("spec: {selector", "spec: {sort: a, selector"))
    said: list[str] = []
    answers: dict[str, list[Any]] = {
        f"POST {NAMESPACE}/services": [
            Warned(
                body={"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}},
                warnings=('299 - "unknown field \\"spec.sort\\""', '299 - "odd", 299 - "older than it should be"'),
            )
        ],
        "POST /apis/apps/v1/namespaces/shop/deployments": [
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
        ],
        f"DELETE {NAMESPACE}/services/web": [{}],
        "DELETE /apis/apps/v1/namespaces/shop/deployments/web": [{}],
    }
    async with (
        paper_kube(answers) as (kube, api),
        deployed(kube, wanted, "shop", OWNERSHIP, files=paths, warn=said.append),
    ):
        pass
    # The field that the API does not know is told before anything is sent: see `preflight`.
    assert said == [f"Service web of {paths[0]}: odd", f"Service web of {paths[0]}: older than it should be"]
    (posted,) = api.asked(f"POST {NAMESPACE}/services")
    assert posted.query == {"fieldValidation": "Warn"}
