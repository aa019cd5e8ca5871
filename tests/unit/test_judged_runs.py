"""An experiment's folder is judged as what was planned: a scenario that never ran is no success."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.errors import RunFormatError
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
