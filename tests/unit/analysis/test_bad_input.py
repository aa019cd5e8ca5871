"""What a run directory must not break: a clear word each, or the right result."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from harness.analysis import judge
from harness.errors import RunFormatError
from harness.model.observation import Observation
from harness.model.result import Verdict
from harness.store.reader import read_run

from .literal import history

HEADER = (
    "stream,worker,seq,scheduled,started,connected,first_byte,ended,local_port,reused,outcome,status,bytes,pod,via\n"
)
DROPPING = """
    update 8.0 complete 9.0 settled 9.8
    pod old-1 deleted 8.5 ended 8.8 gone 9.0
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..30 every 0.05 by new-1
    connect-refused new 8.6
"""


def row(seq: int, t: float, outcome: str = "ok", pod: str = "web-1") -> str:
    return f"new,0,{seq},{t},{t},{t},{t},{t},20000,0,{outcome},200,1,{pod},\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "run.json").write_text(json.dumps({"format": 1, "scenario": "s", "variant": "s", "finished": True}))
    (tmp_path / "requests.csv").write_text(HEADER + "".join(row(n, n / 10) for n in range(50)))
    (tmp_path / "timeline.jsonl").write_text("")
    return tmp_path


def test_an_empty_table_of_requests_is_no_evidence(folder: Path) -> None:
    (folder / "requests.csv").write_text(HEADER)
    assert judge(read_run(folder)).reason == "no-requests"


@pytest.mark.parametrize("name", ["requests.csv", "timeline.jsonl", "run.json"])
def test_a_missing_file_is_said(folder: Path, name: str) -> None:
    (folder / name).unlink()
    result = judge(read_run(folder))
    assert f"{name} is missing" in result.notes
    assert result.verdict == Verdict.INCONCLUSIVE


def test_an_empty_file_is_said(folder: Path) -> None:
    (folder / "requests.csv").write_bytes(b"")
    assert "requests.csv is empty" in judge(read_run(folder)).notes


def test_rows_that_came_twice_count_once(folder: Path) -> None:
    with (folder / "requests.csv").open("a") as file:
        file.write(row(3, 0.3) + row(4, 0.4))
    result = judge(read_run(folder))
    assert result.requests == 50
    assert "2 rows of requests.csv came twice" in result.notes


def test_torn_and_foreign_lines_are_left_out_and_said(folder: Path) -> None:
    with (folder / "requests.csv").open("a") as file:
        file.write("new,0,5new,0,60,1\n" + HEADER + "\x00\x00\xff\n" + row(60, 6.0, "no-such-outcome") + "new,0,61,6.")
    result = judge(read_run(folder))
    assert result.requests == 50
    assert any("torn" in note for note in result.notes)
    assert "4 lines (52, 53, 54, 55) of requests.csv cannot be read (6 cells of 15)" in result.notes


def test_torn_and_foreign_events_are_left_out_and_said(folder: Path) -> None:
    good = json.dumps({"t": 1.0, "kind": "Mark", "type": "control-start", "object": {}})
    bad = [
        '{"t": "soon"}',
        "[]",
        "null",
        '{"t": 1, "kind": "Pod", "type": "ADDED"}',
        '{"t": NaN, "object": {}}',
        '{"t": 1.',
    ]
    (folder / "timeline.jsonl").write_text("\n".join([good, *bad]))
    run = read_run(folder)
    assert [seen.type for seen in run.timeline] == ["control-start"]
    assert len(run.damage) == 2
    judge(run)


def test_a_file_that_is_no_table_is_refused(folder: Path) -> None:
    (folder / "requests.csv").write_bytes(bytes(range(256)) * 40)
    with pytest.raises(RunFormatError, match="names no stream"):
        read_run(folder)


def test_columns_in_another_order_and_missing_ones_are_read(folder: Path) -> None:
    (folder / "requests.csv").write_text("seq,outcome,stream,scheduled,worker\n1,ok,new,0.5,0\n2,ok,new,0.6,0\n")
    assert judge(read_run(folder)).requests == 2


def test_a_newer_format_is_refused(folder: Path) -> None:
    (folder / "run.json").write_text(json.dumps({"format": 2}))
    with pytest.raises(RunFormatError, match="format 2"):
        read_run(folder)


def test_a_pod_name_full_of_tricks_is_only_a_name(folder: Path) -> None:
    name = '"<script>alert(1)</script>, \u202e{0}%s\\n"'
    quoted = '"' + name.replace('"', '""') + '"'
    with (folder / "requests.csv").open("a", encoding="utf-8") as file:
        file.write(row(90, 5.0, pod=quoted) + row(91, 5.1))
    run = read_run(folder)
    assert name in run.requests["pod"].to_list()
    assert judge(run).requests == 52


def test_evidence_bears_braces_in_names() -> None:
    text = DROPPING.replace("old-1", "{outcome}{0!r}")
    (failure,) = judge(history(text)).failures
    assert "{outcome}{0!r}" in failure.evidence


def test_a_clock_that_goes_backwards_is_said() -> None:
    run = history(DROPPING)
    back = pl.when(pl.col("seq") % 7 == 0).then(pl.col("started") - 3.0).otherwise("ended").alias("ended")
    result = judge(replace(run, requests=run.requests.with_columns(back)))
    assert any("backwards" in note for note in result.notes)
    assert result.verdict == Verdict.DROPPING


def test_events_out_of_order_are_put_in_order(folder: Path) -> None:
    run = history(DROPPING)
    lines = [json.dumps({"t": s.t, "kind": s.kind, "type": str(s.type), "object": s.object}) for s in run.timeline]
    (folder / "timeline.jsonl").write_text("\n".join([*lines[len(lines) // 2 :], *lines[: len(lines) // 2]]))
    read = read_run(folder).timeline
    assert [seen.t for seen in read] == sorted(seen.t for seen in run.timeline)
    assert judge(replace(run, timeline=read)) == judge(run)


def test_the_order_of_events_matters_to_the_judgement() -> None:
    """So that the reader's sorting is worth something: backwards, no pod is seen to go."""
    run = history(DROPPING)
    backwards = tuple(reversed(run.timeline))
    assert judge(replace(run, timeline=backwards)).causes != judge(run).causes


