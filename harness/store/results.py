"""Results of the analysis <-> result.json and failures.csv in the run directory."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from harness.model.advice import as_object
from harness.model.result import ExperimentResult, FailedRequest, ScenarioResult
from harness.store.writer import replace_file

_FAILURE_COLUMNS = ("stream", "worker", "seq", "rollout", "cause", "pod", "evidence")


def write_scenario_result(folder: Path, result: ScenarioResult) -> None:
    """Write result.json and failures.csv of one scenario, each replaced atomically."""
    replace_file(folder / "result.json", json.dumps(scenario_json(result), indent=1, allow_nan=False))
    replace_file(folder / "failures.csv", _failures_csv(result.failures).rstrip("\n"))


def write_experiment_result(folder: Path, result: ExperimentResult) -> None:
    """Write result.json of an experiment: the scenarios' without their charts."""
    scenarios = [scenario_json(scenario) for scenario in result.scenarios]
    for scenario in scenarios:
        del scenario["chart"]
    data = {"experiment": result.experiment, "exit_code": result.exit_code, "notes": list(result.notes)}
    data |= {"comparisons": list(result.comparisons), "scenarios": scenarios}
    replace_file(folder / "result.json", json.dumps(data, indent=1, allow_nan=False))


def scenario_json(result: ScenarioResult) -> dict[str, Any]:
    """The content of a scenario's result.json."""
    # To copy each of a million failures would take seconds.
    data = asdict(replace(result, failures=(), propagation=None, sizing=None))
    del data["failures"], data["words"]
    if not result.budget:
        del data["budget"]
    data |= {"propagation": as_object(result.propagation), "sizing": as_object(result.sizing)}
    return _flattened(data)


def _flattened(data: dict[str, Any]) -> dict[str, Any]:
    """The window's numbers of a rollout on the rollout itself, as docs/run-directory.md lays result.json out."""
    for rollout in data["rollouts"]:
        rollout |= rollout.pop("window")
        del rollout["own_failures"]
        if not rollout["by"]:  # said only of what others made
            del rollout["by"]
    return data


def _failures_csv(failures: tuple[FailedRequest, ...]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_FAILURE_COLUMNS)
    for failed in failures:
        rows.writerow(["" if (value := getattr(failed, name)) is None else value for name in _FAILURE_COLUMNS])
    return text.getvalue()
