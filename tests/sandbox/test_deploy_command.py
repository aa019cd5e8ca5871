"""A team's own deploy command: what it rolls is measured, and what is wrong with it is one clear line.

Real runs of the command line with a real kubectl as the command, on a sandbox that is reached as somebody else's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stalled import again_where_stalled, unless_stalled

pytestmark = [pytest.mark.sandbox, again_where_stalled, pytest.mark.timeout(300)]

HARNESS = (sys.executable, "-m", "harness")
NAME = f"deploy-command-{os.getpid()}"
EXPERIMENT = """\
version: 1
name: deploy
manifests: [{manifests}]
service: {{name: web, port: 80}}
disruption: {{command: {command}}}
rollouts: 1
control: 2s
quiet: 2s
rollout_timeout: 30s
load: {{new: {{rate: 50}}, pod_header: X-Pod}}
variants: {{default: {{mitigations: [{{prestop: 3s}}, {{min-ready: 2s}}]}}}}
"""
Run = Callable[..., subprocess.CompletedProcess[str]]
Json = dict[str, Any]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A sandbox by a context, and kubectl on PATH."""
    kubeconfig = tmp_path_factory.mktemp("kubeconfig") / "config"
    subprocess.run(
        [*HARNESS, "sandbox", "up", "--name", NAME, "--kubeconfig", str(kubeconfig)], check=True, timeout=200
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    yield {**os.environ, "KUBECONFIG": str(kubeconfig), "PATH": path}
    subprocess.run([*HARNESS, "sandbox", "down", "--name", NAME], check=True, timeout=200)


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path, repository: Path) -> Run:
    """A whole run with this command."""

    def done(command: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "experiment.yaml"
        manifests = repository / "fixtures" / "manifests" / "nginx.yaml"
        file.write_text(EXPERIMENT.format(manifests=manifests, command=command))
        words = [*HARNESS, "run", str(file), "--out", str(tmp_path / "run"), "--cluster", "context:sandbox", "--yes"]
        words += ["--worker-image", "rollout-harness:local"]
        return subprocess.run(words, capture_output=True, text=True, env=environment, timeout=180, check=False)

    return done


def record(folder: Path) -> Json:
    found: Json = json.loads((folder / "run" / "default" / "run.json").read_text())
    return found


def error_line(ended: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in ended.stderr
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    return line


def test_what_it_rolls_is_measured_and_its_output_and_exit_code_are_in_the_run(run: Run, tmp_path: Path) -> None:
    """It needs no namespace: KUBECONFIG leads there. It is given the rollout's number, and waits for what it rolled."""
    (tmp_path / "deploy.sh").write_text(
        "set -e\n"
        'kubectl set image deployment/web "nginx=nginx:1.2$1.0"\n'
        "kubectl rollout status deployment/web --timeout=60s\n"
        "echo deployed to $2\n"
    )
    ended = run('[sh, deploy.sh, "{rollout}", "{namespace}"]')
    result = json.loads((tmp_path / "run" / "default" / "result.json").read_text())
    unless_stalled(result["reason"])
    assert ended.returncode == 0, ended.stderr + ended.stdout
    told = record(tmp_path)
    assert told["disruption"] == "command"
    assert [(each["rollout"], each["exit_code"]) for each in told["commands"]] == [(0, 0)]
    assert [each["settled"] is not None for each in told["rollouts"]] == [True]
    namespace = told["manifests"][0]["metadata"]["namespace"]
    lines = (tmp_path / "run" / "default" / "command-0.log").read_text().splitlines()
    texts = [line.split(" ", 1)[1] for line in lines]
    assert texts[0] == "deployment.apps/web image updated"
    assert texts[-1] == f"deployed to {namespace}"
    first, last = (float(line.split(" ", 1)[0]) for line in (lines[0], lines[-1]))
    # Whether its output or the watch's event comes first is not said.
    assert last - told["commands"][0]["seconds"] <= first < told["rollouts"][0]["complete"]
    assert result["verdict"] == "seamless"


def test_one_that_fails_half_way_is_taken_back(run: Run, tmp_path: Path) -> None:
    ended = run('[sh, -c, "kubectl set image deployment/web nginx=nginx:1.29.1; echo no such chart >&2; exit 4"]')
    assert ended.returncode == 3, ended.stderr
    line = error_line(ended)
    said = "echo no such chart >&2; exit 4'` ended with exit code 4 after"
    assert "rolling deployment/web: the deploy command `sh -c 'kubectl set image" in line
    assert said in line
    assert "(it last said: no such chart). Its output is in the run." in line
    assert said in " ".join(ended.stdout.split())
    assert record(tmp_path)["commands"][0]["exit_code"] == 4
    marks = [
        json.loads(entry)
        for entry in (tmp_path / "run" / "default" / "timeline.jsonl").read_text().splitlines()
        if '"kind":"Mark"' in entry
    ]
    assert [mark["type"] for mark in marks if mark["type"] != "stall"] == [
        "control-start", "control-end", "update", "disruption", "undo", "end",
    ]  # fmt: skip


@pytest.mark.slow
def test_one_that_asks_is_killed_when_its_time_is_over_and_told_how_it_is_answered(run: Run, tmp_path: Path) -> None:
    script = "printf 'Deploy to staging? [y/N] '; while :; do sleep 1; done"
    ended = run(f'{{run: [sh, -c, "{script}"], timeout: 2s}}')
    assert ended.returncode == 3, ended.stderr
    line = error_line(ended)
    assert "` had not ended after 2s, and was killed with its children" in line
    assert "it last said: Deploy to staging? [y/N]" in line
    assert "It seems to ask something" in line
    assert record(tmp_path)["commands"][0]["exit_code"] is None


def test_one_that_rolls_something_else_is_told_what_it_rolled(run: Run, tmp_path: Path) -> None:
    ended = run('{run: [kubectl, create, deployment, cache, "--image=nginx:1.28.0"], rolls_within: 1s}')
    assert ended.returncode == 3, ended.stderr
    line = error_line(ended)
    assert "` ended with exit code 0, and deployment/web was not rolled within 1s of its end" in line
    assert "it rolled deployment/cache" in line
    assert record(tmp_path)["commands"][0]["exit_code"] == 0


def test_one_that_is_not_there_is_told_before_anything_runs(run: Run, tmp_path: Path) -> None:
    ended = run("[helmm, upgrade]")
    assert ended.returncode == 2
    assert "looking for the deploy command helmm: it is not on PATH" in error_line(ended)
    assert not (tmp_path / "run").exists()