def test_events_that_came_twice_change_nothing() -> None:
    run = history(DROPPING)
    twice = tuple(sorted([*run.timeline, *run.timeline], key=lambda seen: seen.t))
    assert judge(replace(run, timeline=twice)) == judge(run)


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"metadata": None, "spec": None, "status": None},
        {"metadata": {"name": "x"}, "status": {"conditions": None, "containerStatuses": None, "podIPs": None}},
        {"metadata": {"uid": "u", "labels": None, "ownerReferences": None, "annotations": None}, "endpoints": None},
        {"reason": None, "message": None, "involvedObject": None},
        {"metadata": {"uid": "u", "creationTimestamp": "yesterday"}, "status": {"podIP": "fd00::1"}},
    ],
)
@pytest.mark.parametrize(
    "kind", ["Pod", "ReplicaSet", "Deployment", "StatefulSet", "EndpointSlice", "Event", "Mark", "X"]
)
def test_events_that_say_nothing_do_no_harm(kind: str, odd: dict[str, object]) -> None:
    run = history(DROPPING)
    strange = Observation(t=2.0, kind=kind, type="MODIFIED", object=odd)
    result = judge(replace(run, timeline=tuple(sorted([*run.timeline, strange], key=lambda seen: seen.t))))
    assert result.verdict == Verdict.DROPPING


def test_ipv6_endpoints_are_endpoints() -> None:
    run = history(DROPPING)
    six = tuple(
        replace(seen, object={**seen.object, "addressType": "IPv6"}) if seen.kind == "EndpointSlice" else seen
        for seen in run.timeline
    )
    assert judge(replace(run, timeline=six)).causes == {"termination-race": 1}


def test_an_address_that_comes_again_belongs_to_the_pod_that_has_it_then() -> None:
    run = history(DROPPING)
    shared = tuple(
        replace(seen, object={**seen.object, "status": {**seen.object["status"], "podIP": "10.0.0.7"}})
        if seen.kind == "Pod"
        else seen
        for seen in run.timeline
    )
    (failure,) = judge(replace(run, timeline=shared)).failures
    assert failure.pod == "old-1"
