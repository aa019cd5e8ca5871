"""A folder on disk -> a Run, tolerant of torn last lines, missing files and cut-short runs."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import RunFormatError
from harness.model.observation import Observation
from harness.model.request import COLUMNS
from harness.model.run import Run, RunInfo
from harness.store.run_json import from_json

if TYPE_CHECKING:
    import polars as pl


def scenario_folders(folder: Path) -> tuple[Path, ...]:
    """The scenarios' folders of RUN, which is an experiment's folder or a scenario's, in order of name.

    Raises:
        RunFormatError: neither.
    """
    if not folder.is_dir():
        raise RunFormatError(
            f"reading {folder}", "there is no such folder", "Give a run directory, such as reports/demo."
        )
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


def is_run(folder: Path) -> bool:
    """Whether the folder is an experiment's or a scenario's."""
    try:
        return bool(scenario_folders(folder))
    except RunFormatError:
        return False


def _is_scenario(folder: Path) -> bool:
    return (folder / "run.json").is_file() or (folder / "requests.csv").is_file()


def read_run(folder: Path) -> Run:
    """The run in a scenario's folder.

    Raises:
        RunFormatError: a newer format, or a file that is no run directory's at all.
    """
    damage: list[str] = []
    info = read_info(folder, damage)
    return Run(
        info=info,
        requests=_read_requests(folder / "requests.csv", damage),
        timeline=_read_timeline(folder / "timeline.jsonl", damage),
        worker_seconds=tuple(_json_lines(folder / "workers.jsonl", [])),
        damage=tuple(damage),
    )


def read_info(folder: Path, damage: list[str]) -> RunInfo:
    """run.json of a scenario's folder; `damage` takes what had to be made up for.

    Raises:
        RunFormatError: it is not JSON, or not of a format that this harness reads.
    """
    path = folder / "run.json"
    if not path.is_file():
        damage.append("run.json is missing")
        return RunInfo(experiment="", scenario=folder.name, variant=folder.name)
    try:
        data = json.loads(path.read_text())
    except ValueError as error:
        raise RunFormatError(f"reading {path}", f"it is not JSON ({error})") from error
    return from_json(data, source=str(path))


def _read_requests(path: Path, damage: list[str]) -> pl.DataFrame:
    import polars as pl

    schema: dict[str, Any] = dict.fromkeys(COLUMNS, pl.String)
    schema |= dict.fromkeys(("scheduled", "started", "connected", "first_byte", "ended"), pl.Float64)
    schema |= dict.fromkeys(("worker", "seq", "local_port", "status", "bytes", "reused"), pl.Int64)
    if not path.is_file():
        damage.append("requests.csv is missing")
        return pl.DataFrame(schema=schema | {"reused": pl.Boolean})
    data = path.read_bytes()
    if not data.endswith(b"\n"):
        data = data[: data.rfind(b"\n") + 1]
        damage.append("the last line of requests.csv is torn")
    frame = pl.read_csv(io.BytesIO(data), schema_overrides=schema, ignore_errors=True)
    return frame.with_columns(pl.col("reused").cast(pl.Boolean), pl.col("pod", "via").fill_null(""))


def _read_timeline(path: Path, damage: list[str]) -> tuple[Observation, ...]:
    if not path.is_file():
        damage.append("timeline.jsonl is missing")
        return ()
    lines = _json_lines(path, damage)
    observations = (Observation(**{key: line[key] for key in ("t", "kind", "type", "object")}) for line in lines)
    return tuple(sorted(observations, key=lambda observation: observation.t))


def _json_lines(path: Path, damage: list[str]) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    lines = []
    torn = 0
    with path.open("rb") as file:
        for line in file:
            try:
                lines.append(json.loads(line))
            except ValueError:
                torn += 1
    if torn:
        damage.append(f"{torn} lines of {path.name} cannot be read")
    return lines
