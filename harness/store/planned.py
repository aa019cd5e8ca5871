"""What an experiment's folder is to hold <-> its `experiment.json`, written before the first scenario runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.errors import DamagedRunError, RunFormatError
from harness.inputs.files import file_bytes
from harness.inputs.json_text import json_value
from harness.inputs.shape import ANY, TEXT, Shape, map_of, misfits
from harness.model.run import FORMAT
from harness.store.output import output_error
from harness.store.presence import in_its_place
from harness.store.writer import replace_file

_NAME = "experiment.json"
_SHAPE: Shape = {"scenarios!": [TEXT], "asked": map_of(ANY), "digests": map_of(ANY)}


def write_planned(
    folder: Path,
    experiment: str,
    scenarios: Sequence[str],
    asked: Mapping[str, Any] = MappingProxyType({}),
    digests: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Record which scenarios are to run, in their order, so that a reader can tell one that never did; and with which
    options that was `asked` for, so that it can be resumed without them, and `digests` of what the experiment said, so
    that it is not resumed with another."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(folder, error) from error
    plan = {"format": FORMAT, "experiment": experiment, "scenarios": list(scenarios)}
    plan |= {"asked": dict(asked)} if asked else {}
    plan |= {"digests": dict(digests)} if digests else {}
    replace_file(folder / _NAME, json.dumps(plan, indent=1))


def read_planned(folder: Path) -> tuple[str, ...]:
    """The scenarios that were to run; none where the folder does not say (a scenario's, or of an older harness).

    Raises:
        RunFormatError: the file is there and is not what it should be.
    """
    return tuple(_plan(folder).get("scenarios", ()))


def read_asked(folder: Path) -> dict[str, Any]:
    """The options that it was asked for with; none where the folder does not say.

    Raises:
        RunFormatError: the file is there and is not what it should be.
    """
    return _table(folder, "asked")


def read_digests(folder: Path) -> dict[str, str]:
    """The digests of what the experiment said, by key; none where the folder does not say.

    Raises:
        RunFormatError: the file is there and is not what it should be.
    """
    return {name: str(digest) for name, digest in _table(folder, "digests").items()}


def _table(folder: Path, name: str) -> dict[str, Any]:
    return dict(_plan(folder).get(name) or {})


def _plan(folder: Path) -> dict[str, Any]:
    """What experiment.json says, which has its shape; nothing where there is none."""
    path = folder / _NAME
    tried = f"reading {path}"
    if wrong := in_its_place(path):
        raise DamagedRunError(tried, f"it is {wrong}", "What was planned stands in it: put it back, or take it away.")
    if not path.is_file():
        return {}
    found = json_value(file_bytes(path, error=RunFormatError), tried=tried, error=DamagedRunError)
    if misfit := next(misfits(found, _SHAPE), None):
        raise DamagedRunError(tried, f"it does not name the planned scenarios: {misfit}")
    plan: dict[str, Any] = found
    return plan
