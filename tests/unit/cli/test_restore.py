"""`rollout-harness restore` of runs that did not see the end of what they began."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli.app import app

COMMAND = {"rollout": 0, "command": "./deploy.sh", "exit_code": 7, "seconds": 1.5}


def run_of(folder: Path, **more: object) -> Path:
    """A scenario's folder of a run that was killed in its first rollout."""
    folder.mkdir()
    info = {
        "format": 1,
        "experiment": "shop",
        "scenario": "default",
        "variant": "default",
        "target": "deployment/shop",
        "disruption": "command",
        "rollouts": [{"rollout": 0, "update": 5.0}],
        **more,
    }
    (folder / "run.json").write_text(json.dumps(info))
    return folder


def test_a_deploy_command_whose_end_was_not_seen_is_told_of(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["restore", str(run_of(tmp_path / "default"))])
    told = " ".join(done.output.split())
    assert done.exit_code == 3, done.output
    assert "deployment/shop: a deploy command was running when this run ended, and may still be" in told
    assert "command-0.log" in told
    assert "kubectl rollout history deployment/shop" in told


@pytest.mark.parametrize(
    "more", [{"commands": [COMMAND]}, {"finished": True}, {"disruption": "image"}], ids=["ended", "finished", "image"]
)
def test_what_was_seen_to_end_leaves_nothing_to_tell(tmp_path: Path, more: dict[str, object]) -> None:
    done = CliRunner().invoke(app, ["restore", str(run_of(tmp_path / "default", **more))])
    assert done.exit_code == 0, done.output
    assert "this run changed nothing that has to be undone" in " ".join(done.output.split())
