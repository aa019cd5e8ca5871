"""A rollout to a version that is Available and answers with errors: the load stops at once, the old version comes back.

Real runs of the command line, each on a sandbox of its own, which gives the bad version its image.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(300)]

EXPERIMENT = """\
version: 1
name: abort
manifests: [{manifests}]
service: {{name: web, port: 80}}
images: {{"bad:1": {{command: ["{{python}}", {application}]}}}}
update: {{image: {{nginx: ["bad:1", "nginx:1.28.0"]}}}}
rollouts: 2
control: 3s
quiet: 60s
rollout_timeout: 30s
load: {{new: {{rate: 100}}, pod_header: X-Pod}}
abort_if: {{failed_ratio: 80%, for: 2s}}
variants: {{default: {{mitigations: [{{prestop: 3s}}]}}}}
abort: {abort}
"""
Json = dict[str, Any]


def lines(file: Path) -> list[Json]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.parametrize("abort", ["restore", pytest.param("leave", marks=pytest.mark.slow)])
def test_a_version_that_answers_with_errors_is_aborted(tmp_path: Path, repository: Path, abort: str) -> None:
    file = tmp_path / "experiment.yaml"
    manifests = repository / "fixtures" / "manifests" / "nginx.yaml"
    application = Path(__file__).with_name("failing_app.py")
    file.write_text(EXPERIMENT.format(manifests=manifests, application=application, abort=abort))
    command = [sys.executable, "-m", "harness", "run", str(file), "--cluster", "sandbox", "--out", str(tmp_path / "r")]
    ended = subprocess.run(command, capture_output=True, text=True, env=os.environ, timeout=150, check=False)
    assert ended.returncode == 3, ended.stderr
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert "abort_if (failed_ratio 80 %, for 2s)" in line
    assert "The load was stopped" in line
    folder = tmp_path / "r" / "default"
    timeline = lines(folder / "timeline.jsonl")
    marks = {each["type"]: each for each in timeline if each["kind"] == "Mark"}
    assert "complete" in marks, "its pods are Available, and that does not save it"
    asked = marks["abort"]["t"]
    ends = [float(row.split(",")[7]) for row in (folder / "requests.csv").read_text().splitlines()[1:]]
    assert max(ends) < asked + 1.0
    images = [
        each["object"]["spec"]["template"]["spec"]["containers"][0]["image"]
        for each in timeline
        if each["kind"] == "Deployment" and each["type"] != "DELETED"
    ]
    if abort == "restore":
        assert "has the pod template of before the run again" in line
        assert marks["undo"]["t"] > asked
        assert images[-1] == "nginx:1.28.0"
    else:
        assert "stays as it is" in line
        assert "undo" not in marks
        assert images[-1] == "bad:1"
    record = json.loads((folder / "run.json").read_text())
    assert len(record["rollouts"]) == 1
    assert "% failed" in record["stopped"]
    assert json.loads((folder / "result.json").read_text())["verdict"] != "seamless"
