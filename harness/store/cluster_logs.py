"""A folder of a cluster's logs -> the same in a run directory, through the door that takes out secrets."""

from __future__ import annotations

from pathlib import Path

from harness.redaction import door

FOLDER = "cluster-logs"
MOST_BYTES = 4 * 1024 * 1024
"""Of a file its end: a node's journal grows with the age of its cluster."""


def write_logs(logs: Path, folder: Path) -> Path:
    """Write every file of `logs` into the folder `cluster-logs` of a run; links and what is no file are left out."""
    into = folder / FOLDER
    for file in sorted(logs.rglob("*")):
        if file.is_symlink() or not file.is_file():
            continue
        place = into / file.relative_to(logs)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(door().text(_end(file)), encoding="utf-8")
    return into


def _end(file: Path) -> str:
    size = file.stat().st_size
    with file.open("rb") as opened:
        opened.seek(max(0, size - MOST_BYTES))
        if size > MOST_BYTES:
            opened.readline()  # the first of them is torn
        return opened.read().decode(errors="replace")
