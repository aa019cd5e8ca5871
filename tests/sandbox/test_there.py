"""An application that is there: real runs on a sandbox that is reached as somebody else's, and what they leave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stalled import again_where_stalled, unless_stalled_in

pytestmark = [pytest.mark.sandbox, again_where_stalled, pytest.mark.timeout(300)]

HARNESS = (sys.executable, "-m", "harness")
EXPERIMENT = """\
version: 1
name: there
target: deployment/web
namespace: staging
rollouts: 1
control: 2s
quiet: 1s
rollout_timeout: 30s
variants: {default: {expect: any}}
load: {new: {rate: 50}, pod_header: X-Pod}
"""
NAME = f"there-{os.getpid()}"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[dict[str, str]]:
    """The environment in which `--cluster context:sandbox` is somebody else's, with `web` in namespace staging."""
    kubeconfig = tmp_path_factory.mktemp("kubeconfig") / "config"
    up = [*HARNESS, "sandbox", "up", "--name", NAME, "--kubeconfig", str(kubeconfig)]
    subprocess.run(up, check=True, timeout=200)
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    kubectl(environment, "create", "namespace", "staging")
    manifests = repository / "fixtures" / "manifests" / "nginx.yaml"
    kubectl(environment, "-n", "staging", "apply", "--server-side", "-f", str(manifests))
    kubectl(environment, "-n", "staging", "rollout", "status", "deployment/web", "--timeout=60s")
    yield environment
    subprocess.run([*HARNESS, "sandbox", "down", "--name", NAME], check=True, timeout=200)


