"""Helm 4, as it comes and without flags that tame it, through the life of a release."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(300)

HOOK = """
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-migrate
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers:
        - {name: migrate, image: "nginx:1.28.0", command: [sh, -c, "{{ .Values.migration }}"]}
"""
CHECK = """
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-check
  annotations: {helm.sh/hook: test}
spec:
  restartPolicy: Never
  containers:
    - {name: check, image: "nginx:1.28.0", command: [sh, -c, "{{ .Values.check }}"]}
"""
CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: stalls.helm.example.org}
spec:
  group: helm.example.org
  scope: Namespaced
  names: {plural: stalls, singular: stall, kind: Stall}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties: {spec: {type: object, properties: {size: {type: integer, default: 2}}}}
"""
STALL = """
apiVersion: helm.example.org/v1
kind: Stall
metadata: {name: "{{ .Release.Name }}"}
spec: {}
"""


class Release:
    """One namespace, in which commands of Helm and kubectl run."""

    def __init__(self, helm: Path, environment: dict[str, str], folder: Path, namespace: str) -> None:
        self._programs, self._environment = {"helm": str(helm), "kubectl": "kubectl"}, environment
        self._folder, self._namespace = folder, namespace

    def ends(self, line: str) -> tuple[int, str]:
        """The exit code of a command line, and all that it said."""
        program, *arguments = line.split()
        command = [self._programs[program], "--namespace", self._namespace, *arguments]
        done = subprocess.run(
            command, cwd=self._folder, env=self._environment, capture_output=True, text=True, timeout=120
        )
        return done.returncode, done.stdout + done.stderr

    def __call__(self, line: str) -> str:
        code, said = self.ends(line)
        assert code == 0, f"{line}: {code}: {said}"
        return said

    def json(self, line: str) -> Any:
        return json.loads(self(f"{line} -o json"))


@pytest.fixture
def release(helm: Path, environment: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest) -> Release:
    """A namespace with the chart that `helm create` writes; its test needs an image of a registry, ours none."""
    name = "helm-" + request.node.name.replace("_", "-")[5:45].strip("-")
    made = Release(helm, environment, tmp_path, name)
    made(f"kubectl create namespace {name}")
    made("helm create web")
    templates = tmp_path / "web" / "templates"
    (templates / "tests" / "test-connection.yaml").write_text(CHECK)
    (templates / "migrate.yaml").write_text(HOOK)
    with (tmp_path / "web" / "values.yaml").open("a") as values:
        values.write('\nimage: {repository: nginx, tag: "1.28.0"}\nmigration: exit 0\ncheck: exit 0\n')
    return made


def test_a_release_is_installed_upgraded_rolled_back_and_uninstalled(release: Release) -> None:
    assert "STATUS: deployed" in release("helm install web ./web")
    release("kubectl rollout status deployment/web --timeout=60s")
    assert "STATUS: deployed" in release("helm upgrade web ./web --set replicaCount=2,image.tag=1.29.1")
    release("kubectl rollout status deployment/web --timeout=60s")
    deployment = release.json("kubectl get deployment web")
    assert deployment["spec"]["replicas"] == 2
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1.29.1"
    assert "Rollback was a success" in release("helm rollback web 1")
    release("kubectl rollout status deployment/web --timeout=60s")
    deployment = release.json("kubectl get deployment web")
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1.28.0"
    history = release.json("helm history web")
    assert [(each["revision"], each["status"]) for each in history] == [
        (1, "superseded"),
        (2, "superseded"),
        (3, "deployed"),
    ]
    assert 'release "web" uninstalled' in release("helm uninstall web")
    assert release.json("helm list") == []
    release("kubectl wait pod -l app.kubernetes.io/name=web --for=delete --timeout=60s")
    assert "No resources found" in release("kubectl get all,serviceaccount -l app.kubernetes.io/name=web")


def test_waiting_for_what_is_installed_waits_until_it_is_ready(release: Release) -> None:
    release("helm upgrade --install web ./web --wait --timeout 60s --set replicaCount=2")
    assert release.json("kubectl get deployment web")["status"]["readyReplicas"] == 2
    (listed,) = release.json("helm list")
    assert (listed["name"], listed["revision"], listed["status"]) == ("web", "1", "deployed")
    release("helm uninstall web --wait --timeout 60s")
    assert release.ends("kubectl get deployment web")[0] == 1


def test_an_upgrade_that_fails_is_taken_back(release: Release) -> None:
    release("helm install web ./web --wait --timeout 60s")
    code, said = release.ends("helm upgrade web ./web --set image.tag=none-such --rollback-on-failure --timeout 4s")
    assert (code, "release web failed" in said or "UPGRADE FAILED" in said) == (1, True), said
    container = release.json("kubectl get deployment web")["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "nginx:1.28.0"
    assert release.json("helm history web")[-1]["status"] == "deployed"


def test_hooks_and_tests_run_as_jobs_and_pods(release: Release) -> None:
    code, said = release.ends("helm install web ./web --set migration=false --timeout 20s")
    assert (code, "failed" in said) == (1, True), said
    release("helm uninstall web")
    release("helm install web ./web")
    assert release.json("kubectl get job web-migrate")["status"]["succeeded"] == 1
    assert "Phase:          Succeeded" in release("helm test web --timeout 20s")
    release("helm upgrade web ./web --set check=false")
    code, said = release.ends("helm test web --timeout 20s")
    assert (code, "Phase:          Failed" in said) == (1, True), said


def test_what_somebody_else_owns_by_now_is_a_conflict_until_forced(release: Release) -> None:
    release("helm install web ./web")
    release("kubectl scale deployment web --replicas=3")
    code, said = release.ends("helm upgrade web ./web --set replicaCount=2")
    assert (code, "conflict" in said) == (1, True), said
    assert ".spec.replicas" in said
    release("helm upgrade web ./web --set replicaCount=2 --force-conflicts")
    assert release.json("kubectl get deployment web")["spec"]["replicas"] == 2


def test_a_dry_run_changes_nothing_and_what_is_installed_can_be_read_back(release: Release) -> None:
    assert "kind: Deployment" in release("helm install web ./web --dry-run=server")
    assert release.json("helm list") == []
    release("helm install web ./web --set replicaCount=2")
    assert release.json("helm get values web") == {"replicaCount": 2}
    assert "kind: Service" in release("helm get manifest web")
    assert release.json("helm status web")["info"]["status"] == "deployed"
    code, said = release.ends("helm install web ./web")
    assert (code, "cannot reuse a name that is still in use" in said) == (1, True), said


def test_a_chart_brings_its_own_kind(release: Release, tmp_path: Path) -> None:
    (tmp_path / "web" / "crds").mkdir()
    (tmp_path / "web" / "crds" / "stalls.yaml").write_text(CRD)
    (tmp_path / "web" / "templates" / "stall.yaml").write_text(STALL)
    release("helm install web ./web")
    try:
        assert release.json("kubectl get stall web")["spec"] == {"size": 2}
        release("helm uninstall web")
        assert release.ends("kubectl get stall web")[0] == 1
    finally:
        release("kubectl delete crd stalls.helm.example.org")


def test_without_server_side_apply_helm_does_as_it_did_before(release: Release) -> None:
    release("helm install web ./web --server-side=false")
    release("helm upgrade web ./web --set replicaCount=2 --server-side=false")
    assert release.json("kubectl get deployment web")["spec"]["replicas"] == 2
    release("helm uninstall web")
