"""Whatever writes goes through the door: run directory, reports of older runs, terminal, stack traces."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness.cli import faults
from harness.cli.ending import tell, tell_error
from harness.cli.live import PipedLines
from harness.cli.streams import _Text
from harness.errors import HarnessError
from harness.judged_runs import judge_scenario
from harness.model.progress import Phase, Progress
from harness.model.run import ClusterFacts, RunInfo
from harness.redaction import door
from harness.runner.experiment_file import read_experiment
from harness.runner.scenario import paper_plan, scenarios
from harness.store.writer import RunWriter

CANARY = "c4nary/9f8e+7d"
INFO = RunInfo(experiment="shop", scenario="default", variant="default", target="deployment/web")


def workload(**container: Any) -> dict[str, Any]:
    containers = [{"name": "web", "image": "web:1", **container}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}},
        },
    }


SECRETIVE = workload(env=[{"name": "A", "value": CANARY}])


def in_folder(folder: Path) -> str:
    return "".join(file.read_text() for file in folder.iterdir())


def test_manifests_are_hidden_when_run_json_is_replaced_as_when_it_is_made(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "a", INFO) as writer:
        writer.update(manifests=(SECRETIVE,))
        writer.update(control=(1.0, 2.0))
        assert door().digest(CANARY) in in_folder(tmp_path / "a")
        assert CANARY not in in_folder(tmp_path / "a")


@pytest.mark.parametrize(
    "write",
    [
        lambda writer: writer.update(stopped=f"it said {CANARY}"),
        lambda writer: writer.update(provisos=(f"without {CANARY}",)),
        lambda writer: writer.observe(1.0, "Mark", "update", {"patch": {"message": CANARY}}),
        lambda writer: writer.observe(1.0, "Event", "ADDED", {"message": f"said {CANARY}"}),
    ],
)
def test_what_is_said_goes_through_it(tmp_path: Path, write: Callable[[RunWriter], None]) -> None:
    door().learn(CANARY)
    server = ClusterFacts(kind="sandbox", server=CANARY)
    with RunWriter(tmp_path / "a", RunInfo(experiment="a", scenario="a", variant="a", cluster=server)) as writer:
        write(writer)
    assert in_folder(tmp_path / "a").count(door().digest(CANARY)) == 2
    assert CANARY not in in_folder(tmp_path / "a")


def test_reports_of_a_run_that_was_written_by_an_older_harness_hide_what_it_shows(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with RunWriter(folder, INFO):
        pass
    old = json.loads((folder / "run.json").read_text()) | {"manifests": [SECRETIVE]}
    (folder / "run.json").write_text(json.dumps(old))
    info, _ = judge_scenario(folder)
    assert CANARY not in json.dumps(info.manifests)
    assert CANARY not in (folder / "report.md").read_text()
    assert CANARY in (folder / "run.json").read_text()  # nobody changes a record


def test_errors_and_lines_for_people_are_hidden_before_they_are_cut(capsys: pytest.CaptureFixture[str]) -> None:
    door().learn(CANARY)
    tell_error(HarnessError("reading", f"{'x' * 293}{CANARY}{'y' * 400}", "See."))
    tell(f"mind: {CANARY}")
    said = capsys.readouterr()
    assert CANARY[:6] not in said.err + said.out
    assert door().digest(CANARY) in said.out


def test_whatever_a_library_prints_is_hidden() -> None:
    door().learn(CANARY)
    written = io.BytesIO()
    stream = _Text(written, encoding="utf-8", write_through=True)  # type: ignore[type-var]
    print("it said", CANARY, file=stream)
    Console(file=stream, force_terminal=True, width=200).print(f"held up: {CANARY}")
    assert written.getvalue().decode().count(door().digest(CANARY)) >= 1
    assert CANARY not in written.getvalue().decode()


def test_what_holds_a_rollout_up_is_hidden_before_it_is_wrapped() -> None:
    door().learn(CANARY)
    written = io.StringIO()
    progress = Progress(
        scenario="a", number=0, scenarios=1, phase=Phase.ROLLING, rollout=0, rollouts=1, requests=0, failed=0,
        held_up=f"{'x ' * 38}{CANARY}",
    )  # fmt: skip
    PipedLines(Console(file=written, width=80))(progress)
    assert "held up" in written.getvalue()
    assert "c4nary" not in written.getvalue()


def test_a_stack_trace_shows_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["rollout-harness", "--token", "abcdef-9"])
    door().learn(CANARY)
    try:
        raise KeyError(CANARY)
    except KeyError as error:
        said = faults.told(error, "rollout-harness run")
    (file,) = tmp_path.rglob("fault-*.txt")
    assert str(file) in said
    assert "KeyError" in file.read_text()
    assert door().digest(CANARY) in file.read_text()
    assert CANARY not in file.read_text()
    assert "abcdef-9" not in file.read_text()


def test_all_that_an_experiment_knows_is_taken_in_before_anything_runs(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "c4nary-by-env")
    file = tmp_path / "experiment.yaml"
    file.write_text(
        f"""\
version: 1
name: shop
manifests: [{repository / "fixtures" / "manifests" / "nginx.yaml"}]
service: {{name: web, port: 80}}
update: {{image: {{nginx: ["nginx:1.29.1"]}}}}
request:
  path: /?token=c4nary-by-path
  headers: {{X-Any: {{env: TOKEN}}, Cookie: "id=c4nary-by-cookie", Accept: c4nary-harmless}}
images:
  app:1: {{command: [/bin/true, --password=c4nary-by-word], env: {{A: c4nary-by-image}}}}
rollouts: 1
load: {{new: {{rate: 10}}}}
"""
    )
    experiment = read_experiment(file)
    scenarios(experiment)
    hidden = ("by-env", "by-path", "by-cookie", "by-word", "by-image")
    assert [door().text(f"<c4nary-{how}>") for how in hidden] == [
        f"<{door().digest(f'c4nary-{how}')}>" for how in hidden
    ]
    assert door().text("<c4nary-harmless>") == "<c4nary-harmless>"
    assert dict(paper_plan(experiment).headers)["X-Any"] == "c4nary-by-env"  # it is sent all the same
