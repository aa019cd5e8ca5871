"""JSON lines `{t, kind, type, object}` -> a trace: what the watches of one namespace showed, and what was done to it.

A mark (`kind: Mark`) says what was done from outside (`create` with the manifest, `update` with its strategic merge
patch, `gate-true`: the readiness gate of a pod that waited for it, `delete`) or what was reached (`created-complete`,
`rollout-complete`, `pods-settled`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.inputs.files import file_bytes
from harness.inputs.json_text import json_value
from harness.inputs.shape import is_number
from harness.spec.observed_shape import observed_fault

Object = dict[str, Any]

MARK = "Mark"
_MOST_BYTES = 500_000_000  # a night of rollouts
_ADVICE = "A trace has one JSON object a line: t (seconds), kind, type, object."


class ChangeType(StrEnum):
    """Kubernetes' watch event types."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


_CHANGE_TYPES = tuple(map(str, ChangeType))


class MarkType(StrEnum):
    """What was done from outside, or reached."""

    CREATE = "create"
    CREATED_COMPLETE = "created-complete"
    UPDATE = "update"
    ROLLOUT_COMPLETE = "rollout-complete"
    PODS_SETTLED = "pods-settled"
    GATE_TRUE = "gate-true"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One object as a watch showed it `t` seconds after the start.

    `place`: where it stands among all changes of the trace. That is the resourceVersion where those are numbers: then
    the order is the one in which the API stored the objects, not the one in which the watches happened to deliver them.
    """

    t: float
    kind: str
    type: ChangeType
    object: Object
    place: float

    @property
    def uid(self) -> str:
        """Of the object."""
        return str(self.object["metadata"]["uid"])

    @property
    def name(self) -> str:
        """Of the object."""
        return str(self.object["metadata"]["name"])

    @property
    def spec(self) -> Object:
        """The object's spec; empty where it has none."""
        return self.object.get("spec") or {}

    @property
    def status(self) -> Object:
        """The object's status; empty where it has none."""
        return self.object.get("status") or {}

    @property
    def deleting(self) -> bool:
        """Whether its deletion has been asked for."""
        return bool(self.object["metadata"].get("deletionTimestamp"))

    @property
    def gone(self) -> bool:
        """Whether this is its end."""
        return self.type is ChangeType.DELETED

    def condition(self, name: str) -> Object:
        """The condition of that type; empty where there is none."""
        return next((c for c in self.status.get("conditions") or () if c["type"] == name), {})

    def holds(self, name: str) -> bool:
        """Whether the condition of that type is True."""
        return self.condition(name).get("status") == "True"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something done or reached `t` seconds after the start; `object`: the manifest, the patch, or None."""

    t: float
    type: str
    object: Object | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A recording. `changes` are in order of their `place`, `marks` in order of time."""

    name: str
    changes: tuple[Change, ...]
    marks: tuple[Mark, ...]

    def marked(self, type_: MarkType) -> tuple[Mark, ...]:
        """The marks of that type."""
        return tuple(mark for mark in self.marks if mark.type == type_)


def read_trace(path: Path) -> Trace:
    """The trace in a file.

    Raises:
        UsageError: the file is missing or holds something that is no trace.
    """
    data = file_bytes(path, error=UsageError, hint=_ADVICE, most=_MOST_BYTES)
    lines = data.split(b"\n")
    if len(lines) > 1 and _is_torn(lines[-1]):
        del lines[-1]
    return parse_trace(path.stem, lines, place=str(path))


def _is_torn(last: bytes) -> bool:
    """Whether a recorder was killed while it wrote this line."""
    try:
        json.loads(last)
    except ValueError:
        return True
    except RecursionError:  # which is told of it as of any other line
        return False
    return False


def parse_trace(name: str, lines: Iterable[bytes], *, place: str | None = None) -> Trace:
    """The trace in these lines; `place` is what an error calls it.

    Raises:
        UsageError: a line is no change and no mark, or there is none at all.
    """
    tried = f"reading {place or name}"
    rows = [_row(line, f"{tried}, line {number}") for number, line in enumerate(lines, start=1) if line.strip()]
    if not rows:
        raise UsageError(tried, "it holds no change and no mark", _ADVICE)
    rows.sort(key=lambda row: float(row["t"]))
    marks = tuple(Mark(t=float(r["t"]), type=r["type"], object=r["object"]) for r in rows if r["kind"] == MARK)
    changes = _placed([row for row in rows if row["kind"] != MARK])
    return Trace(name=name, changes=tuple(sorted(changes, key=lambda change: change.place)), marks=marks)


def _row(line: bytes, tried: str) -> dict[str, Any]:
    row = json_value(line, tried=tried, error=UsageError, do=_ADVICE)
    if not isinstance(row, dict) or not {"t", "kind", "type", "object"} <= row.keys():
        raise UsageError(tried, "it has no t, kind, type and object", _ADVICE)
    if not is_number(row["t"]) or not isinstance(row["kind"], str):
        raise UsageError(tried, "t is no number, or kind no text", _ADVICE)
    if row["kind"] == MARK:
        if not isinstance(row["type"], str) or not isinstance(row["object"], dict | None):
            raise UsageError(tried, "it is no mark", _ADVICE)
        return row
    metadata = row["object"].get("metadata") if isinstance(row["object"], dict) else None
    if not isinstance(metadata, dict) or not {"name", "uid"} <= metadata.keys() or row["type"] not in _CHANGE_TYPES:
        raise UsageError(tried, "it is no watch event of an object with name and uid", _ADVICE)
    if fault := observed_fault(row["kind"], row["object"]):
        raise UsageError(tried, f"it is no event as the API sends it: {fault}", "Is it damaged?")
    return row


def _placed(rows: list[dict[str, Any]]) -> list[Change]:
    versions = [str(row["object"]["metadata"].get("resourceVersion") or "") for row in rows]
    numbered = all(version.isdecimal() for version in versions)
    latest: dict[str, float] = {}
    changes = []
    for index, (row, version) in enumerate(zip(rows, versions, strict=True)):
        uid = str(row["object"]["metadata"]["uid"])
        place = float(version) if numbered else float(index)
        if place <= latest.get(uid, -1.0):  # what a list after a lost watch tells of an end has the last version known
            place = latest[uid] + 0.5
        latest[uid] = place
        changes.append(
            Change(t=float(row["t"]), kind=row["kind"], type=ChangeType(row["type"]), object=row["object"], place=place)
        )
    return changes
