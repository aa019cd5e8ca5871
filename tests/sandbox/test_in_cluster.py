"""The harness as a CronJob of the cluster that it tests: fixtures/manifests/cronjob.yaml on a sandbox, to its report.

The Pod reaches the API by its own token and the Role of rbac-there.yaml; kubectl makes a Job of the CronJob, reads how
it ended, and fetches the run directory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.judged_runs import judge_experiment_folder

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(300)]

HARNESS = (sys.executable, "-m", "harness")
KUBECTL = Path(sys.executable).parent / "kubectl"
NAME = f"in-cluster-{os.getpid()}"
IMAGE = "registry.example.com/rollout-harness:0.1.0"
EXPERIMENT = """\
version: 1
name: nightly
target: deployment/web
namespace: shop
rollouts: 1
control: 2s
quiet: 1s
rollout_timeout: 60s
variants: {default: {expect: any}}
load: {new: {rate: 50}, pod_header: X-Pod}
"""
Json = dict[str, Any]


class Kubectl:
    """kubectl in namespace shop of the sandbox."""

    def __init__(self, kubeconfig: Path) -> None:
        self._environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}

    def __call__(self, *words: str, given: str = "", timeout_s: float = 60.0) -> str:
        done = subprocess.run(
            [KUBECTL, "-n", "shop", *words],
            input=given,
            capture_output=True,
            text=True,
            env=self._environment,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr}"
        return done.stdout

    def json(self, *words: str) -> Json:
        found: Json = json.loads(self(*words, "-o", "json"))
        return found


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[Kubectl]:
    """A sandbox with an application in namespace shop, and the harness' CronJob beside it."""
    kubeconfig = tmp_path_factory.mktemp("kubeconfig") / "config"
    up = [*HARNESS, "sandbox", "up", "--name", NAME, "--kubeconfig", str(kubeconfig)]
    subprocess.run(up, check=True, timeout=200)
    try:
        made, manifests = Kubectl(kubeconfig), repository / "fixtures" / "manifests"
        made("create", "namespace", "shop")
        made("apply", "--server-side", "-f", str(manifests / "nginx.yaml"))
        made("apply", "-f", str(manifests / "rbac-there.yaml"))
        # A sandbox pulls nothing: the harness' image there is the harness that runs the tests.
        cron_job = (manifests / "cronjob.yaml").read_text()
        assert cron_job.count(IMAGE) == 1
        made("apply", "-f", "-", given=cron_job.replace(IMAGE, "rollout-harness:local"))
        made("rollout", "status", "deployment/web", "--timeout=60s")
        yield made
    finally:
        subprocess.run([*HARNESS, "sandbox", "down", "--name", NAME], check=True, timeout=200)


def start(kubectl: Kubectl, name: str, experiment: str) -> None:
    """Makes a Job of the CronJob, for this experiment."""
    kubectl("patch", "configmap", "rollout-harness", "-p", json.dumps({"data": {"experiment.yaml": experiment}}))
    kubectl("create", "job", "--from=cronjob/rollout-harness", name)


def ended(kubectl: Kubectl, name: str) -> tuple[Json, Json, str]:
    """The Job and its only Pod, when it is over, and what it printed."""
    logs = kubectl("logs", "-f", f"job/{name}", "--pod-running-timeout=60s", timeout_s=150)
    kubectl("wait", f"job/{name}", "--for=jsonpath={.status.conditions[1].status}=True", "--timeout=60s")
    (pod,) = kubectl.json("get", "pods", "-l", f"job-name={name}")["items"]
    return kubectl.json("get", "job", name), pod, logs


def exit_code(pod: Json) -> int:
    (container,) = pod["status"]["containerStatuses"]
    return int(container["state"]["terminated"]["exitCode"])


def conditions(job: Json) -> list[tuple[str, str]]:
    return [(each["type"], each["reason"]) for each in job["status"]["conditions"]]


def fetched(kubectl: Kubectl, repository: Path, folder: Path) -> list[Path]:
    """The run directories, fetched as the manifest's head says."""
    kubectl("apply", "-f", str(repository / "fixtures" / "manifests" / "reports.yaml"))
    kubectl("wait", "--for=condition=Ready", "pod/rollout-harness-reports", "--timeout=60s")
    kubectl("cp", "rollout-harness-reports:/var/lib/rollout-harness/reports", str(folder))
    kubectl("delete", "pod", "rollout-harness-reports")
    return sorted(folder.iterdir())


# No rollout costs as little as that: a budget that is exceeded whatever the machine.
EXCEEDED = "budget: {rollout: 1ms}\n"


@pytest.mark.parametrize(
    ("more", "code", "end"),
    [
        (EXCEEDED, 1, [("FailureTarget", "PodFailurePolicy"), ("Failed", "PodFailurePolicy")]),
        pytest.param(
            "",
            0,
            [("SuccessCriteriaMet", "CompletionsReached"), ("Complete", "CompletionsReached")],
            marks=pytest.mark.slow,
        ),
    ],
    ids=["bad", "good"],
)
def test_its_exit_code_is_the_jobs_and_its_record_can_be_fetched_and_judged(
    kubectl: Kubectl, tmp_path: Path, repository: Path, more: str, code: int, end: list[tuple[str, str]]
) -> None:
    before = kubectl.json("get", "deployment", "web")["spec"]["template"]["spec"]
    start(kubectl, f"ends-with-{code}", EXPERIMENT + more)
    job, pod, logs = ended(kubectl, f"ends-with-{code}")
    assert (exit_code(pod), conditions(job)) == (code, end), logs
    assert job["status"].get("failed", 0) == code  # once: nothing tries it again
    assert (f"exit code {code} matching FailJob" in job["status"]["conditions"][1]["message"]) == bool(code)
    assert "mind:" not in logs  # the Role of rbac-there.yaml is enough, and the load's Pod may be what it is

    folder = fetched(kubectl, repository, tmp_path / "reports")[-1]
    assert judge_experiment_folder(folder).result.exit_code == code
    record = json.loads((folder / "default" / "run.json").read_text())
    assert record["cluster"]["kind"] == "context:in-cluster"
    assert (len(record["rollouts"]), record["finished"]) == (1, True)
    assert kubectl.json("get", "deployment", "web")["spec"]["template"]["spec"] == before
    assert not kubectl.json("get", "pods,secrets", "-l", "app.kubernetes.io/name=rollout-harness-load")["items"]


@pytest.mark.slow
def test_a_job_that_is_deleted_in_the_middle_puts_the_application_back(kubectl: Kubectl) -> None:
    before = kubectl.json("get", "deployment", "web")["spec"]["template"]["spec"]["containers"]
    by_image = 'quiet: 60s\nupdate: {image: {nginx: ["nginx:1.29.1"]}}\n'
    start(kubectl, "ended-early", EXPERIMENT.replace("quiet: 1s\n", by_image))
    image = "jsonpath={.spec.template.spec.containers[0].image}=nginx:1.29.1"
    kubectl("wait", "deployment/web", f"--for={image}", "--timeout=60s")
    kubectl("delete", "job", "ended-early", "--cascade=foreground", timeout_s=200)
    assert kubectl.json("get", "deployment", "web")["spec"]["template"]["spec"]["containers"] == before
    assert not kubectl.json("get", "pods,secrets", "-l", "app.kubernetes.io/name=rollout-harness-load")["items"]
