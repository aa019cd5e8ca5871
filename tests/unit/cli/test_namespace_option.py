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


@pytest.mark.parametrize(("length", "code"), [(53, 0), (63, 0), (64, 2)])
def test_a_namespace_is_a_label_in_the_file_as_in_the_option(tmp_path: Path, length: int, code: int) -> None:
    name = length * "n"
    assert run(tmp_path, "labels: {}", "--dry-run", "-n", name).code == code
    (tmp_path / "web.yaml").write_text(f"{EXPERIMENT}namespace: {name}\n")
    assert called("run", tmp_path / "web.yaml", "--dry-run").code == code
    where = ("--target", "deployment/web", "-n", name, "--cluster", "context:of-nobody")
    for command in (("watch",), ("run", "--restart")):
        told = called(*command, *where)
        assert told.code == 2
        assert ("reading --namespace" in told.error) is (code == 2), told.error


@pytest.mark.parametrize("command", [("--dry-run",), ()], ids=["dry run", "run"])
def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path, command: tuple[str, ...]) -> None:
    (place := tmp_path / "a-file").touch()
    told = run(tmp_path, "labels: {}", "--out", str(place), *command)
    assert told.refusal == f"error: writing to {place}: it is a file and no folder (directory). Name another folder."
    assert told.out == ""


def test_a_dry_run_leaves_no_folder(tmp_path: Path) -> None:
    assert run(tmp_path, "labels: {}", "--out", str(tmp_path / "a" / "b"), "--dry-run").code == 0
    assert not (tmp_path / "a").exists()


def test_without_the_option_it_runs_in_a_namespace_of_its_own(tmp_path: Path) -> None:
    assert run(tmp_path, "namespace: staging", "--dry-run").code == 0
