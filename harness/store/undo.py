"""What must be undone on a cluster <-> the `undo.json` and `cordon.json` of a run, on disk before it is done.

Images, names and owners stand in it as they are, and no value that may be secret: see `harness.runner.putting_back`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import RunFormatError
from harness.inputs.files import file_bytes
from harness.inputs.json_text import json_value
from harness.inputs.shape import ANY, FLAG, TEXT, map_of, misfits
from harness.model.run import FORMAT
from harness.model.undo import Cordon, Undo
from harness.store.presence import in_its_place
from harness.store.writer import replace_file

UNDO = "undo.json"
CORDON = "cordon.json"

_Shape = dict[str, Any]
_CORDON: _Shape = {"format!": ANY, "cluster!": TEXT, "node!": TEXT, "uid!": TEXT, "done": FLAG}
_UNDO: _Shape = {
    **{f"{name}!": TEXT for name in ("cluster", "namespace", "kind", "name", "uid", "rest")},
    **{
        "format!": ANY,
        "patch!": map_of(ANY),
        "written!": [map_of(ANY)],
        "managed_fields!": [map_of(ANY)],
        "done": FLAG,
    },
}
_Record = TypeVar("_Record", Undo, Cordon)


def write_undo(folder: Path, undo: Undo) -> None:
    """Write a scenario's undo.json, atomically.

    Raises:
        OutputError: it cannot be written.
    """
    replace_file(folder / UNDO, json.dumps({"format": FORMAT, **asdict(undo)}, indent=1))


def write_cordon(folder: Path, cordon: Cordon) -> None:
    """Write a scenario's cordon.json, atomically.

    Raises:
        OutputError: it cannot be written.
    """
    replace_file(folder / CORDON, json.dumps({"format": FORMAT, **asdict(cordon)}, indent=1))


def is_pending(folder: Path) -> bool:
    """Whether a scenario's run has something to put back, or may have: what cannot be read is not known to be done."""
    try:
        found = (read_undo(folder), read_cordon(folder))
    except RunFormatError:
        return True
    return any(one is not None and not one.done for one in found)


def read_undo(folder: Path) -> Undo | None:
    """What a scenario's run changed and has to put back; None where it had nothing to put back.

    Raises:
        RunFormatError: the file cannot be read, or does not say what it must.
    """

    def undo(found: dict[str, Any]) -> Undo:
        return Undo(**{**found, **{name: tuple(found[name]) for name in ("written", "managed_fields")}})

    return _read(folder / UNDO, _UNDO, undo, "Put the workload back by hand: kubectl rollout undo.")


def read_cordon(folder: Path) -> Cordon | None:
    """The node that a scenario's run cordoned; None where it did not.

    Raises:
        RunFormatError: the file cannot be read, or does not say what it must.
    """
    do = "Look at kubectl get nodes, and kubectl uncordon."
    return _read(folder / CORDON, _CORDON, lambda found: Cordon(**found), do)


def _read(path: Path, shape: _Shape, record: Callable[[dict[str, Any]], _Record], do: str) -> _Record | None:
    tried = f"reading {path}"
    if wrong := in_its_place(path):
        raise RunFormatError(tried, f"it is {wrong}", do)
    if not path.is_file():
        return None
    found = json_value(file_bytes(path, error=RunFormatError), tried=tried, error=RunFormatError, do=do)
    misfit = next(misfits(found, shape), None)
    if misfit:
        raise RunFormatError(tried, f"it does not say what is to be undone: {misfit}", do)
    if (format_ := found.pop("format")) != FORMAT:
        raise RunFormatError(tried, f"its format is {format_}, and this version reads {FORMAT}", do)
    return record({name: value for name, value in found.items() if f"{name}!" in shape or name in shape})
