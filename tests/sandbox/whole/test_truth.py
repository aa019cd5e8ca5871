"""What the recorder hears of a sandbox is what happened in it, and it joins with a run without a gap."""

from __future__ import annotations

import csv
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import pytest
from wholecluster import SHELL, Maker, Object, cluster_of, ended, polled, recorded

from harness.clusters.choice import cluster
from harness.fixture_files import fixtures
from harness.model.request import Outcome
from harness.runner.experiment import run_experiment
from harness.runner.experiment_file import read_experiment
from harness.runner.scenario import scenarios
from harness.sandbox.instruments.truth.join import write_truth
from harness.sandbox.settings import Settings

pytestmark = pytest.mark.anyio


async def heard(record: Path, kind: str, holds: Callable[[Object], bool] = bool) -> Object:
    """The first line of this kind of which `holds` is true, as soon as it is written."""
    found = partial(filter, holds)
    return await polled(f"a line {kind} in {record}", lambda: next(found(recorded(record, kind)), None))


def programs(outermost: int) -> list[bytes]:
    """The command lines of every process of the sandbox whose first process is `outermost`."""
    found = []
    for path in Path(f"/proc/{outermost}/root/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has just ended
            found.append(path.read_bytes())
    return found


async def test_a_pod_is_followed_from_its_network_to_its_end(tmp_path: Path, nginx: Maker) -> None:
    record = tmp_path / "truth.jsonl"
    async with cluster_of(Settings(truth=record, images=(SHELL,))) as started:
        service = {"selector": {"app": "web"}, "ports": [{"port": 80}], "clusterIP": "10.96.7.7"}
        await started.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": service})
        pod = await started.create(nginx("web", labels={"app": "web"}))
        uid = pod["metadata"]["uid"]
        await heard(record, "sync", lambda line: bool(line["services"].get("10.96.7.7:80")))
        command = ["curl", "-s", "-o", "/dev/null", "-w", "%{local_port}", "http://10.96.7.7/"]
        port = int((await anyio.run_process(started.sandbox.client_command(command))).stdout)
        await started.delete("web")
        gone = await heard(record, "network-gone")
    seen = [line for line in recorded(record) if line.get("uid") == uid and line["kind"] != "accepted"]
    assert [line["kind"] for line in seen[:3]] == ["pod", "started", "listening"]
    assert {line["kind"] for line in seen[3:]} == {"exited", "listening"}
    assert [line["ports"] for line in seen if line["kind"] == "listening"] == [[80], []]
    assert gone["address"] == seen[0]["address"]
    assert max(line["t_ns"] for line in seen) < gone["t_ns"]
    (flow,) = (line for line in recorded(record) if line["kind"] == "flow" and line["event"] == "new")
    assert flow["client"][1] == port
    assert (flow["addressed"], flow["answering"]) == (["10.96.7.7", 80], [seen[0]["address"], 80])


@pytest.mark.parametrize("asked", [True, False])
async def test_nothing_is_recorded_unless_asked(tmp_path: Path, asked: bool) -> None:
    truth = tmp_path / "truth.jsonl" if asked else None
    async with cluster_of(Settings(truth=truth, images=(SHELL,))) as started:
        running = programs(started.sandbox.pid)
        assert any(b"harness.sandbox.node" in program for program in running)
        assert any(b"truth.recorder" in program for program in running) == asked
    assert (tmp_path / "truth.jsonl").exists() == asked


TABLE = Path("/proc/sys/net/ipv4/tcp_ehash_entries")  # negative where it is the machine's


@pytest.mark.parametrize("asked", [True, False])
async def test_connections_are_looked_up_in_a_table_of_the_pods_own(tmp_path: Path, shell: Maker, asked: bool) -> None:
    settings = Settings(truth=tmp_path / "truth.jsonl" if asked else None, images=(SHELL,))
    async with cluster_of(settings) as started:
        await started.create(shell("table", f"cat {TABLE} || echo 0", restartPolicy="Never"))
        await started.pod("table", ended)
        has_own = int(await started.logs("table")) > 0
    assert has_own == (asked and TABLE.with_name("tcp_child_ehash_entries").exists())


async def test_every_answer_of_a_run_came_from_the_pod_to_which_the_kernel_sent_it(tmp_path: Path) -> None:
    whole = read_experiment(fixtures() / "experiments" / "app.yaml")
    experiment = whole.model_copy(update={"rollouts": 1, "control_s": 1.0, "quiet_s": 2.0})
    scenario = next(scenario for scenario in scenarios(experiment) if scenario.variant == "default")
    record = tmp_path / "truth.jsonl"
    async with cluster(experiment.cluster, experiment.images, truth=record) as ours:
        (run,) = await run_experiment(ours, (replace(scenario, name="run"),), tmp_path)
    assert run.error is None
    joined = await anyio.to_thread.run_sync(partial(write_truth, run.folder, record))
    with (run.folder / "requests.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    outcomes = [Outcome(row["outcome"]) for row in rows]
    with (run.folder / "truth.csv").open(newline="") as file:
        unknown = [
            (row, told) for row, told in zip(rows, csv.DictReader(file), strict=True) if told["cause"] == "unknown"
        ]
    assert joined.requests == len(outcomes)
    assert joined.failed == sum(outcome.failed for outcome in outcomes) > 0
    assert unknown == []
    assert joined.unexplained == 0
    assert joined.agreeing == joined.named > 100
