"""Run directories -> results and reports beside them: the same for a fresh run, `report` and the pytest plugin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.model.result import ExperimentResult, ScenarioResult
from harness.model.run import RunInfo
from harness.store.reader import read_run, scenario_folders
from harness.store.results import write_experiment_result, write_scenario_result


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was found in the runs of one experiment; `infos` by scenario."""

    result: ExperimentResult
    infos: dict[str, RunInfo]
    reports: tuple[Path, ...] = ()


def judge_scenario(folder: Path) -> tuple[RunInfo, ScenarioResult]:
    """Judge one run directory; writes result.json, failures.csv and report.md into it.

    Raises:
        RunFormatError: it is none that this harness can read.
    """
    from harness.analysis import judge
    from harness.reporters import write_scenario

    run = read_run(folder)
    result = judge(run)
    write_scenario_result(folder, result)
    write_scenario(folder, run.info, result)
    return run.info, result


def judge_experiment_folder(folder: Path) -> Judged:
    """Judge every scenario of an experiment's folder, and the experiment; writes the results and reports of all.

    Raises:
        RunFormatError: there is no run in it that this harness can read.
    """
    return judge_together(folder, (judge_scenario(scenario) for scenario in scenario_folders(folder)))


def judge_together(folder: Path, scenarios: Iterable[tuple[RunInfo, ScenarioResult]]) -> Judged:
    """Judge scenarios that have been judged each as one experiment; writes its results and reports into `folder`."""
    from harness.analysis import judge_experiment
    from harness.reporters import write_experiment

    pairs = tuple(scenarios)
    infos = {result.scenario: info for info, result in pairs}
    result = judge_experiment(tuple(result for _, result in pairs))
    write_experiment_result(folder, result)
    return Judged(result=result, infos=infos, reports=write_experiment(folder, result, infos))
