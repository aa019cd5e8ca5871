"""Lines of a trace: what is read, in which order, and what is refused with which words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.traces.trace import ChangeType, parse_trace, read_trace


def row(t: float, version: str, *, name: str = "a", type_: str = "MODIFIED", kind: str = "Pod") -> dict[str, Any]:
    metadata = {"name": name, "uid": name, "resourceVersion": version}
    return {"t": t, "kind": kind, "type": type_, "object": {"metadata": metadata}}


def parsed(*rows: dict[str, Any]) -> list[str]:
    trace = parse_trace("t", [json.dumps(row).encode() for row in rows])
    return [f"{change.name}@{change.t:g}" for change in trace.changes]


def test_changes_are_in_the_order_in_which_they_were_stored() -> None:
    assert parsed(row(0.1, "10", name="pod"), row(0.2, "9", name="set")) == ["set@0.2", "pod@0.1"]


def test_where_versions_are_no_numbers_the_time_decides() -> None:
    assert parsed(row(0.2, "x", name="later"), row(0.1, "y", name="earlier")) == ["earlier@0.1", "later@0.2"]


def test_an_end_told_by_a_new_list_comes_after_what_was_known() -> None:
    trace = parse_trace("t", [json.dumps(r).encode() for r in (row(0.1, "5"), row(9, "5", type_="DELETED"))])
    assert [change.type for change in trace.changes] == [ChangeType.MODIFIED, ChangeType.DELETED]


def test_marks_stand_apart_from_changes() -> None:
    mark = {"t": 0, "kind": "Mark", "type": "create", "object": {"kind": "Deployment"}}
    trace = parse_trace("t", [json.dumps(mark).encode(), json.dumps(row(1, "1")).encode()])
    assert [mark.type for mark in trace.marks] == ["create"]
    assert len(trace.changes) == 1


def test_a_last_line_that_a_killed_recorder_tore_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "torn.jsonl"
    file.write_bytes(json.dumps(row(0, "1")).encode() + b'\n{"t": 1, "ki')
    assert len(read_trace(file).changes) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it holds no change and no mark"),
        ("{", "line 1: it is not JSON"),
        ("[]\n", "line 1: it has no t, kind, type and object"),
        ('{"t": 0, "kind": "Pod"}\n', "line 1: it has no t, kind, type and object"),
        ('{"t": "0", "kind": "Pod", "type": "ADDED", "object": {}}\n', "t is no number"),
        ('{"t": 0, "kind": "Pod", "type": "ADDED", "object": {"metadata": {}}}\n', "name and uid"),
        (
            '{"t": 0, "kind": "Pod", "type": "BOOKMARK", "object": {"metadata": {"name": "a", "uid": "a"}}}\n',
            "no watch",
        ),
        ('{"t": 0, "kind": "Mark", "type": "update", "object": 3}\n', "it is no mark"),
    ],
)
def test_what_is_no_trace_is_refused_by_its_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"bad\.jsonl") as refused:
        read_trace(file)
    assert said in str(refused.value)


def test_binary_and_missing_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\x89PNG\r\n\x1a\n\0\xff\n")
    with pytest.raises(UsageError, match="not JSON"):
        read_trace(tmp_path / "binary")
    with pytest.raises(UsageError, match="there is no such file"):
        read_trace(tmp_path / "missing")
