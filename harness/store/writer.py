"""What happens in a run -> its directory, on disk before it is needed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness.model.request import COLUMNS
from harness.model.run import RunInfo
from harness.store.redact import redact
from harness.store.run_json import to_json


class RunWriter:
    """The only writer of a run directory. Every line is handed to the kernel at once, so that `kill -9` loses none."""

    def __init__(self, folder: Path, info: RunInfo) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self._info = replace(info, manifests=tuple(redact(manifest) for manifest in info.manifests))
        self._requests = (folder / "requests.csv").open("ab", buffering=0)
        self._timeline = (folder / "timeline.jsonl").open("ab", buffering=0)
        self._workers = (folder / "workers.jsonl").open("ab", buffering=0)
        self._requests.write(",".join(COLUMNS).encode() + b"\n")
        replace_file(folder / "run.json", json.dumps(to_json(self._info), indent=1))

    @property
    def info(self) -> RunInfo:
        """As run.json has it."""
        return self._info

    def update(self, **changes: Any) -> None:
        """Replace these fields of run.json, atomically."""
        self._info = replace(self._info, **changes)
        replace_file(self.folder / "run.json", json.dumps(to_json(self._info), indent=1))

    def requests(self, lines: Iterable[bytes]) -> None:
        """Append rows of requests.csv as a worker printed them, without their line ends."""
        self._requests.write(b"".join(line + b"\n" for line in lines))

    def observe(self, t: float, kind: str, type_: str, object_: dict[str, Any]) -> None:
        """Append one line to the timeline; watch events are redacted."""
        kept = object_ if kind == "Mark" else redact(object_)
        self._timeline.write(_json_line({"t": round(t, 6), "kind": kind, "type": type_, "object": kept}))

    def worker_second(self, statistics: dict[str, Any]) -> None:
        """Append one line to workers.jsonl."""
        self._workers.write(_json_line(statistics))

    def close(self) -> None:
        """Close the files. What is in them is whole at any time."""
        for file in (self._requests, self._timeline, self._workers):
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _json_line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(errors="replace") + b"\n"


def replace_file(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old or the new content, never a part."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text + "\n", encoding="utf-8")
    os.replace(new, path)  # noqa: PTH105 - the one rename that is atomic and overwrites everywhere
