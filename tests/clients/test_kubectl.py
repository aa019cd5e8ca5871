"""kubectl's everyday commands against a whole sandbox: what they say and what they leave, as Kubernetes documents it.

What each prints to the letter is compared with a recording of a real cluster in tests/sandbox/test_api_kubectl.py.
"""

from __future__ import annotations

import json
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(300)


class Kubectl:
    """kubectl in one namespace."""

    def __init__(self, environment: dict[str, str], namespace: str) -> None:
        self._environment, self._namespace = environment, namespace

    def ends(self, line: str) -> tuple[int, str]:
        """The exit code of a command line, and all that it said."""
        command = ["kubectl", "--namespace", self._namespace, *shlex.split(line)]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=200)
        return done.returncode, (done.stdout + done.stderr).strip()

    def __call__(self, line: str) -> str:
        code, said = self.ends(line)
        assert code == 0, f"kubectl {line}: {code}: {said}"
        return said

    def refused(self, line: str) -> str:
        """What is said by a command that has to fail."""
        code, said = self.ends(line)
        assert code == 1, f"kubectl {line}: {code}: {said}"
        return said

    def json(self, line: str) -> Any:
        return json.loads(self(f"{line} -o json"))


@pytest.fixture
def kubectl(environment: dict[str, str], request: pytest.FixtureRequest) -> Iterator[Kubectl]:
    """kubectl in a namespace of this test alone."""
    name = "kubectl-" + request.node.name.replace("_", "-")[5:45].strip("-")
    made = Kubectl(environment, name)
    made(f"create namespace {name}")
    yield made
    made(f"delete namespace {name} --wait=false")


@pytest.fixture
def web(kubectl: Kubectl) -> Kubectl:
    """The same, with a Deployment of two pods that is rolled out."""
    kubectl("create deployment web --image=nginx:1.28.0 --replicas=2 --port=80")
    kubectl("rollout status deployment/web --timeout=60s")
    return kubectl


def test_a_rollout_is_told_of_paused_taken_back_and_restarted(web: Kubectl) -> None:
    web("annotate deployment/web kubernetes.io/change-cause=first")
    web("set image deployment/web nginx=nginx:1.29.1")
    web("annotate deployment/web kubernetes.io/change-cause=second --overwrite")
    assert web("rollout status deployment/web --timeout=60s").endswith('deployment "web" successfully rolled out')
    web("rollout undo deployment/web --to-revision=1")
    web("rollout status deployment/web --timeout=60s")
    history = [line.split() for line in web("rollout history deployment/web").splitlines()[2:]]
    assert history == [["2", "second"], ["3", "first"]]
    assert web("get deployment web -o jsonpath={.spec.template.spec.containers[0].image}") == "nginx:1.28.0"
    web("rollout pause deployment/web")
    web("set env deployment/web A=1 B=2")
    web("set resources deployment/web --limits=memory=64Mi")
    assert "timed out" in web.refused("rollout status deployment/web --timeout=1s")
    assert "already paused" in web.refused("rollout pause deployment/web")
    web("rollout resume deployment/web")
    assert "is not paused" in web.refused("rollout resume deployment/web")
    web("rollout restart deployment/web")
    web("rollout status deployment/web --timeout=60s")
    assert web("set env deployment/web --list").splitlines()[1:] == ["A=1", "B=2"]


def test_labels_annotations_and_patches_of_three_kinds(web: Kubectl) -> None:
    web("label deployment/web tier=front")
    assert "--overwrite is false" in web.refused("label deployment/web tier=back")
    web("label deployment/web tier=back --overwrite")
    assert web("get deployment -l tier=back -o name") == "deployment.apps/web"
    web("label deployment/web tier- app-")
    assert "labels" not in web.json("get deployment web")["metadata"]
    strategic = '{"spec":{"template":{"spec":{"containers":[{"name":"nginx","image":"nginx:1.29.1"}]}}}}'
    assert web(f"patch deployment web -p '{strategic}'") == "deployment.apps/web patched"
    web("rollout status deployment/web --timeout=60s")
    assert web(f"patch deployment web -p '{strategic}'") == "deployment.apps/web patched (no change)"
    web("""patch deployment web --type=merge -p '{"spec":{"replicas":3}}'""")
    web("""patch deployment web --type=json -p '[{"op":"test","path":"/spec/replicas","value":3},
        {"op":"replace","path":"/spec/replicas","value":1}]'""")
    web("""patch deployment web --subresource=scale --type=merge -p '{"spec":{"replicas":2}}'""")
    seen = web.json("get deployment web")["spec"]
    assert (seen["replicas"], seen["template"]["spec"]["containers"][0]["image"]) == (2, "nginx:1.29.1")
    assert "Expected replicas to be 5, was 2" in web.refused("scale deployment/web --replicas=1 --current-replicas=5")


