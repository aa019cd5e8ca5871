"""What is written is there at once, reads back equal, and what a crash tears off is left out and said."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import OutputError, RunFormatError
from harness.model.paths import Hop, HopKind, Span, Targets
from harness.model.request import COLUMNS
from harness.model.run import (
    BalancerFacts,
    ClusterFacts,
    Confidence,
    Expect,
    FactSource,
    LoadFacts,
    ProxyFacts,
    RequestFacts,
    RolloutMarks,
    RunInfo,
    WorkerClock,
    WorkerEnd,
)
from harness.store.reader import is_run, read_info, read_run, scenario_folders
from harness.store.run_json import from_json, to_json
from harness.store.writer import RunWriter

LAGS: dict[str, Any] = {"removal": Span(least_s=2.0, most_s=4.5), "addition": Span(least_s=0.0, most_s=9.0)}
INFO = RunInfo(
    experiment="demo",
    scenario="both",
    variant="both",
    harness="0.1.0",
    manifests=({"kind": "Service", "metadata": {"name": "web"}},),
    target="deployment/web",
    cluster=ClusterFacts(
        kind="sandbox",
        kubernetes="v1.36.2",
        nodes=1,
        proxy=ProxyFacts(mode="nftables", min_sync_period_s=0.5, source=FactSource.CONFIGURED),
        server="nginx 1.22.1",
        balancer=BalancerFacts(
            profile="slow",
            targets=Targets.PODS,
            settings={"interval": "10 s"},
            kind=HopKind.REVERSE_PROXY,
            retries=True,
            answers_as="me",
            **LAGS,
        ),
    ),
    path="loadbalancer",
    hops=(
        Hop(
            name="a balancer",
            kind=HopKind.REVERSE_PROXY,
            targets=Targets.PODS,
            instances=2,
            answers_as="me",
            draining_s=1.5,
            **LAGS,
        ),
        Hop(name="a proxy", kind=HopKind.UNKNOWN, targets=Targets.UNKNOWN, retries=None, implies="little"),
    ),
    streams={"new": 100.0, "kept": 50.0},
    load=LoadFacts(connect_timeout_s=2, read_timeout_s=7, local_ports=(10240, 59239), source_addresses=("10.200.0.2",)),
    requests=(
        RequestFacts(method="POST", path="/orders", weight=3, success=("200", "204")),
        RequestFacts(method="GET", path="/", stream="kept"),
    ),
    pod_header="X-Pod",
    t0_wall=1795474588.5,
    clocks=(WorkerClock(worker=0, offset_s=0.0, uncertainty_s=0.002),),
    ends=(WorkerEnd(worker=0, requests={"new": 3000, "kept": 1500}),),
    control=(1.0, 6.0),
    rollouts=(RolloutMarks(rollout=0, update=6.0, complete=8.5), RolloutMarks(rollout=1, update=20.0, by="helm")),
    planned_rollouts=3,
    quiet_s=5.0,
    expect=Expect.ANY,
    confidence=Confidence(max_dropping=0.05, level=0.95),
    stopped="interrupted",
)
ROW = b"new,0,%d,1.500000,1.500100,1.500300,1.500700,1.500800,10240,0,ok,200,615,web-1,nginx,,,,,,,,,"
ENDED = b"kept,0,0,1.5,1.5001,,,1.5608,10240,1,eof-before-response,,,,,83,83,0.000213,0.000000,,,,,"
RESENT = b"new,0,2,1.5,1.5001,2.5302,2.5307,2.5308,10241,0,ok,200,615,web-1,nginx,,,,,1,,,,"
HANDSHAKES = (
    b"new,0,3,1.5,1.5001,1.5003,1.5050,1.5051,10242,0,ok,200,615,web-1,nginx,,,,,,0.004210,1,,",
    b"new,0,4,1.6,1.6001,1.6003,,1.6051,10243,0,tls-error,,,,,,,,,,,,certificate: certificate has expired,",
)


def test_run_json_reads_back_equal() -> None:
    assert from_json(json.loads(json.dumps(to_json(INFO)))) == INFO


def test_a_hop_of_a_kind_that_is_not_known_is_one_of_which_nothing_is() -> None:
    (hop,) = from_json({"hops": [{"name": "later", "kind": "mesh", "targets": "zones"}]}).hops
    assert (hop.kind, hop.targets, hop.removal) == (HopKind.UNKNOWN, Targets.UNKNOWN, None)


def test_run_json_has_the_names_of_the_format() -> None:
    data = json.loads(json.dumps(to_json(INFO)))
    assert data["format"] == 1
    assert data["cluster"]["proxy"] == {"mode": "nftables", "minSyncPeriod": "500ms", "source": "configured"}
    assert data["rollouts"][0] == {"rollout": 0, "update": 6.0, "complete": 8.5, "settled": None}
    assert data["control"] == [1.0, 6.0]
    assert data["load"]["local_ports"] == [10240, 59239]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"format": 2}, "it has format 2, and this harness reads up to 1. Update the harness."),
        ({"format": 0}, "it has format 0, and this harness reads 1 to 1. Was it changed by hand?"),
        ([], "does not hold a JSON object"),
        ({"streams": {"new": "fast"}}, "a value is not what format 1 says"),
        ({"rollouts": [{"update": 1}]}, "a value is not what format 1 says"),
        ({"expect": "perfect"}, "a value is not what format 1 says"),
    ],
)
def test_a_run_json_that_cannot_be_read_is_refused_in_words(data: object, says: str) -> None:
    with pytest.raises(RunFormatError, match=r".") as error:
        from_json(data, source="run.json")
    assert says in str(error.value)


def test_what_was_written_is_on_disk_before_the_writer_is_closed(tmp_path: Path) -> None:
    writer = RunWriter(tmp_path / "both", INFO)
    writer.requests([ROW % 0, ROW % 1])
    writer.observe(1.25, "Pod", "ADDED", {"metadata": {"name": "web-1", "managedFields": [1]}})
    writer.observe(1.0, "Mark", "control-start", {})
    writer.worker_second({"t": 2.0, "sent": 2})
    writer.update(finished=True, stopped=None)

    run = read_run(tmp_path / "both")
    assert run.info.finished
    assert run.requests["seq"].to_list() == [0, 1]
    assert run.requests["started"].to_list() == [1.5001, 1.5001]
    assert [(seen.t, seen.kind, seen.type) for seen in run.timeline] == [
        (1.0, "Mark", "control-start"),
        (1.25, "Pod", "ADDED"),
    ]
    assert run.timeline[1].object == {"metadata": {"name": "web-1"}}
    assert run.worker_seconds[0]["sent"] == 2
    assert run.damage == ()
    writer.close()


def test_what_the_kernel_knew_reads_back_and_is_null_elsewhere(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "a", INFO) as writer:
        writer.requests([ROW % 0, ENDED, RESENT])
    rows = read_run(tmp_path / "a").requests
    assert rows["acked"].to_list() == [None, 83, None]
    assert rows["request_bytes"].to_list() == [None, 83, None]
    assert rows["min_rtt"].to_list() == [None, pytest.approx(0.000213), None]
    assert rows["seen_late"].to_list() == [None, 0, None]
    assert rows["retransmits"].to_list() == [None, None, 1]


def test_what_is_known_of_tls_reads_back(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "a", INFO) as writer:
        writer.requests([ROW % 0, *HANDSHAKES])
    rows = read_run(tmp_path / "a").requests
    assert rows["handshake"].to_list() == [None, pytest.approx(0.00421), None]
    assert rows["resumed"].to_list() == [None, True, None]
    assert [str(cell) if cell else None for cell in rows["tls_trouble"]] == [
        None,
        None,
        "certificate: certificate has expired",
    ]


def test_a_run_from_before_there_were_such_columns_reads_with_nulls(tmp_path: Path) -> None:
    names, values = ",".join(COLUMNS).split(",acked")[0], (ROW % 0).removesuffix(b",,,,,,,,,")
    (tmp_path / "requests.csv").write_bytes(names.encode() + b"\n" + values + b"\n")
    rows = read_run(tmp_path).requests
    assert rows.columns == list(COLUMNS)
    assert rows["via"].to_list() == ["nginx"]
    assert rows.select(COLUMNS[COLUMNS.index("acked") :]).row(0) == (None,) * 9


def test_a_run_that_does_not_say_its_connect_timeout_had_one_second() -> None:
    assert from_json({"load": {}}).load.connect_timeout_s == 1.0
    assert from_json({"load": {"connect_timeout_s": 2.5}}).load.connect_timeout_s == 2.5


def test_secrets_in_manifests_are_never_written(tmp_path: Path) -> None:
    info = RunInfo(
        experiment="a", scenario="a", variant="a", manifests=({"kind": "Secret", "data": {"key": "hunter2"}},)
    )
    with RunWriter(tmp_path / "a", info) as writer:
        writer.observe(0.0, "Pod", "ADDED", {"spec": {"containers": [{"env": [{"name": "A", "value": "hunter2"}]}]}})
    assert all("hunter2" not in file.read_text() for file in (tmp_path / "a").iterdir())


def test_torn_last_lines_are_left_out(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "a", INFO) as writer:
        writer.requests([ROW % 0])
        writer.observe(1.0, "Mark", "update", {"rollout": 0})
    with (tmp_path / "a" / "requests.csv").open("ab") as file:
        file.write(b"new,0,1,1.6")
    with (tmp_path / "a" / "timeline.jsonl").open("ab") as file:
        file.write(b'{"t": 1.1, "kind": "Po')
    run = read_run(tmp_path / "a")
    assert run.requests["seq"].to_list() == [0]
    assert len(run.timeline) == 1
    assert run.damage


def test_an_existing_folder_is_not_written_over(tmp_path: Path) -> None:
    RunWriter(tmp_path / "a", INFO).close()
    with pytest.raises(OutputError, match="it is there already"):
        RunWriter(tmp_path / "a", INFO)


def test_a_run_is_an_experiments_folder_or_a_scenarios(tmp_path: Path) -> None:
    for name in ("both", "default"):
        RunWriter(tmp_path / "demo" / name, INFO).close()
    (tmp_path / "demo" / "notes").mkdir()
    assert [folder.name for folder in scenario_folders(tmp_path / "demo")] == ["both", "default"]
    assert scenario_folders(tmp_path / "demo" / "both") == (tmp_path / "demo" / "both",)
    assert is_run(tmp_path / "demo")
    assert not is_run(tmp_path / "demo" / "notes")


@pytest.mark.parametrize(
    ("name", "says"),
    [("nowhere", "there is no such folder"), ("file", "it is a file, not"), (".", "neither it nor a folder in it")],
)
def test_a_folder_that_is_no_run_is_named(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunFormatError, match=says):
        scenario_folders(tmp_path / name)


def test_a_missing_run_json_is_made_up_for_and_said(tmp_path: Path) -> None:
    damage: list[str] = []
    assert read_info(tmp_path, damage).variant == tmp_path.name
    assert damage == ["run.json is missing"]