def kubectl(environment: dict[str, str], *words: str) -> str:
    program = Path(sys.executable).parent / "kubectl"
    done = subprocess.run([program, *words], capture_output=True, text=True, env=environment, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def deployment(environment: dict[str, str]) -> Json:
    words = ("-n", "staging", "get", "deployment", "web", "-o", "json", "--show-managed-fields")
    found: Json = json.loads(kubectl(environment, *words))
    return found


@pytest.fixture
def run(context: dict[str, str], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A whole run of an experiment, or of options alone."""

    def done(text: str, *options: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "experiment.yaml"
        file.write_text(text)
        there = ("--cluster", "context:sandbox", "--worker-image", "rollout-harness:local", "--yes")
        command = [*HARNESS, "run", str(file), "--out", str(tmp_path / "run"), *there, *options]
        ended = subprocess.run(command, capture_output=True, text=True, env=context, timeout=180, check=False)
        unless_stalled_in(tmp_path / "run")
        return ended

    return done


def test_an_application_that_is_there_is_restarted_and_stays(
    context: dict[str, str], run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    before = deployment(context)
    ended = run(EXPERIMENT)
    assert ended.returncode == 0, ended.stderr
    after = deployment(context)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
    # As kubectl does it: the annotation is there, kubectl's, and all else is as it was.
    (ours,) = [each for each in as_owned(after)["managedFields"] if each not in as_owned(before)["managedFields"]]
    assert (ours["manager"], ours["fieldsV1"]) == ("kubectl-rollout", RESTARTED)
    annotated = after["spec"]["template"]["metadata"].pop("annotations")
    assert list(annotated) == ["kubectl.kubernetes.io/restartedAt"]
    assert after["spec"] == before["spec"]
    record = json.loads((tmp_path / "run" / "default" / "run.json").read_text())
    assert [each["settled"] is not None for each in record["rollouts"]] == [True]
    pods = kubectl(context, "-n", "staging", "get", "pods", "-o", "name").split()
    assert not [pod for pod in pods if "rollout-harness" in pod]


def test_options_alone_amount_to_a_file_that_is_printed(context: dict[str, str], tmp_path: Path) -> None:
    options = ["--target", "deployment/web", "-n", "staging", "--restart", "--rollouts", "3"]
    there = ["--cluster", "context:sandbox", "--dry-run"]

    def planned(*words: str) -> str:
        command = [*HARNESS, "run", *words, *there]
        done = subprocess.run(command, capture_output=True, text=True, env=context, timeout=200, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    file, _, plan = planned(*options, "--service", "web:80").partition("\n\n")
    (tmp_path / "experiment.yaml").write_text(file)
    again = planned(str(tmp_path / "experiment.yaml"))
    assert again.strip() == plan.strip()
    assert "1 scenario x 3 rollouts on context sandbox" in plan
    assert "path: /healthz" in file  # as its readiness probe has it


BY_IMAGE = EXPERIMENT.replace("rollouts: 1", 'rollouts: {rollouts}\nupdate: {{image: {{nginx: ["nginx:1.29.1"]}}}}')
BY_IMAGE = BY_IMAGE.replace(
    "variants: {default: {expect: any}}\nload: {new: {rate: 50}, pod_header: X-Pod}",
    "variants: {{default: {{expect: any}}}}\nload: {{new: {{rate: 50}}, pod_header: X-Pod}}",
)


RESTARTED = {
    "f:spec": {
        "f:template": {
            "f:metadata": {"f:annotations": {".": {}, "f:kubectl.kubernetes.io/restartedAt": {}}},
        },
    },
}


def as_owned(found: Json) -> Json:
    """What its owner knows of an object: all but what the server and its controllers write."""
    metadata = found["metadata"]
    annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if "deployment.kubernetes.io" not in k}
    owners = [entry for entry in metadata["managedFields"] if not entry.get("subresource")]
    return {
        "spec": found["spec"],
        "labels": metadata.get("labels"),
        "annotations": annotations,
        "managedFields": owners,
    }


def deploys(environment: dict[str, str], repository: Path, folder: Path, image: str) -> None:
    """The owner's next deploy, by server-side apply and without --force-conflicts."""
    manifests = (repository / "fixtures" / "manifests" / "nginx.yaml").read_text()
    file = folder / "next.yaml"
    file.write_text(manifests.replace("nginx:1.28.0", image))
    kubectl(environment, "-n", "staging", "apply", "--server-side", "-f", str(file))
    kubectl(environment, "-n", "staging", "rollout", "status", "deployment/web", "--timeout=60s")


@pytest.mark.parametrize("rollouts", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_images_alternate_and_the_owner_deploys_next_without_a_conflict(
    context: dict[str, str],
    run: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path: Path,
    repository: Path,
    rollouts: int,
) -> None:
    before = as_owned(deployment(context))
    ended = run(BY_IMAGE.format(rollouts=rollouts), "--budget", "rollout=1ms")
    assert ended.returncode == 1, ended.stderr
    assert ", at most 1ms: exceeded" in ended.stdout
    assert not kubectl(context, "-n", "staging", "get", "leases", "-o", "name")
    assert as_owned(deployment(context)) == before
    record = json.loads((tmp_path / "run" / "default" / "run.json").read_text())
    assert len(record["rollouts"]) == 2
    assert bool(record["provisos"]) == (rollouts == 1)
    assert json.loads((tmp_path / "run" / "default" / "undo.json").read_text())["done"]
    deploys(context, repository, tmp_path, "nginx:1.29.0")
    deploys(context, repository, tmp_path, "nginx:1.28.0")


@pytest.fixture
def started(context: dict[str, str], tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """A run that has begun to roll; killed at the end of the test where it still runs."""
    processes: list[subprocess.Popen[str]] = []

    def start(text: str) -> subprocess.Popen[str]:
        file = tmp_path / "experiment.yaml"
        file.write_text(text)
        there = ("--cluster", "context:sandbox", "--worker-image", "rollout-harness:local", "--yes")
        command = ["env", "--default-signal=INT", *HARNESS, "run", str(file), "--out", str(tmp_path / "run"), *there]
        processes.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=context))
        stderr = processes[-1].stderr
        assert stderr is not None
        seen = []
        for line in stderr:
            seen.append(line)
            if "rolling" in line:
                return processes[-1]
        pytest.fail(f"it never rolled: {seen}")

    yield start
    for process in processes:
        process.kill()
        process.communicate(timeout=200)


def images(found: Json) -> list[str]:
    return [container["image"] for container in found["spec"]["template"]["spec"]["containers"]]


def restore(environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    words = [*HARNESS, "restore", str(folder)]
    return subprocess.run(words, capture_output=True, text=True, env=environment, timeout=200, check=False)


def until_rolled(environment: dict[str, str], image: str) -> Json:
    """The Deployment as soon as the run has written the image."""
    for _ in range(100):
        if images(found := deployment(environment)) == [image]:
            return found
    pytest.fail(f"it never got {image}: {images(found)}")


def test_what_a_killed_run_changed_is_restored_unless_somebody_else_deploys_meanwhile(
    context: dict[str, str], started: Callable[[str], subprocess.Popen[str]], tmp_path: Path, repository: Path
) -> None:
    before = deployment(context)
    process = started(BY_IMAGE.format(rollouts=2))
    until_rolled(context, "nginx:1.29.1")
    process.send_signal(signal.SIGSTOP)  # however slow the machine: it is not over when the second comes
    (tmp_path / "second.yaml").write_text(EXPERIMENT)
    second = [*HARNESS, "run", str(tmp_path / "second.yaml"), "--cluster", "context:sandbox", "--yes"]
    told = subprocess.run(second, capture_output=True, text=True, env=context, timeout=120, check=False)
    assert told.returncode == 2
    assert "deployment/web in namespace staging for this run: another run of the harness has it: " in told.stderr
    process.kill()
    process.wait()
    kubectl(context, "-n", "staging", "set", "env", "deployment/web", "COLOUR=blue")
    theirs = deployment(context)["spec"]
    refused = restore(context, tmp_path / "run")
    assert refused.returncode == 3, refused.stderr
    assert "kubectl-set (Update)" in refused.stderr
    assert deployment(context)["spec"] == theirs
    kubectl(context, "-n", "staging", "set", "env", "deployment/web", "COLOUR-")
    restored = restore(context, tmp_path / "run" / "default")
    assert restored.returncode == 0, restored.stderr
    assert as_owned(deployment(context)) == as_owned(before)
    assert "already" in restore(context, tmp_path / "run").stdout
    clean = [*HARNESS, "clean", "--cluster", "context:sandbox", "--yes"]  # of the load's Pod
    subprocess.run(clean, check=True, env=context, timeout=200)
    deploys(context, repository, tmp_path, "nginx:1.28.0")


@pytest.mark.slow
def test_an_interrupted_run_puts_it_back(
    context: dict[str, str], started: Callable[[str], subprocess.Popen[str]], repository: Path, tmp_path: Path
) -> None:
    before = deployment(context)
    process = started(BY_IMAGE.format(rollouts=2))
    until_rolled(context, "nginx:1.29.1")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=200) == 3
    assert as_owned(deployment(context)) == as_owned(before)
    deploys(context, repository, tmp_path, "nginx:1.28.0")


@pytest.mark.slow
def test_a_rollout_that_gets_stuck_is_taken_back_to_what_was_there(
    context: dict[str, str], run: Callable[..., subprocess.CompletedProcess[str]], repository: Path, tmp_path: Path
) -> None:
    before = deployment(context)
    ended = run(BY_IMAGE.format(rollouts=2).replace("nginx:1.29.1", "shop:none"))
    assert "ErrImagePull" in ended.stderr
    assert ended.returncode in (1, 3), ended.stderr
    assert as_owned(deployment(context)) == as_owned(before)


NOWHERE = {"spec": {"selector": {"app": "nowhere"}}}


@pytest.mark.slow
@pytest.mark.parametrize("abort", ["restore", "leave"])
def test_a_run_that_does_too_much_harm_puts_it_back_unless_it_is_to_be_left(
    context: dict[str, str], started: Callable[[str], subprocess.Popen[str]], tmp_path: Path, abort: str
) -> None:
    before = deployment(context)
    selector = json.loads(kubectl(context, "-n", "staging", "get", "service", "web", "-o", "json"))["spec"]["selector"]
    harm = f"abort_if: {{failed_ratio: 80%, for: 2s}}\nabort: {abort}\n"
    process = started(BY_IMAGE.format(rollouts=2).replace("quiet: 1s", "quiet: 60s") + harm)
    until_rolled(context, "nginx:1.29.1")
    try:
        kubectl(context, "-n", "staging", "patch", "service", "web", "-p", json.dumps(NOWHERE))
        assert process.wait(timeout=200) in (1, 3)
    finally:
        back = [{"op": "replace", "path": "/spec/selector", "value": selector}]
        kubectl(context, "-n", "staging", "patch", "service", "web", "--type=json", "-p", json.dumps(back))
    if abort == "leave":
        assert images(deployment(context)) == ["nginx:1.29.1"]
        assert restore(context, tmp_path / "run").returncode == 0
    assert as_owned(deployment(context)) == as_owned(before)


@pytest.mark.slow
def test_another_number_of_replicas_is_put_back_with_its_owner(
    context: dict[str, str], run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, repository: Path
) -> None:
    before = deployment(context)
    ended = run(EXPERIMENT + "disruption: {scale: {to: 1}}\n")
    assert "putting" not in ended.stderr, ended.stderr
    assert json.loads((tmp_path / "run" / "default" / "undo.json").read_text())["done"]
    after = deployment(context)
    assert as_owned(after) == as_owned(before)
    assert not [each for each in after["metadata"]["managedFields"] if each["manager"] == "rollout-harness"]
    deploys(context, repository, tmp_path, "nginx:1.28.0")
