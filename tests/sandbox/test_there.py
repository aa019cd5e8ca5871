"""An application that is there: real runs on a sandbox that is reached as somebody else's, and what they leave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(240)]

HARNESS = (sys.executable, "-m", "harness")
EXPERIMENT = """\
version: 1
name: there
target: deployment/web
namespace: staging
service: {name: web, port: 80}
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
    subprocess.run(up, check=True, timeout=60)
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    kubectl(environment, "create", "namespace", "staging")
    manifests = repository / "fixtures" / "manifests" / "nginx.yaml"
    kubectl(environment, "-n", "staging", "apply", "--server-side", "-f", str(manifests))
    kubectl(environment, "-n", "staging", "rollout", "status", "deployment/web", "--timeout=60s")
    yield environment
    subprocess.run([*HARNESS, "sandbox", "down", "--name", NAME], check=True, timeout=60)


def kubectl(environment: dict[str, str], *words: str) -> str:
    program = Path(sys.executable).parent / "kubectl"
    done = subprocess.run([program, *words], capture_output=True, text=True, env=environment, timeout=90, check=False)
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
        return subprocess.run(command, capture_output=True, text=True, env=context, timeout=180, check=False)

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
    record = json.loads((tmp_path / "run" / "default" / "run.json").read_text())
    assert [each["settled"] is not None for each in record["rollouts"]] == [True]
    pods = kubectl(context, "-n", "staging", "get", "pods", "-o", "name").split()
    assert not [pod for pod in pods if "rollout-harness" in pod]
