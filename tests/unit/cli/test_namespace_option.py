"""`--namespace` beside manifests that say one themselves: as `kubectl apply --namespace` would have it."""

from __future__ import annotations

from pathlib import Path

import pytest
from program import Told, called

MANIFESTS = """
apiVersion: v1
kind: Namespace
metadata: {name: staging}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, NAMESPACE}
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
EXPERIMENT = """
version: 1
name: web
manifests: [shop.yaml]
service: {name: web, port: 80}
load: {new: {rate: 10}}
"""


def run(folder: Path, said: str, *words: str) -> Told:
    (folder / "shop.yaml").write_text(MANIFESTS.replace("NAMESPACE", said))
    (folder / "web.yaml").write_text(EXPERIMENT)
    return called("run", folder / "web.yaml", *words)


@pytest.mark.parametrize("words", [("--dry-run",), ()], ids=["dry run", "run"])
def test_another_namespace_than_the_manifests_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert run(tmp_path, "namespace: staging", "-n", "test", *words).refusal == (
        f"error: reading --namespace test: Deployment web of {tmp_path}/shop.yaml says another: metadata.namespace is "
        "'staging'. Give --namespace staging, or take metadata.namespace out of the manifest. Without --namespace it "
        "runs in a new namespace, whatever the manifest says."
    )


@pytest.mark.parametrize("said", ["namespace: staging", "labels: {}"], ids=["the same", "none"])
def test_the_same_namespace_and_none_go_with_it(tmp_path: Path, said: str) -> None:
    told = run(tmp_path, said, "-n", "staging", "--dry-run")
    assert (told.code, told.err) == (0, "")


def test_of_manifests_on_standard_input_it_is_refused_too() -> None:
    given = MANIFESTS.replace("NAMESPACE", "namespace: staging")
    told = called("run", "-", "-n", "test", "--stand-in", "finishes", given_text=given)
    assert told.code == 2
    assert "Deployment web" in told.error
    assert "metadata.namespace is 'staging'" in told.error


def test_without_the_option_it_runs_in_a_namespace_of_its_own(tmp_path: Path) -> None:
    assert run(tmp_path, "namespace: staging", "--dry-run").code == 0
