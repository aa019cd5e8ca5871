"""Results of the analysis <-> result.json and failures.csv in the run directory."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from harness.model.advice import as_object
from harness.model.bounds import USUAL, Bounds, bounded
from harness.model.race import Races
from harness.model.result import ExperimentResult, FailedRequest, ScenarioResult
from harness.store.writer import replace_file

MOST_BYTES = 2_000_000
"""What a result.json may take: a browser and an editor open it, and a script reads it at once."""

_FAILURE_FIELDS = ("stream", "worker", "seq", "rollout", "cause_label", "pod", "evidence")
FAILURE_COLUMNS = tuple(name.removesuffix("_label") for name in _FAILURE_FIELDS)
NOT_TOLD = ("failures", "races", "words", "doubts")
"""What of a ScenarioResult is not in result.json: its reader has it elsewhere."""

_LINE = 160
_FEWEST = 1  # bounds below which nothing more is left out


def write_scenario_result(folder: Path, result: ScenarioResult) -> None:
    """Write result.json and failures.csv of one scenario, each replaced atomically."""
    replace_file(folder / "result.json", _fitting(lambda bounds: scenario_json(result, bounds)))
    replace_file(folder / "failures.csv", _failures_csv(result.failures).rstrip("\n"))


def write_experiment_result(folder: Path, result: ExperimentResult) -> None:
    """Write result.json of an experiment: the scenarios' without their charts."""

    def content(bounds: Bounds) -> dict[str, Any]:
        scenarios = [scenario_json(scenario, bounds) for scenario in result.scenarios]
        for scenario in scenarios:
            del scenario["chart"]
        data = {"experiment": result.experiment, "exit_code": result.exit_code, "notes": list(result.notes)}
        return data | {"comparisons": list(result.comparisons), "scenarios": scenarios}

    replace_file(folder / "result.json", _fitting(content))


def scenario_json(result: ScenarioResult, bounds: Bounds = USUAL) -> dict[str, Any]:
    """The content of a scenario's result.json, its lists within the bounds."""
    within = bounded(result, bounds)
    data: dict[str, Any] = _plain(replace(within, failures=(), races=Races(), propagation=None, sizing=None))
    for name in NOT_TOLD:
        del data[name]
    for name in ("budget", "left_out"):  # said only where there is one, or something was
        if not data[name]:
            del data[name]
    data |= {"propagation": as_object(within.propagation), "sizing": as_object(within.sizing)}
    return _flattened(data)


def _flattened(data: dict[str, Any]) -> dict[str, Any]:
    """The window's numbers of a rollout on the rollout itself, as docs/run-directory.md lays result.json out."""
    for rollout in data["rollouts"]:
        rollout |= rollout.pop("window")
        del rollout["own_failures"]
        if not rollout["by"]:  # said only of what others made
            del rollout["by"]
    return data


def _plain(value: Any) -> Any:
    """Records as JSON objects; unlike `dataclasses.asdict` it copies nothing that does not change."""
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def _fitting(content: Callable[[Bounds], Mapping[str, Any]]) -> str:
    """The content as JSON within as wide bounds as its bytes allow."""
    bounds = USUAL
    while True:
        text = _lines(content(bounds), "")
        if len(text) < MOST_BYTES or bounds.rollouts <= _FEWEST:
            return text
        bounds = bounds.halved()


def _lines(value: Any, indent: str) -> str:
    """JSON of which each part that is short has a line of its own: a person reads it, and a line tells what changed."""
    text = json.dumps(value, allow_nan=False)
    if len(text) + len(indent) <= _LINE or not isinstance(value, dict | list):
        return text
    deeper = indent + " "
    if isinstance(value, dict):
        parts = [f"{json.dumps(name)}: {_lines(one, deeper)}" for name, one in value.items()]
        opening, closing = "{", "}"
    else:
        parts = [_lines(one, deeper) for one in value]
        opening, closing = "[", "]"
    inside = f",\n{deeper}".join(parts)
    return f"{opening}\n{deeper}{inside}\n{indent}{closing}"


def _failures_csv(failures: tuple[FailedRequest, ...]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(FAILURE_COLUMNS)
    for failed in failures:
        rows.writerow(["" if (value := getattr(failed, name)) is None else value for name in _FAILURE_FIELDS])
    return text.getvalue()
