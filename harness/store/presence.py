"""The path of a record's file -> whether the file is there, or in words what is in its place."""

from __future__ import annotations

from pathlib import Path


def is_there(path: Path, damage: list[str] | None = None) -> bool:
    """Whether it is; `damage` takes why not."""
    if path.is_file():
        return True
    if damage is not None:
        damage.append(f"{path.name} is {in_its_place(path) or 'missing'}")
    return False


def in_its_place(path: Path) -> str:
    """What stands there and is no file; empty where one does, or nothing."""
    if path.is_dir():
        return "a folder (directory), not a file"
    return "no regular file" if path.exists() and not path.is_file() else ""
