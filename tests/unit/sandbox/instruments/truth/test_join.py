"""A recorder's lines and a run directory become truth.csv and truth-pods.json on the run's clock."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from harness.sandbox.instruments.truth.join import Joined, write_truth
from harness.sandbox.instruments.truth.world import TruthIncomplete, world

CLIENT, SERVICE = "10.200.1.10", ["10.96.0.9", 80]
ZERO_NS, T0_WALL = 7_000_000_000_000, 1_800_000_000.0
COLUMNS = (
    "stream,worker,seq,scheduled,started,connected,first_byte,ended,local_port,reused,outcome,status,bytes,pod,via"
)


def line(kind: str, t: float, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "t_ns": ZERO_NS + round(t * 1e9), "node": "node1", **fields}


def flow(t: float, port: int, pod: str, event: str = "new") -> dict[str, Any]:
    return line("flow", t, event=event, client=[CLIENT, port], addressed=SERVICE, answering=[pod, 80])


def sync(start: float, end: float, *endpoints: str) -> dict[str, Any]:
    times = {"start_ns": ZERO_NS + round(start * 1e9), "end_ns": ZERO_NS + round(end * 1e9)}
    return {"kind": "sync", "node": "node1", **times, "services": {"10.96.0.9:80": list(endpoints)}}


# Pod a is stopped at 10 s; its network goes at 10.2 s; the rules without it come at 11 s; b comes at 12 s.
RECORD = [
    line("clock", -3.0, wall_ns=round((T0_WALL - 3) * 1e9)),
    line("pod", -2.0, uid="a", address="10.244.1.2"),
    line("listening", -1.0, since_ns=ZERO_NS - 1_010_000_000, uid="a", ports=[80]),
    sync(-0.5, -0.48, "10.244.1.2:80"),
    flow(1.0001, 41000, "10.244.1.2"),
    flow(1.5001, 41001, "10.244.1.2"),
    line("exited", 10.0, uid="a", pid=40),
    line("listening", 10.005, since_ns=ZERO_NS + 9_995_000_000, uid="a", ports=[]),
    flow(10.1001, 41002, "10.244.1.2"),
    line("network-gone", 10.2, address="10.244.1.2"),
    flow(10.5001, 41003, "10.244.1.2"),
    sync(10.98, 11.0),
    line("pod", 11.8, uid="b", address="10.244.1.3"),
    sync(12.98, 13.0, "10.244.1.3:80"),
    flow(14.0001, 41005, "10.244.1.3"),
]


def watched(t: float, uid: str, type_: str = "MODIFIED", **more: Any) -> dict[str, Any]:
    shown = {
        "metadata": {"uid": uid, "name": f"web-{uid}", **more},
        "spec": {"containers": [{"image": "app:1"}]},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
    return {"t": t, "kind": "Pod", "type": type_, "object": shown}


TIMELINE = [
    watched(0.1, "a", "ADDED"),
    watched(9.9, "a", deletionTimestamp="2026-01-01T00:00:30Z"),
    watched(10.4, "a", "DELETED", deletionTimestamp="2026-01-01T00:00:30Z"),
    watched(12.0, "b", "ADDED"),
]
REQUESTS = """\
new,0,0,1.0,1.000000,1.0002,1.0004,1.0005,41000,0,ok,200,2,web-a,
kept,0,0,1.5,1.500000,1.5002,1.5004,1.5005,41001,0,ok,200,2,web-a,
kept,0,1,1.7,1.700000,1.7001,1.7004,1.7005,41001,1,ok,200,2,web-a,
kept,0,2,9.9995,9.999500,9.9995,,10.0000,41001,1,reset-before-response,,,,
new,0,1,10.1,10.100000,,,10.1003,41002,0,connect-refused,,,,
new,0,2,10.5,10.500000,,,11.5000,41003,0,connect-timeout,,,,
new,0,3,12.0,12.000000,,,12.0002,41004,0,connect-refused,,,,
new,0,4,14.0,14.000000,14.0002,14.0004,14.0005,41005,0,status,503,2,web-b,
new,0,5,14.1,,,,,,0,unsent,,,,
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    info = {"t0_wall": T0_WALL, "load": {"source_addresses": [CLIENT]}}
    (tmp_path / "run.json").write_text(json.dumps(info))
    (tmp_path / "timeline.jsonl").write_text("".join(json.dumps(seen) + "\n" for seen in TIMELINE))
    (tmp_path / "requests.csv").write_text(f"{COLUMNS}\n{REQUESTS}")
    return tmp_path


