"""A load worker that was lost while others went on: the rollouts that it did not see are inconclusive, and no other."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from harness.analysis.observed.lost_workers import lost_parts
from harness.analysis.scenario import judge
from harness.model.result import Verdict
from harness.model.run import LoadWorker, Run, WorkerEnd

from ..literal import history

TWO = """
    update 8.0 complete 9.0 settled 9.5
    update 18.0 complete 19.0 settled 19.5
    pod a deleted 8.5 ended 8.8 gone 9.0
    pod b revision r2 created 8.1 ready 8.4 deleted 18.5 ended 18.8 gone 19.0
    pod c revision r3 created 18.1 ready 18.4
    ok new 0..8.5 every 0.05 by a
    ok new 8.5..18.5 every 0.05 by b
    ok new 18.5..30 every 0.05 by c
"""


def of_two(lost_at: float, *, in_flight: bool = False, hole: float | None = None) -> Run:
    """The run by two workers, the second of which is lost; `in_flight`: as its last request but one goes on."""
    run = history(TWO, control=(1.0, 6.0), quiet_s=3.0, streams={"new": 40.0}, planned_rollouts=2)
    shift = pl.col("scheduled", "started", "connected", "first_byte", "ended") + 0.025
    second = run.requests.with_columns(pl.lit(1, dtype=pl.Int64).alias("worker"), shift)
    second = second.filter(pl.col("ended") < lost_at)
    if in_flight:
        second = second.filter(pl.col("seq") != second["seq"].max() - 1)
    if hole is not None:
        second = second.filter((pl.col("scheduled") - hole).abs() > 0.05)
    info = replace(
        run.info,
        workers=(LoadWorker(worker=0, node="n1"), LoadWorker(worker=1, node="n2", lost_at=lost_at, why="evicted")),
        ends=(WorkerEnd(worker=0, requests={"new": len(run.requests)}),),
    )
    return replace(run, info=info, requests=pl.concat([run.requests, second]))


@pytest.mark.parametrize(("lost_at", "clean"), [(29.0, 2), (20.0, 1), (14.0, 1), (7.0, 0)])
def test_exactly_the_rollouts_that_it_did_not_see_to_their_end_are_inconclusive(lost_at: float, clean: int) -> None:
    result = judge(of_two(lost_at))
    words = f"load worker 1 on node n2 was lost at {lost_at:.1f} s (evicted)"
    assert [words in one.note for one in result.rollouts] == [False] * clean + [True] * (2 - clean)
    assert result.verdict is (Verdict.SEAMLESS if clean == 2 else Verdict.INCONCLUSIVE)
    assert (result.reason == "worker-lost") is (clean < 2)
    assert result.notes == judge(of_two(29.9)).notes, "nothing is held against the rest of the record"


def test_what_was_in_flight_with_it_is_no_gap_and_what_is_missing_from_before_is_one() -> None:
    flying = of_two(20.0, in_flight=True)
    (part,) = lost_parts(flying.info, flying.requests)
    assert 19.8 < part.since < 19.95
    assert judge(flying).reason == "worker-lost"
    assert judge(of_two(29.0, hole=12.0)).reason == "incomplete-record"


def test_that_a_lost_worker_stated_its_end_says_nothing_of_one_that_did_not() -> None:
    run = of_two(29.0)
    made = 1 + int(run.requests.filter(pl.col("worker") == 1)["seq"].max())  # type: ignore[arg-type]
    found = judge(replace(run, info=replace(run.info, ends=(WorkerEnd(worker=1, requests={"new": made}),))))
    assert found.reason == "incomplete-record"
    assert "600 requests of stream new, of which no worker says that it made them" in found.sentence


def test_of_a_stream_without_a_row_all_may_have_been_in_flight() -> None:
    run = of_two(20.0)
    info = replace(run.info, streams={"new": 40.0, "slow": 0.2})
    longest_s = info.load.connect_timeout_s + info.load.read_timeout_s
    (part,) = lost_parts(info, run.requests)
    assert part.since == 20.0 - longest_s
