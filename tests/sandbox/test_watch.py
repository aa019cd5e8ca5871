"""`rollout-harness watch`: somebody else rolls, by kubectl and in his own time, and nothing is changed by the watcher.

Real runs of the command line, on a sandbox that is reached as somebody else's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from stalled import again_where_stalled, unless_stalled_in

pytestmark = [pytest.mark.sandbox, again_where_stalled, pytest.mark.timeout(300)]

HARNESS = (sys.executable, "-m", "harness")
NAME = f"watch-{os.getpid()}"
PERIOD_S = 1.0  # of kube-proxy, where nothing else is asked for
Json = dict[str, Any]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[dict[str, str]]:
    """`web`, mitigated, in namespace staging of a sandbox that is reached by a context."""
    kubeconfig = tmp_path_factory.mktemp("kubeconfig") / "config"
    subprocess.run(
        [*HARNESS, "sandbox", "up", "--name", NAME, "--kubeconfig", str(kubeconfig)], check=True, timeout=200
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    found = {**os.environ, "KUBECONFIG": str(kubeconfig), "PATH": path}
    kubectl(found, "create", "namespace", "staging")
    plain = repository / "fixtures" / "manifests" / "nginx.yaml"
    mitigate = [*HARNESS, "mitigate", str(plain), "--prestop", "3s", "--min-ready", "2s"]
    sound = subprocess.run(mitigate, check=True, capture_output=True, text=True, timeout=200).stdout
    kubectl(found, "-n", "staging", "apply", "-f", "-", given=sound)
    kubectl(found, "-n", "staging", "rollout", "status", "deployment/web", "--timeout=60s")
    yield found
    subprocess.run([*HARNESS, "sandbox", "down", "--name", NAME], check=True, timeout=200)


def kubectl(environment: dict[str, str], *words: str, given: str | None = None) -> str:
    done = subprocess.run(
        ["kubectl", *words], capture_output=True, text=True, input=given, env=environment, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def deployment(environment: dict[str, str]) -> Json:
    found: Json = json.loads(
        kubectl(environment, "-n", "staging", "get", "deployment", "web", "-o", "json", "--show-managed-fields")
    )
    return found


@contextmanager
def watching(environment: dict[str, str], out: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A watch that has begun to wait for rollouts."""
    words = [*HARNESS, "watch", "--target", "deployment/web", "-n", "staging", "--service", "web:80", "--rate", "50"]
    words += ["--cluster", "context:sandbox", "--worker-image", "rollout-harness:local", "--yes", "--out", str(out)]
    with subprocess.Popen(
        [*words, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def until(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    told = []
    for line in process.stderr:
        told.append(line)
        if words in line:
            return
    raise AssertionError(f"it ended without {words!r}: {''.join(told)}")


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=200)
    return process.returncode, out, err


def folder(out: Path) -> Path:
    return out / "as-it-is"


def updates(out: Path) -> list[Json]:
    lines = (folder(out) / "timeline.jsonl").read_text().splitlines()
    return [each["object"] for each in map(json.loads, lines) if (each["kind"], each["type"]) == ("Mark", "update")]


def test_every_rollout_that_somebody_else_makes_is_judged_and_nothing_is_changed(
    environment: dict[str, str], tmp_path: Path
) -> None:
    before = deployment(environment)
    out = tmp_path / "run"
    with watching(environment, out, "--for", "10m", "--until-rollouts", "2") as process:
        until(process, "waiting for a rollout")
        kubectl(environment, "-n", "staging", "set", "image", "deployment/web", "nginx=nginx:1.29.1")
        until(process, "quiet time")
        # One that the next follows within a period leaves a doubt: the proxy may still be to sync. The last pod may be
        # gone up to a second after the quiet time began.
        time.sleep(3 * PERIOD_S)
        kubectl(environment, "-n", "staging", "rollout", "restart", "deployment/web")
        code, stdout, stderr = ended(process)
    unless_stalled_in(out)
    assert code == 0, stderr + stdout
    assert "# This file would watch the same:" in stdout
    result = json.loads((folder(out) / "result.json").read_text())
    assert result["verdict"] == "seamless", result["sentence"]
    assert [rollout["settled"] is not None for rollout in result["rollouts"]] == [True, True]
    assert [(each["disruption"], each["by"]) for each in updates(out)] == [
        ("watch", "kubectl-set"),
        ("watch", "kubectl-rollout"),
    ]
    after = deployment(environment)
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 2, "the two of the colleague"
    managers = {entry["manager"] for each in (before, after) for entry in each["metadata"]["managedFields"]}
    assert not [manager for manager in managers if "harness" in manager]


@pytest.mark.slow
def test_who_scales_down_in_the_middle_as_an_autoscaler_does_is_told(
    environment: dict[str, str], tmp_path: Path
) -> None:
    kubectl(environment, "-n", "staging", "scale", "deployment/web", "--replicas=3")
    kubectl(environment, "-n", "staging", "rollout", "status", "deployment/web", "--timeout=60s")
    out = tmp_path / "run"
    with watching(environment, out, "--for", "10m", "--until-rollouts", "1") as process:
        until(process, "waiting for a rollout")
        kubectl(environment, "-n", "staging", "rollout", "restart", "deployment/web")
        until(process, "rolling")
        patch = ("--subresource=scale", "--field-manager=kube-controller-manager", "--type=merge", "-p")
        kubectl(environment, "-n", "staging", "patch", "deployment", "web", *patch, '{"spec": {"replicas": 1}}')
        code, stdout, stderr = ended(process)
    unless_stalled_in(out)
    result = json.loads((folder(out) / "result.json").read_text())
    assert (code, result["verdict"]) == (3, "inconclusive"), stderr + stdout
    assert "a scaling" in result["sentence"]


@pytest.mark.slow
def test_a_colleague_who_deploys_again_in_the_middle_goes_on_with_the_same_rollout(
    environment: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    with watching(environment, out, "--for", "10m", "--until-rollouts", "1") as process:
        until(process, "waiting for a rollout")
        kubectl(environment, "-n", "staging", "set", "image", "deployment/web", "nginx=nginx:1.27.0")
        until(process, "rolling")
        kubectl(environment, "-n", "staging", "set", "image", "deployment/web", "nginx=nginx:1.28.0")
        code, stdout, stderr = ended(process)
    unless_stalled_in(out)
    assert code == 0, stderr + stdout
    assert len(updates(out)) == 1
    (rollout,) = json.loads((folder(out) / "run.json").read_text())["rollouts"]
    assert rollout["settled"] is not None
    assert deployment(environment)["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1.28.0"


def test_where_nobody_rolls_it_that_is_said(environment: dict[str, str], tmp_path: Path) -> None:
    with watching(environment, tmp_path / "run", "--for", "3s") as process:
        code, stdout, stderr = ended(process)
    assert code == 3, stderr + stdout
    assert "watching deployment/web for 3s: no rollout began: its pod template did not change." in stderr
