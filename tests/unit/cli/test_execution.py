"""What a clean-up leaves behind turns 0 into 3 and nothing else; the verdict in result.json stays as it is.

What the nodes of a cluster logged is asked for where something cannot be judged, while they are there.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.cli import clean
from harness.cli.execution import Execution
from harness.clusters import choice
from harness.errors import ClusterError, HarnessError, LoadError
from harness.kube.errors import LeftBehind
from harness.model.cluster_settings import ClusterSettings, SandboxSettings
from harness.model.kind_settings import KindSettings
from harness.runner import experiment

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


def test_what_memory_no_longer_suffices_for_is_not_judged_and_can_be_later(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.cli.memory.resource.getrlimit", lambda _: (700_000_000, -1))
    folder = tmp_path / "run"
    folder.mkdir()
    with pytest.raises(FileNotFoundError):  # no result was written
        executed(repository / "tests" / "recordings" / "default-3replicas-sync1s", folder, None)
    said = capsys.readouterr().err
    assert "error: judging runs: that needs 2000 MB of memory" in said
    assert f"The record is complete. Judge it then: rollout-harness report {folder}" in said


STANDS = ClusterError("removing kind cluster mine", "docker is away", "Remove it: kind delete cluster --name mine.")
KIND, SANDBOX = ClusterSettings(kind=KindSettings()), ClusterSettings(sandbox=SandboxSettings())
SEAMLESS, DROPPING = "mitigated-3replicas-sync1s", "default-3replicas-sync1s"


class Ran:
    """A run that records this, and how it `ends`: `cut` short, with an `error`, or one as its cluster is `left`."""

    def __init__(self, recording: Path, **ends: Any) -> None:
        self.recording, self.ends = recording, ends
        self.steps: list[str] = []

    async def export_logs(self, _: Path) -> bool:
        self.steps.append("logs")
        return False

    @asynccontextmanager
    async def cluster(self, *_: object, **__: object) -> AsyncIterator[Any]:
        yield SimpleNamespace(kube=None, export_logs=self.export_logs)
        self.steps.append("gone")
        if (error := self.ends.get("left")) is not None:
            raise error

    async def run_experiment(self, _: object, __: object, folder: Path, **given: Any) -> None:
        here = folder / "default"
        shutil.copytree(self.recording, here)
        if self.ends.get("cut"):
            info = json.loads((here / "run.json").read_text())
            (here / "run.json").write_text(json.dumps({**info, "finished": False}))
        given["on_scenario"](SimpleNamespace(folder=here, updates=3, error=self.ends.get("error")))


@pytest.fixture
def ran(request: pytest.FixtureRequest, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Ran:
    recording, ends = request.param
    one = Ran(repository / "tests" / "recordings" / recording, **ends)

    async def nothing(*_: object) -> None: ...

    monkeypatch.setattr(choice, "cluster", one.cluster)
    monkeypatch.setattr(experiment, "run_experiment", one.run_experiment)
    monkeypatch.setattr(clean, "tell_of_earlier_runs", nothing)
    return one


@pytest.mark.parametrize(
    ("settings", "ran", "code", "steps"),
    [
        (KIND, (SEAMLESS, {"left": STANDS}), 3, ["gone"]),
        (KIND, (DROPPING, {"left": STANDS}), 1, ["gone"]),
        (KIND, (SEAMLESS, {"cut": True}), 3, ["logs", "gone"]),
        (KIND, (SEAMLESS, {"error": LoadError("following the load worker", "it is gone")}), 3, ["logs", "gone"]),
        (SANDBOX, (SEAMLESS, {"cut": True}), 3, ["gone"]),
    ],
    indirect=["ran"],
    ids=["it stands, 0 becomes 3", "it stands, 1 stays 1", "inconclusive", "ended early", "a sandbox has no such logs"],
)
def test_the_nodes_logs_are_asked_for_and_a_cluster_that_stays_is_told(
    settings: ClusterSettings,
    ran: Ran,
    code: int,
    steps: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    asked = SimpleNamespace(images={}, namespace=None, confidence=None)
    one = Execution(cast("Any", asked), (), settings, cast("Any", SimpleNamespace(path=folder)), None, None)
    assert (one.code(), ran.steps) == (code, steps)
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    errors = [error for error in (ran.ends.get("error"), ran.ends.get("left")) if error is not None]
    assert told == [f"error: {error}" for error in errors]
