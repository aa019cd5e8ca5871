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
from harness.model.run import FORMAT
from harness.model.undo import Cordon, Undo
from harness.store.writer import replace_file

UNDO = "undo.json"
CORDON = "cordon.json"

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

    return _read(folder / UNDO, undo, "Put the workload back by hand: kubectl rollout undo.")


def read_cordon(folder: Path) -> Cordon | None:
    """The node that a scenario's run cordoned; None where it did not.

    Raises:
        RunFormatError: the file cannot be read, or does not say what it must.
    """
    return _read(folder / CORDON, lambda found: Cordon(**found), "Look at kubectl get nodes, and kubectl uncordon.")


def _read(path: Path, record: Callable[[dict[str, Any]], _Record], do: str) -> _Record | None:
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_bytes())
        if (format_ := found.pop("format")) != FORMAT:
            raise ValueError(f"its format is {format_}, and this version reads {FORMAT}")
        return record(found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunFormatError(f"reading {path}", f"it does not say what is to be undone ({error})", do) from None
