"""What a clean-up leaves behind turns 0 into 3 and nothing else; the verdict in result.json stays as it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.cli.execution import Execution
from harness.errors import HarnessError, LoadError
from harness.kube.errors import LeftBehind
from harness.model.cluster_settings import ClusterSettings, SandboxSettings

LEFT = LeftBehind("deleting namespace shop", "403", "Delete it by hand: kubectl --context prod delete namespace shop")


def executed(recording: Path, folder: Path, error: HarnessError | None) -> tuple[int, str]:
    """The exit code of a run that recorded this, and the verdict in its result."""
    shutil.copytree(recording, folder / "default")
    one = Execution(
        cast("Any", None),
        (),
        ClusterSettings(sandbox=SandboxSettings()),
        cast("Any", SimpleNamespace(path=folder)),
        None,
        None,
    )
    one._runs.append(cast("Any", SimpleNamespace(updates=3, error=error)))
    code = one.conclude()
    return code, json.loads((folder / "default" / "result.json").read_text())["verdict"]


@pytest.mark.parametrize(
    ("recording", "error", "code", "verdict"),
    [
        ("mitigated-3replicas-sync1s", None, 0, "seamless"),
        ("mitigated-3replicas-sync1s", LEFT, 3, "seamless"),
        ("default-3replicas-sync1s", None, 1, "dropping"),
        ("default-3replicas-sync1s", LEFT, 1, "dropping"),
        ("mitigated-3replicas-sync1s", LoadError("following the load worker", "it is gone"), 3, "seamless"),
    ],
    ids=["nothing left", "0 becomes 3", "1", "1 stays 1", "cut short"],
)
def test_what_is_left_behind_is_told_and_turns_no_verdict(
    repository: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    recording: str,
    error: HarnessError | None,
    code: int,
    verdict: str,
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    assert executed(repository / "tests" / "recordings" / recording, folder, error) == (code, verdict)
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert told == ([] if error is None else [f"error: {error}"])