def record(run: Path, lines: list[dict[str, Any]]) -> Path:
    (run / "record.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    return run / "record.jsonl"


def test_every_request_gets_its_pod_and_every_failed_one_its_cause(run: Path) -> None:
    joined = write_truth(run, record(run, RECORD))
    with (run / "truth.csv").open(newline="") as file:
        rows = [",".join(row) for row in csv.reader(file)]
    assert rows == [
        "stream,worker,seq,sent_to_pod,cause,detail",
        "new,0,0,web-a,,",
        "kept,0,0,web-a,,",
        "kept,0,1,web-a,,",
        "kept,0,2,web-a,idle-close,keepalive-close-race",
        "new,0,1,web-a,termination-race,listener-closed",
        "new,0,2,web-a,termination-race,pod-network-gone",
        "new,0,3,,no-endpoints,rejected",
        "new,0,4,web-b,application,status-from-live-pod",
        "new,0,5,,,",
    ]
    assert joined == Joined(requests=9, failed=5, unexplained=0, named=4, agreeing=4)


def test_pods_and_syncs_are_told_on_the_runs_clock(run: Path) -> None:
    write_truth(run, record(run, RECORD))
    told = json.loads((run / "truth-pods.json").read_text())
    first = told["pods"][0]
    assert (first["pod"], first["ip"], first["deletion"], first["deleted"]) == ("web-a", "10.244.1.2", 9.9, 10.4)
    assert (first["listen"], first["sandbox_gone"]) == ([[-1.0, 10.005]], 10.2)
    assert first["container_exits"] == [{"t": 10.0, "exit_status": None}]
    assert told["kube_proxy_syncs"] == [[10.98, 11.0], [12.98, 13.0]]


def test_the_order_of_the_lines_does_not_matter(run: Path) -> None:
    write_truth(run, record(run, RECORD))
    straight = (run / "truth.csv").read_text()
    write_truth(run, record(run, RECORD[::-1]))
    assert (run / "truth.csv").read_text() == straight


def test_a_port_that_comes_again_is_told_apart_by_time() -> None:
    lines = [*RECORD, flow(10.9, 41000, "10.244.1.2", "destroy"), flow(14.5001, 41000, "10.244.1.3")]
    happened = world(lines, TIMELINE, t0_wall=T0_WALL, client=CLIENT)
    early = happened.entry(41000, 1.0, 1.0005, reused=False)
    late = happened.entry(41000, 14.5, 14.501, reused=False)
    assert early is not None
    assert late is not None
    assert (early.answering[0], late.answering[0]) == ("10.244.1.2", "10.244.1.3")
    assert happened.entry(41000, 12.0, 12.001, reused=False, until=14.5) is None


def test_an_entry_that_was_never_removed_takes_the_next_connection_from_its_port() -> None:
    happened = world(RECORD, TIMELINE, t0_wall=T0_WALL, client=CLIENT)
    stale = happened.entry(41003, 40.0, 41.0, reused=False)
    assert stale is not None
    assert stale.began == pytest.approx(10.5001)


def test_a_connection_of_which_the_recorder_heard_late_is_found() -> None:
    happened = world([*RECORD, flow(19.5, 41009, "10.244.1.3")], TIMELINE, t0_wall=T0_WALL, client=CLIENT)
    for reused in (True, False):
        entry = happened.entry(41009, 14.0, 14.002, reused=reused)
        assert entry is not None
        assert entry.answering[0] == "10.244.1.3"
    assert happened.entry(41009, 11.0, 11.002, reused=True, until=14.0) is None


def test_lost_events_are_no_truth(run: Path) -> None:
    with pytest.raises(TruthIncomplete, match="dropped events"):
        write_truth(run, record(run, [*RECORD, line("lost", 5.0)]))


def test_a_record_without_clocks_is_no_truth(run: Path) -> None:
    with pytest.raises(TruthIncomplete, match="clocks"):
        write_truth(run, record(run, RECORD[1:]))


def test_a_load_from_several_addresses_is_refused(run: Path) -> None:
    info = {"t0_wall": T0_WALL, "load": {"source_addresses": [CLIENT, "10.200.1.11"]}}
    (run / "run.json").write_text(json.dumps(info))
    with pytest.raises(TruthIncomplete, match="2 addresses"):
        write_truth(run, record(run, RECORD))


def behind_a_balancer(*, to: str, addressed: list[Any], front: str) -> list[dict[str, Any]]:
    """A connection that a balancer sends on to `to`, and its rules, of which the last have no target."""
    passed = {**flow(1.0, 41000, ""), "node": "balancer", "addressed": addressed, "answering": [to, 80]}
    times = [{key: value for key, value in sync(t, t + 0.02).items() if key != "kind"} for t in (0.5, 5.0)]
    rules = [
        {**each, "kind": "balancer", "fronts": {front: targets}}
        for each, targets in zip(times, ([f"{to}:80"], []), strict=True)
    ]
    return [RECORD[0], RECORD[1], passed, *rules]


def test_where_a_balancer_sends_to_pods_its_rules_are_those_that_count() -> None:
    lines = behind_a_balancer(to="10.244.1.2", addressed=["10.202.0.2", 80], front="10.202.0.2:80/tcp")
    seen = world([*lines, sync(0.1, 0.12, "10.244.1.2:80")], TIMELINE, t0_wall=T0_WALL, client=CLIENT)
    entry = seen.entry(41000, 1.0, 1.1, reused=False)
    assert entry is not None
    assert entry.answering == ("10.244.1.2", 80)
    assert [sync.endpoints for sync in seen.syncs] == [1, 0]


def test_what_a_balancer_sends_to_a_node_counts_where_the_node_sends_it() -> None:
    lines = behind_a_balancer(to="10.100.0.1", addressed=["10.202.0.2", 80], front="10.202.0.2:80/tcp")
    seen = world([*lines, flow(1.001, 41000, "10.244.1.2")], TIMELINE, t0_wall=T0_WALL, client=CLIENT)
    assert [entry.answering for entry in seen.entries[41000]] == [("10.244.1.2", 80)]
    assert seen.service == tuple(SERVICE)