def test_waiting_ends_when_what_is_waited_for_is_there_and_says_when_it_is_not(web: Kubectl) -> None:
    web("scale deployment/web --replicas=3")
    web("wait deployment/web --for=jsonpath={.status.readyReplicas}=3 --timeout=60s")
    web("wait deployment/web --for=condition=Available --timeout=60s")
    assert len(web("wait pod -l app=web --for=condition=Ready --timeout=60s").splitlines()) == 3
    assert "timed out" in web.refused("wait deployment/none --for=create --timeout=1s")
    web("delete deployment web --wait=false")
    web("wait pod -l app=web --for=delete --timeout=60s")


def test_deleting_takes_what_its_cascade_says(web: Kubectl) -> None:
    web("delete deployment web --cascade=orphan")
    assert len(web("get pods -l app=web -o name").splitlines()) == 2
    web("delete rs -l app=web --cascade=foreground --timeout=60s")
    assert web("get pods,rs -l app=web").startswith("No resources found")
    assert '"none" not found' in web.refused("delete pod none")
    assert web("delete pod none --ignore-not-found") == ""


def test_objects_come_in_the_form_that_is_asked_for(web: Kubectl) -> None:
    web("expose deployment web --port=80")
    web("expose deployment web --port=80 --name=outside --type=NodePort")
    assert web("get pods --field-selector=status.phase=Running --no-headers -o custom-columns=A:.metadata.labels.app")
    assert "field label not supported: spec.foo" in web.refused("get pods --field-selector=spec.foo=1")
    ports = web("get svc --sort-by=.metadata.name -o jsonpath={range.items[*]}{.metadata.name}:{.spec.type},{end}")
    assert ports == "outside:NodePort,web:ClusterIP,"
    assert web("get deployment web -o go-template={{.spec.replicas}}") == "2"
    assert "nginx:1.28.0" in web("get rs -o wide")
    assert "kind: Deployment" in web("get deployment web -o yaml")
    made = web.json("create deployment other --image=nginx:1.28.0 --dry-run=server")
    assert (made["spec"]["revisionHistoryLimit"], "resourceVersion" in made["metadata"]) == (10, False)
    for kind in ("deployment", "rs", "pod", "svc", "endpointslice", "cm", "sa", "events"):
        web(f"describe {kind}")
    assert "Metrics API not available" in web.refused("top pods")


def test_a_node_is_cordoned_tainted_described_and_drained(web: Kubectl) -> None:
    web("run alone --image=nginx:1.28.0")
    web("wait pod/alone --for=condition=Ready --timeout=60s")
    assert "Non-terminated Pods" in web("describe node node1")
    try:
        web("taint nodes node1 k=v:NoSchedule")
        assert "already has k taint" in web.refused("taint nodes node1 k=v:NoSchedule")
        web("taint nodes node1 k-")
        selected = "--pod-selector=run=alone"
        assert "use --force to override" in web.refused(f"drain node1 {selected} --timeout=30s")
        assert "SchedulingDisabled" in web("get node node1")
        assert "node/node1 drained" in web(f"drain node1 {selected} --force --timeout=60s")
        web("scale deployment/web --replicas=3")
        web("wait deployment/web --for=jsonpath={.status.unavailableReplicas}=1 --timeout=60s")
        assert "unschedulable" in web("events --types=Warning --watch=false")
    finally:
        web("uncordon node1")
    web("rollout status deployment/web --timeout=60s")


def test_jobs_run_fail_and_are_read(kubectl: Kubectl) -> None:
    kubectl("create job good --image=nginx:1.28.0 -- sh -c 'echo done'")
    kubectl("wait job/good --for=condition=complete --timeout=60s")
    assert kubectl("logs job/good") == "done"
    kubectl("create job again --image=nginx:1.28.0 -- false")
    kubectl("""patch job again --type=merge -p '{"spec":{"activeDeadlineSeconds":1}}'""")
    kubectl("wait job/again --for=condition=failed --timeout=60s")
    kubectl("create job long --image=nginx:1.28.0")
    kubectl("wait pod -l job-name=long --for=condition=Ready --timeout=60s")
    kubectl("delete job long --cascade=foreground --timeout=60s")
    assert kubectl("get pods -l job-name=long").startswith("No resources found")
    reasons = kubectl("get events --field-selector=involvedObject.name=good -o jsonpath={.items[*].reason}").split()
    assert sorted(reasons) == ["Completed", "SuccessfulCreate"]
