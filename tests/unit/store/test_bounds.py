"""A result.json is no larger than a reader can use, whatever the run, and says what it leaves out."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.model.bounds import USUAL, Bounds, bounded
from harness.model.lags import Interval, Lag, Lags, Propagation, RolloutLag
from harness.model.result import (
    Chart,
    ExperimentResult,
    FailureBin,
    Outage,
    PodLife,
    RolloutFindings,
    ScenarioResult,
    StreamCount,
    Verdict,
    Window,
)
from harness.model.run import Expect
from harness.store.results import MOST_BYTES, write_experiment_result, write_scenario_result


def rollout(number: int, pods: int, outages: int, name: str) -> RolloutFindings:
    start = 10.0 * number
    window = Window(
        start=start,
        end=start + 10.0,
        requests=1000,
        failed=outages,
        streams=(StreamCount(stream="new", requests=1000, failed=outages),),
        by_outcome={"connect-refused": outages},
        by_cause={"termination-race": outages},
    )
    return RolloutFindings(
        rollout=number,
        dropping=number % 2 == 1,
        window=window,
        update=start,
        complete=start + 3.0,
        settled=start + 4.0,
        outages=tuple(
            Outage(stream="new", start=start + i, end=start + i + 0.5, requests=number + i) for i in range(outages)
        ),
        takers={f"{name}-{number}-{pod}": "rollout" for pod in range(pods)},
        note="x" * 100,
    )


def result(*, rollouts: int, pods: int, outages: int, name: str = "web") -> ScenarioResult:
    """A run of that size; `name`: what its pods' names begin with."""
    lag = Interval(earliest_s=0.1, latest_s=0.4)
    side = Lags(
        n=rollouts * pods,
        max=lag,
        pods=tuple(
            Lag(pod=f"{name}-{i}-{j}", rollout=i, since=10.0 * i, lag=lag) for i in range(rollouts) for j in range(pods)
        ),
        by_rollout=tuple(RolloutLag(rollout=i, n=pods, max=lag) for i in range(rollouts)),
    )
    bars = (FailureBin(t=i / 10, stream="new", outcome="connect-refused", failed=2) for i in range(rollouts * outages))
    return ScenarioResult(
        scenario="default",
        variant="default",
        path="clusterip",
        verdict=Verdict.DROPPING,
        reason="",
        sentence="",
        expect=Expect.SEAMLESS,
        as_expected=False,
        requests=1000 * rollouts,
        failed=rollouts * outages,
        unsent=0,
        control=None,
        rollouts=tuple(rollout(i, pods, outages, name) for i in range(rollouts)),
        causes={"termination-race": rollouts * outages},
        by_outcome={"connect-refused": rollouts * outages},
        propagation=Propagation(path="clusterip", removal=side, addition=side, quiet=True, note=""),
        chart=Chart(
            failures=tuple(bars),
            pods=tuple(PodLife(uid=f"{i}", name=f"{name}-{i}", revision="a") for i in range(rollouts * pods)),
        ),
    )


@pytest.mark.parametrize(("name", "rollouts"), [("web", 2500), ("a-name-as-long-as-kubernetes-allows-" * 7, 500)])
def test_however_large_a_run_its_result_stays_small(name: str, rollouts: int, tmp_path: Path) -> None:
    large = result(rollouts=rollouts, pods=3, outages=4, name=name)
    write_scenario_result(tmp_path, large)
    text = (tmp_path / "result.json").read_text()
    assert len(text) <= MOST_BYTES
    found = json.loads(text)
    assert (found["requests"], found["failed"]) == (rollouts * 1000, rollouts * 4)
    assert found["propagation"]["removal"]["n"] == rollouts * 3
    assert len(found["rollouts"]) + found["left_out"].get("rollouts", 0) == rollouts
    assert found["left_out"]
    assert sum(bar["failed"] for bar in found["chart"]["failures"]) == rollouts * 8, (
        "bars become wider, and lose nothing"
    )

    folder = tmp_path / "experiment"
    folder.mkdir()
    write_experiment_result(folder, ExperimentResult(experiment="e", scenarios=(large,) * 4, exit_code=1))
    assert (folder / "result.json").stat().st_size <= MOST_BYTES
    assert len(json.loads((folder / "result.json").read_text())["scenarios"]) == 4


def test_what_is_worst_stays() -> None:
    few = Bounds(rollouts=3, outages=2, takers=4, lags=2, pods=5, bars=4)
    kept = bounded(result(rollouts=6, pods=2, outages=2), few)
    assert [one.rollout for one in kept.rollouts] == [1, 3, 5], "those that dropped calls"
    assert [outage.requests for one in kept.rollouts for outage in one.outages] == [5, 6]
    assert sum(len(one.takers) for one in kept.rollouts) == 4
    assert kept.left_out == {
        "rollouts": 3,
        "outages": 10,
        "ended pods": 8,
        "pods of the chart": 7,
        "removal lags": 10,
        "addition lags": 10,
    }
    assert bounded(kept, few) == kept


def test_what_is_within_the_bounds_is_as_it_was() -> None:
    small = result(rollouts=3, pods=2, outages=2)
    assert bounded(small) == small
    assert replace(small, left_out={}) == small
    assert bounded(small, USUAL.halved()) == small
