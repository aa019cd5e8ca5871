"""An experiment's folder is judged as what was planned: a scenario that never ran is no success."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.errors import RunFormatError, UsageError
from harness.judged_runs import judge_again, judge_experiment_folder
from harness.store.planned import read_planned, write_planned

CLEAN = Path(__file__).parents[1] / "recordings" / "mitigated-3replicas-sync1s"


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """The folder of an experiment of which one scenario ran, as expected."""
    folder = tmp_path / "experiment"
    (folder / "both").mkdir(parents=True)
    for file in CLEAN.iterdir():
        shutil.copy(file, folder / "both" / file.name)
    return folder


def test_a_folder_with_all_that_was_planned_is_judged_by_its_scenarios(experiment: Path) -> None:
    assert judge_experiment_folder(experiment).result.exit_code == 0
    write_planned(experiment, "demo", ["both"])
    assert judge_experiment_folder(experiment).result.exit_code == 0


def test_scenarios_that_never_ran_make_it_inconclusive_and_are_named(experiment: Path) -> None:
    write_planned(experiment, "demo", ["both", "later", "last"])
    for judged in (judge_experiment_folder(experiment), judge_again([experiment], None)):
        assert judged.result.exit_code == 3
        assert "Planned, and never ran: later, last." in judged.result.notes
    assert "never ran: later, last" in (experiment / "report.md").read_text()


def test_a_scenario_of_its_own_stands_for_itself(experiment: Path) -> None:
    write_planned(experiment, "demo", ["both", "later"])
    assert judge_again([experiment / "both"], None).result.exit_code == 0


def test_a_plan_that_cannot_be_read_is_told(experiment: Path) -> None:
    assert read_planned(experiment) == ()
    (experiment / "experiment.json").write_text("[]")
    with pytest.raises(RunFormatError, match="does not name the planned scenarios"):
        read_planned(experiment)


def inventory(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(folder.rglob("*"))}


def test_with_a_folder_for_the_reports_a_run_is_only_read(experiment: Path, tmp_path: Path) -> None:
    before = inventory(experiment)
    judged = judge_again([experiment], tmp_path / "out")
    assert inventory(experiment) == before
    assert judged.reports[0] == tmp_path / "out" / "report.md"
    assert {path.name for path in (tmp_path / "out" / "both").iterdir()} >= {"result.json", "failures.csv", "report.md"}


def test_runs_of_one_name_have_a_folder_each_below_it(experiment: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(experiment, again)
    judged = judge_again([experiment, again], tmp_path / "out")
    (pooled,) = judged.result.scenarios
    assert {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()} == {"both", "both-2"}
    assert len(pooled.rollouts) == 2 * len(judge_again([experiment], None).result.scenarios[0].rollouts)


def test_variants_of_one_name_of_several_experiments_are_told_apart(experiment: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(experiment, other)
    info = json.loads((other / "both" / "run.json").read_text())
    (other / "both" / "run.json").write_text(json.dumps({**info, "experiment": "other"}))
    judged = judge_again([experiment, other], tmp_path / "out")
    both = {f"{name}/{CLEAN.name}" for name in (info["experiment"], "other")}
    assert {one.scenario for one in judged.result.scenarios} == both == set(judged.infos)
    assert {judged.infos[one.scenario].experiment for one in judged.result.scenarios} == {info["experiment"], "other"}
    report = (tmp_path / "out" / "report.md").read_text()
    assert all(f"## {name}" in report for name in both)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a folder read-only, which takes root")
def test_a_run_that_cannot_be_written_is_judged_into_another_folder_and_refused_without_one(
    experiment: Path, tmp_path: Path
) -> None:
    subprocess.run(["mount", "--bind", str(experiment), str(experiment)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(experiment)], check=True)
        with pytest.raises(UsageError, match=r"read-only file system\. Give --out FOLDER: then the runs are only read"):
            judge_again([experiment], None)
        assert judge_again([experiment], tmp_path / "out").result.exit_code == 0
    finally:
        subprocess.run(["umount", str(experiment)], check=True)
