"""What must be undone on a cluster <-> the `undo.json` of a run, on disk before it is done.

Images, names and owners stand in it as they are, and no value that may be secret: see `harness.runner.putting_back`.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from harness.errors import RunFormatError
from harness.model.run import FORMAT
from harness.model.undo import Undo
from harness.store.writer import replace_file

UNDO = "undo.json"


def write_undo(folder: Path, undo: Undo) -> None:
    """Write a scenario's undo.json, atomically.

    Raises:
        OutputError: it cannot be written.
    """
    replace_file(folder / UNDO, json.dumps({"format": FORMAT, **asdict(undo)}, indent=1))


def is_pending(folder: Path) -> bool:
    """Whether a scenario's run has something to put back, or may have: what cannot be read is not known to be done."""
    try:
        undo = read_undo(folder)
    except RunFormatError:
        return True
    return undo is not None and not undo.done


def read_undo(folder: Path) -> Undo | None:
    """What a scenario's run changed and has to put back; None where it had nothing to put back.

    Raises:
        RunFormatError: the file cannot be read, or does not say what it must.
    """
    path = folder / UNDO
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_bytes())
        if (format_ := found.pop("format")) != FORMAT:
            raise ValueError(f"its format is {format_}, and this version reads {FORMAT}")
        return Undo(**{**found, **{name: tuple(found[name]) for name in ("written", "managed_fields")}})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        do = "Put the workload back by hand: kubectl rollout undo."
        raise RunFormatError(f"reading {path}", f"it does not say what is to be undone ({error})", do) from None
