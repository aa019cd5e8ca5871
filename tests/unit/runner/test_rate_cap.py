"""Somebody else's cluster gets no more than it bears, unless more is asked for on purpose; our own gets all of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from program import called

from harness.clusters.cluster import ClientHost
from harness.errors import UsageError
from harness.fixture_files import fixtures
from harness.load import Plan, PortBudgetError, Stream
from harness.model.load_settings import LoadSettings
from harness.runner.load_workers import plans
from harness.runner.ports import check_ports, check_rate


def load(new: float, kept: float, **more: float) -> LoadSettings:
    return LoadSettings.model_validate({"new": {"rate": new}, "kept": {"rate": kept}, **more})


def test_all_streams_together_are_what_a_cluster_bears() -> None:
    check_rate("context:staging", load(400, 600))
    with pytest.raises(UsageError, match=r"planning 1001 requests/s.*1000/s at most.*max_rate: 1001"):
        check_rate("context:staging", load(400, 601))
    with pytest.raises(UsageError):
        check_rate("context", load(400, 601))


def test_pods_have_ports_of_their_own_and_it_is_said_how_many_a_rate_takes() -> None:
    pods, host = ClientHost(same_machine=False), ClientHost(source_addresses=("192.0.2.1",))
    check_ports(pods, load(3000, 10, workers=4))
    with pytest.raises(PortBudgetError, match=r"or have 4 Pods send it \(load\.workers: 4\)"):
        check_ports(pods, load(3000, 10, workers=3))
    with pytest.raises(PortBudgetError):
        check_ports(host, load(3000, 10, workers=4))


def test_each_worker_has_a_kept_connection_at_least() -> None:
    with pytest.raises(ValueError, match="11 workers share 10 kept connections"):
        load(1, 1, workers=11)


def test_workers_share_the_rates_and_those_in_pods_wait_for_each_other_with_all_ports_of_their_own() -> None:
    streams = (Stream(name="new", rate_per_s=100), Stream(name="kept", rate_per_s=40, connections=7))
    plan = Plan(url="http://192.0.2.1/", streams=streams, ports=((20000, 29999),), sign_port=9310)
    beside = plans(plan, 4)
    assert [each.hold_s for each in beside] == [0.0] * 4
    assert {port for each in beside for low, high in each.ports for port in range(low, high + 1)} == {
        *range(20000, 30000)
    }
    in_pods = plans(replace(plan, own_clock=True), 4)
    assert all(each.ports == plan.ports and each.hold_s > 120 for each in in_pods)
    assert [sum(stream.rate_per_s for stream in each.streams) for each in in_pods] == [35.0] * 4
    assert sorted(each.streams[1].connections for each in in_pods) == [1, 2, 2, 2]
    assert plans(plan, 1) == (plan,)


def test_a_dry_run_says_what_the_run_would_be_refused_for(tmp_path: Path) -> None:
    file = fixtures() / "experiments" / "demo.yaml"
    text = (
        file.read_text()
        .replace("rate: 100", "rate: 2000")
        .replace("../manifests", str(file.parent.parent / "manifests"))
    )
    (tmp_path / "fast.yaml").write_text(text)
    fast = called("run", str(tmp_path / "fast.yaml"), "--dry-run", "--cluster", "context:staging")
    assert (fast.code, fast.out) == (2, "")
    assert "write `max_rate: 2050` under `load:`" in fast.error


def test_more_is_sent_where_that_is_meant() -> None:
    check_rate("context:staging", load(4000, 600, max_rate=4600))
    with pytest.raises(UsageError):
        check_rate("context:staging", load(5, 6, max_rate=10))


@pytest.mark.parametrize("kind", ["sandbox", "kind", "k3s"])
def test_a_cluster_that_is_ours_alone_may_be_driven_hard(kind: str) -> None:
    check_rate(kind, load(4000, 600))
