"""A run that is killed in the middle is gone on with: what is left is run, and all of it is judged together."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from stalled import again_where_stalled, unless_stalled_in

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(300)]

HARNESS = (sys.executable, "-m", "harness")
EXPERIMENT = """\
version: 1
name: night
manifests: [{manifests}]
service: {{name: web, port: 80}}
cluster: {{sandbox: {{proxy: {{minSyncPeriod: 200ms}}}}}}
update: {{image: {{nginx: ["nginx:1.29.1", "nginx:1.28.0"]}}}}
rollouts: 3
control: 1s
quiet: 500ms
rollout_timeout: 60s
variants: {{default: {{expect: any}}}}
load: {{new: {{rate: 50}}, pod_header: X-Pod}}
"""


def result(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return found


@again_where_stalled
def test_a_run_that_was_killed_is_gone_on_with_and_its_counts_add_up(tmp_path: Path, repository: Path) -> None:
    manifests = repository / "fixtures" / "manifests" / "nginx.yaml"
    file, out = tmp_path / "experiment.yaml", tmp_path / "run"
    file.write_text(EXPERIMENT.format(manifests=manifests))
    with subprocess.Popen(
        [*HARNESS, "run", str(file), "--out", str(out), "--yes"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as begun:
        assert begun.stderr is not None
        reached = any("rollout 3/3: old pods" in line for line in iter(begun.stderr.readline, ""))
        begun.kill()
    assert reached, "it ended before its third rollout"

    again = [*HARNESS, "run", "--resume", str(out), "--yes"]
    done = subprocess.run(again, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1, 3), done.stdout + done.stderr
    unless_stalled_in(out)
    assert done.returncode == 0, done.stdout + done.stderr
    (whole,) = result(out)["scenarios"]
    parts = [result(out / "default"), result(out / "default-part2")]
    before, after = (len(part["rollouts"]) for part in parts)
    assert (before, after) in ((2, 1), (3, 1)), (
        "the interrupted rollout counts only where it is known to have lost calls"
    )
    assert before == 2 or parts[0]["rollouts"][2]["dropping"]
    for name in ("requests", "failed"):
        assert whole[name] == sum(part[name] for part in parts)
    assert f"of {before + after} rollouts" in done.stdout
    assert whole["statistics"]["rollouts"] == len(whole["rollouts"]) == before + after
    assert whole["statistics"]["dropping"] == sum(one["dropping"] for one in whole["rollouts"])
    assert "was interrupted" in whole["notes"][0]
    assert "default-part2" in whole["notes"][0]

    over = subprocess.run(again, capture_output=True, text=True, check=False)
    assert over.returncode == 2
    assert "all of it has run to its end" in " ".join(over.stderr.split())
