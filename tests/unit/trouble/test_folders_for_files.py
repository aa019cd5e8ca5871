"""A folder that has the name of a record's file is told as that, and is neither passed over nor a stack trace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from program import called, told

from harness.exit_codes import ExitCode
from harness.model.request import COLUMNS
from harness.store.reader import read_run
from harness.store.undo import read_cordon


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """An experiment's folder, with one scenario of 50 requests, of which one failed."""
    scenario = tmp_path / "demo" / "default"
    scenario.mkdir(parents=True)
    plan = {"format": 1, "experiment": "demo", "scenarios": ["default"]}
    (scenario.parent / "experiment.json").write_text(json.dumps(plan))
    (scenario / "run.json").write_text(json.dumps({"format": 1, "experiment": "demo", "variant": "default"}))
    times = [(n, n / 10, "ok" if n else "connect-refused") for n in range(50)]
    rows = (f"new,0,{n},{t},{t},{t},{t},{t},20000,0,{outcome},200,1,web-1,,\n" for n, t, outcome in times)
    (scenario / "requests.csv").write_text(",".join(COLUMNS[:16]) + "\n" + "".join(rows))
    (scenario / "timeline.jsonl").write_text("")
    return scenario.parent


def folder_for(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


@pytest.mark.parametrize("name", ["run.json", "timeline.jsonl", "workers.jsonl"])
def test_of_a_record_it_is_damage_that_report_and_explain_tell(experiment: Path, name: str) -> None:
    scenario = experiment / "default"
    folder_for(scenario / name)
    assert f"{name} is a folder (directory), not a file" in read_run(scenario).damage
    reported = called("report", experiment, "--out", experiment.parent / "out")
    assert reported.code == ExitCode.INCONCLUSIVE
    assert f"{name} is a folder (directory)" in (experiment.parent / "out" / "default" / "report.md").read_text()
    explained = called("explain", scenario)
    assert explained.code == ExitCode.AS_EXPECTED
    assert f"mind: {scenario}: {name} is a folder (directory), not a file" in " ".join(explained.err.split())
    assert not reported.out.startswith(":")


def test_without_requests_none_is_explained(experiment: Path) -> None:
    folder_for(experiment / "default" / "requests.csv")
    said = called("explain", experiment / "default")
    assert said.code == ExitCode.INCONCLUSIVE
    assert "requests.csv is a folder (directory), not a file. Without requests there is none to explain." in said.error
    assert called("report", experiment).code == ExitCode.INCONCLUSIVE


def test_a_plan_that_cannot_be_read_is_no_plan_of_nothing(experiment: Path) -> None:
    folder_for(experiment / "experiment.json")
    said = called("report", experiment)
    assert said.code == ExitCode.INCONCLUSIVE
    assert "experiment.json: it is a folder (directory), not a file" in said.error


@pytest.mark.parametrize("name", ["result.json", "report.md", "report.html", "junit.xml", "default/failures.csv"])
def test_what_cannot_be_replaced_by_a_result_is_named(experiment: Path, name: str) -> None:
    folder_for(experiment / name)
    said = called("report", experiment)
    assert said.code == ExitCode.USAGE
    assert f"{experiment}/{name}: it is a directory (folder), not a file. Move that folder away" in said.error
    assert not list(experiment.rglob(".*.new"))


def test_of_what_is_to_be_undone_it_is_told(experiment: Path) -> None:
    folder_for(experiment / "default" / "cordon.json")
    with pytest.raises(Exception, match="it is a folder"):
        read_cordon(experiment / "default")


@pytest.mark.parametrize("words", [("trace", "diff", "a", "a"), ("trace", "replay", "a", "--out", "b")])
def test_a_trace_is_a_file(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "a").mkdir()
    assert "reading a: it is a directory (folder), not a file" in called(*words, cwd=tmp_path).error
    assert not (tmp_path / "b").exists()


def test_standard_input_that_is_closed_is_said() -> None:
    for command in ("run", "check", "mitigate"):
        said = told(command, "-", sh="exec <&-")
        assert said.code == ExitCode.USAGE
        assert "from standard input: it is closed, or /dev/null. " in said.error


def test_what_was_found_and_could_not_be_printed_is_said_beside_its_code(tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n"
        "  template:\n    metadata: {labels: {app: web}}\n    spec:\n"
        "      containers: [{name: web, image: nginx, ports: [{containerPort: 80}]}]\n"
    )
    said = told("check", tmp_path / "app.yaml", sh="exec > /dev/full")
    assert said.code == told("check", tmp_path / "app.yaml").code == ExitCode.NOT_AS_EXPECTED
    assert "writing to standard output: no space left on the device" in said.error
