"""A folder on disk -> a Run, tolerant of torn last lines, missing files and cut-short runs."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.errors import DamagedRunError, RunFormatError
from harness.inputs.files import file_bytes
from harness.inputs.json_text import json_value
from harness.model.observation import MarkType, Observation
from harness.model.quantity import things
from harness.model.run import Run, RunInfo
from harness.store.presence import in_its_place, is_there
from harness.store.requests_csv import read_requests
from harness.store.run_json import from_json

_OF_ROLLOUT = (MarkType.UPDATE, MarkType.COMPLETE, MarkType.SETTLED)
_SAME_S = 0.01
_FAR_S = 1e9  # no run lasts so long; what is no number at all is not below it either
_CHANGES = ("ADDED", "MODIFIED", "DELETED")

FaultOf = Callable[[str, dict[str, Any]], str]
"""(kind, object) -> what is wrong with it, in words; empty where nothing is."""


def scenario_folders(folder: Path) -> tuple[Path, ...]:
    """The scenarios' folders of RUN, which is an experiment's folder or a scenario's, in order of name.

    Raises:
        RunFormatError: neither.
    """
    if not folder.is_dir():
        raise RunFormatError(f"reading {folder}", no_folder(folder), "Give a run directory, such as reports/demo.")
    if _is_scenario(folder):
        return (folder,)
    inside = tuple(sorted(child for child in folder.iterdir() if child.is_dir() and _is_scenario(child)))
    if not inside:
        raise RunFormatError(
            f"reading {folder}",
            "neither it nor a folder in it holds a run.json or a requests.csv",
            "Give a run directory, such as reports/demo.",
        )
    return inside


def no_folder(place: Path) -> str:
    """Why a place that is no folder is none, in words."""
    return "it is a file, not a folder" if place.exists() else "there is no such folder"


def is_run(folder: Path) -> bool:
    """Whether the folder is an experiment's or a scenario's."""
    try:
        return bool(scenario_folders(folder))
    except RunFormatError:
        return False


def _is_scenario(folder: Path) -> bool:
    return (folder / "run.json").is_file() or (folder / "requests.csv").is_file()


def read_run(folder: Path, *, fault_of: FaultOf = lambda _kind, _object: "") -> Run:
    """The run in a scenario's folder. `fault_of`: what is wrong with an observed object, which is then left out.

    Raises:
        RunFormatError: a newer format, or a file that is no run directory's at all.
    """
    damage: list[str] = []
    info = read_info(folder, damage)
    requests = read_requests(folder / "requests.csv", damage)
    timeline = _read_timeline(folder / "timeline.jsonl", damage, fault_of)
    seconds = tuple(_json_lines(folder / "workers.jsonl", damage))
    damage += _lost_marks(info, timeline)
    return Run(info=info, requests=requests, timeline=timeline, worker_seconds=seconds, damage=tuple(damage))


def read_info(folder: Path, damage: list[str]) -> RunInfo:
    """run.json of a scenario's folder; `damage` takes what had to be made up for.

    Raises:
        RunFormatError: it is not JSON, or not of a format that this harness reads.
    """
    path = folder / "run.json"
    if not is_there(path, damage):
        return RunInfo(experiment="", scenario=folder.name, variant=folder.name)
    data = file_bytes(path, error=RunFormatError)
    return from_json(json_value(data, tried=f"reading {path}", error=DamagedRunError), source=str(path))


def _read_timeline(path: Path, damage: list[str], fault_of: FaultOf) -> tuple[Observation, ...]:
    if not is_there(path, damage):
        return ()
    observations: list[Observation] = []
    faults: list[str] = []
    for number, line in _numbered(path, damage):
        seen = _observation(line)
        if seen is None:
            faults.append(f"line {number}: no event")
        elif fault := fault_of(seen.kind, seen.object):
            faults.append(f"line {number}: {fault}")
        else:
            observations.append(seen)
    if faults:
        are = "is no event as the API sends it" if len(faults) == 1 else "are no events as the API sends them"
        damage.append(f"{things(len(faults), 'line')} of {path.name} {are} ({faults[0]})")
    return tuple(sorted(observations, key=lambda observation: observation.t))


def _lost_marks(info: RunInfo, timeline: tuple[Observation, ...]) -> list[str]:
    """Marks that were made, as run.json tells, and that a timeline with marks in it has not: it was cut there."""
    marks = [(seen.type, seen.t) for seen in timeline if seen.kind == "Mark"]
    if not any(type_ == MarkType.UPDATE for type_, _ in marks):
        return []
    wanted = [(type_, getattr(one, type_)) for one in info.rollouts for type_ in _OF_ROLLOUT]
    if info.finished and info.harness:
        wanted.append((MarkType.END, max(t for _, t in marks)))
    known = {type_: sorted(t for known, t in marks if known == type_) for type_ in {type_ for type_, _ in wanted}}
    lost = [(type_, at) for type_, at in wanted if at is not None and not _has_near(known[type_], at)]
    return [f"timeline.jsonl has no mark of the {type_} at {at:.2f} s" for type_, at in lost]


def _has_near(moments: Sequence[float], t: float) -> bool:
    """Whether one of the ascending moments is `t`, but for what was rounded."""
    at = bisect_left(moments, t - _SAME_S)
    return any(abs(t - moment) < _SAME_S for moment in moments[at : at + 2])


def _observation(line: dict[str, Any]) -> Observation | None:
    t, kind, type_, inner = (line.get(name) for name in ("t", "kind", "type", "object"))
    if isinstance(t, bool) or not isinstance(t, int | float) or not abs(t) < _FAR_S or not isinstance(inner, dict):
        return None
    if not isinstance(kind, str) or not isinstance(type_, str) or (kind != "Mark" and type_ not in _CHANGES):
        return None
    return Observation(t=float(t), kind=kind, type=type_, object=inner)


def _json_lines(path: Path, damage: list[str]) -> list[dict[str, Any]]:
    return [line for _, line in _numbered(path, damage)]


def _numbered(path: Path, damage: list[str]) -> list[tuple[int, dict[str, Any]]]:
    """The JSON objects of a file, with the numbers of their lines."""
    if not is_there(path, damage if in_its_place(path) else None):
        return []
    lines: list[tuple[int, dict[str, Any]]] = []
    torn: list[int] = []
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                value = None
            if isinstance(value, dict):
                lines.append((number, value))
            elif line.strip():
                torn.append(number)
    if torn:
        damage.append(f"{things(len(torn), 'line')} of {path.name} cannot be read (the first is line {torn[0]})")
    return lines
