"""What happens in a run -> its directory, on disk before it is needed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness.model.request import COLUMNS
from harness.model.run import RunInfo
from harness.redaction import Redaction, door
from harness.store.output import output_error
from harness.store.run_json import to_json

_IN_WORDS = ("provisos", "applied", "stopped", "server")
"""What of run.json is said in words, some of which are somebody else's."""


class RunWriter:
    """The only writer of a run directory. Every line is handed to the kernel at once, so that `kill -9` loses none.

    All that it writes goes through `redaction`, that of this process where none is given.
    """

    def __init__(self, folder: Path, info: RunInfo, *, redaction: Redaction | None = None) -> None:
        self.folder = folder
        self._redaction = redaction or door()
        cluster = replace(info.cluster, server=self._clean("server", info.cluster.server))
        told = {name: getattr(info, name) for name in ("manifests", "provisos", "applied", "stopped")}
        self._info = replace(info, **self._cleaned(told), cluster=cluster)
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise output_error(folder, error) from error
        self._requests = _Lines(folder / "requests.csv")
        self._timeline = _Lines(folder / "timeline.jsonl")
        self._workers = _Lines(folder / "workers.jsonl")
        self._commands: dict[int, _Lines] = {}
        self._requests.write(",".join(COLUMNS).encode() + b"\n")
        replace_file(folder / "run.json", json.dumps(to_json(self._info), indent=1))

    @property
    def info(self) -> RunInfo:
        """As run.json has it."""
        return self._info

    def update(self, **changes: Any) -> None:
        """Replace these fields of run.json, atomically."""
        self._info = replace(self._info, **self._cleaned(changes))
        replace_file(self.folder / "run.json", json.dumps(to_json(self._info), indent=1))

    def requests(self, lines: Iterable[bytes]) -> None:
        """Append rows of requests.csv as a worker printed them, without their line ends."""
        self._requests.write(b"".join(self._redaction.row(line) + b"\n" for line in lines))

    def observe(self, t: float, kind: str, type_: str, object_: dict[str, Any]) -> None:
        """Append one line to the timeline: a watch event, or a mark of our own."""
        kept = self._redaction.object(object_)
        self._timeline.write(_json_line({"t": round(t, 6), "kind": kind, "type": type_, "object": kept}))

    def worker_second(self, statistics: dict[str, Any]) -> None:
        """Append one line to workers.jsonl."""
        self._workers.write(_json_line(statistics))

    def command_line(self, rollout: int, t: float, line: str) -> None:
        """Append a line that the deploy command of a rollout printed to `command-ROLLOUT.log`, with when it came."""
        if rollout not in self._commands:
            self._commands[rollout] = _Lines(self.folder / f"command-{rollout}.log")
        self._commands[rollout].write(f"{t:.3f} {self._redaction.text(line)}\n".encode(errors="replace"))

    def _cleaned(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._clean(name, value) for name, value in fields.items()}

    def _clean(self, name: str, value: Any) -> Any:
        """A field of run.json without secrets: manifests by their structure, what is said in words as text."""
        if name == "manifests":
            return tuple(map(self._redaction.object, value))
        if name == "commands":
            return tuple(replace(run, command=self._redaction.text(run.command)) for run in value)
        if name not in _IN_WORDS or value is None:
            return value
        return self._redaction.text(value) if isinstance(value, str) else tuple(map(self._redaction.text, value))

    def close(self) -> None:
        """Close the files. What is in them is whole at any time."""
        for file in (self._requests, self._timeline, self._workers, *self._commands.values()):
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class _Lines:
    """A file that grows by whole lines; what a full disk cut off is taken back, so that it stays readable."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise output_error(path, error) from error

    def write(self, lines: bytes) -> None:
        """Append them. Raises OutputError where they cannot be written; then none of them is."""
        rest, written = memoryview(lines), 0
        try:
            while written < len(lines):
                written += self._file.write(rest[written:])
        except OSError as error:
            if written:
                self._file.truncate(os.fstat(self._file.fileno()).st_size - written)
            raise output_error(self._path, error) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _json_line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(errors="replace") + b"\n"


def replace_file(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old or the new content, never a part.

    Raises:
        OutputError: it cannot be written; the old one is there as before.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        try:
            new.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
            os.replace(new, path)  # noqa: PTH105 - the one rename that is atomic and overwrites everywhere
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise output_error(path, error) from error
