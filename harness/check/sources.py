"""Paths, folders and standard input -> the texts of manifests, and what holds none, each with the reason."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.check.report import PassedOver, Place
from harness.errors import ManifestError
from harness.inputs.files import STANDARD_INPUT, file_text, standard_input_text

STANDARD_INPUT_NAME = "standard-input"
_ENDINGS = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A text. `given`: it was named itself, and not found in a folder."""

    file: str
    text: str
    given: bool

    @property
    def folder(self) -> str:
        """Where its file is."""
        return str(Path(self.file).parent)


def sources(paths: Iterable[Path]) -> Iterator[Source | PassedOver]:
    """All texts, each file once, folders with what is below them in the order of their names.

    Hidden folders (`.git`) are no manifests' place.

    Raises:
        ManifestError: nothing comes on standard input.
    """
    seen: set[str] = set()
    for path in paths:
        if str(path) == STANDARD_INPUT:
            text = standard_input_text(what="manifests", error=ManifestError, hint="Pipe: helm template ... | ...")
            yield Source(file=STANDARD_INPUT_NAME, text=text, given=True)
            continue
        is_folder = path.is_dir()
        for file in _below(path) if is_folder else (path,):
            if str(file) not in seen:
                seen.add(str(file))
                yield _source(file, given=not is_folder)


def _source(file: Path, *, given: bool) -> Source | PassedOver:
    if not given and file.suffix.lower() not in _ENDINGS:
        return PassedOver(
            place=Place(file=str(file)), why=f"it is no {', '.join(_ENDINGS[:-1])} or {_ENDINGS[-1]} file"
        )
    try:
        return Source(file=str(file), text=file_text(file, error=ManifestError), given=given)
    except ManifestError as error:
        return PassedOver(place=Place(file=str(file)), why=error.seen, refused=True)


def _below(folder: Path) -> Iterator[Path]:
    def refused(error: OSError) -> None:
        raise ManifestError(f"reading {error.filename}", str(error.strerror), "Name what can be read.")

    for where, folders, files in os.walk(folder, onerror=refused):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(where) / name for name in sorted(files))
