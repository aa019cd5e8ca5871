"""The runs that `bench/judging.py` makes are judged as the runs of a cluster are: whole, with their pods and causes."""

from __future__ import annotations

from pathlib import Path

from bench.judging import Shape, make_run
from harness.analysis import judge
from harness.model.result import Verdict
from harness.store.reader import read_run


def test_a_run_of_the_bench_is_whole_and_drops_calls(tmp_path: Path) -> None:
    shape = Shape(requests=40_000, rollouts=2, replicas=3, failed=0.005, events=200, promised_s=0, promised_mb=0)
    make_run(tmp_path / "default", shape)
    run = read_run(tmp_path / "default")
    assert run.damage == ()
    result = judge(run)
    assert result.verdict == Verdict.DROPPING
    assert {str(failure.cause) for failure in result.failures} & {"termination-race", "creation-race"}
