"""Of a run that was interrupted and gone on with, what was measured whole counts, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from harness.analysis import judge, pool
from harness.analysis.counted import counted_runs
from harness.model.result import ScenarioResult, Verdict
from harness.model.run import GoneOn, LoadWorker, Run
from harness.store.parts import whole_part

from .literal import history

THREE = """
update 8.0 complete 9.0 settled 9.5
update 20.0 complete 21.0 settled 21.5
update 32.0
pod old-1 deleted 8.5 ended 8.8 gone 9.0
pod new-1 revision r2 created 8.1 ready 8.4 deleted 20.5 ended 20.8 gone 21.0
pod new-2 revision r3 created 20.1 ready 20.4 deleted 32.4 ended 32.5 gone 32.6
ok new 0..8.4 every 0.01 by old-1
ok new 8.41..20.4 every 0.01 by new-1
ok new 20.41..32.3 every 0.01 by new-2
"""
CUT = "eof-mid-response slow 31.9 until 32.45 by new-2"
AFTER = "ok new 32.31..50 every 0.01 by new-2"


def recorded(*lines: str, **more: Any) -> Run:
    return history("\n".join((THREE, *lines)), planned_rollouts=5, finished=False, **more)


def judged(*lines: str) -> ScenarioResult:
    return judge(recorded(*lines, gone_on=GoneOn(by="default-part2", rollouts=2, until=32.0)))


def test_what_the_interrupted_rollout_is_known_to_have_lost_counts_against_the_run() -> None:
    refused = "connect-refused new 32.52 32.53 32.54"
    alone, found = judge(recorded(refused, CUT)), judged(refused, CUT)
    assert found.verdict is Verdict.DROPPING
    assert found.reason == alone.reason == "no-endpoints: 3, in-flight-kill: 1"
    assert [one.dropping for one in found.rollouts] == [False, False, True]
    assert (found.statistics["dropping"], found.statistics["rollouts"]) == (1, 3)
    assert [race.failed for race in found.races.races] == [0, 0, 4]
    assert "lost calls: that counts against it" in found.notes[0]
    assert "default-part2" in found.notes[0]
    rest = judge(history(THREE.replace("update 32.0\n", ""), goes_on_from="default"))
    assert pool([found, rest]).sentence.startswith("1 of 5 rollouts dropped calls")


def test_where_no_rollout_was_whole_only_those_that_lost_calls_count() -> None:
    nothing = GoneOn(by="default-part2", rollouts=0, until=0.0)
    run, rest = recorded(CUT, gone_on=nothing), judge(history(THREE.replace("update 32.0\n", "")))
    lost, clean = judge(run), judge(recorded(gone_on=nothing))
    assert (lost.verdict, len(lost.rollouts), lost.rollouts[0].rollout) == (Verdict.DROPPING, 1, 2)
    assert (clean.verdict, clean.rollouts) == (Verdict.INCONCLUSIVE, ())
    info = recorded(gone_on=nothing).info
    ((_, kept),) = counted_runs([(info, clean), (replace(info, gone_on=None), rest)])
    assert (kept.verdict, len(kept.rollouts)) == (Verdict.SEAMLESS, 2)
    assert "no rollout was measured whole" in kept.notes[0]
    assert [one for _, one in counted_runs([(run.info, lost), (replace(info, gone_on=None), rest)])] == [lost, rest]
    assert counted_runs([(info, clean)]) == [(info, clean)], "nothing else says that it was cut short"


def test_a_loss_of_the_interrupted_rollout_whose_cause_was_not_shown_leaves_the_run_in_doubt() -> None:
    text = THREE.replace(" deleted 32.4 ended 32.5 gone 32.6", "") + "ok new 32.31..32.9 every 0.01 by new-2\n"
    text += "connect-timeout new 33..36 every 0.3"
    assert judge(history(text)).reason == "cause not shown"
    found = judge(history(text, finished=False, gone_on=GoneOn(by="default-part2", rollouts=2, until=32.0)))
    assert (found.verdict, found.reason, len(found.rollouts)) == (Verdict.INCONCLUSIVE, "interrupted", 2)
    assert "no cause was shown" in found.sentence


def test_a_clean_interrupted_rollout_does_not_count() -> None:
    found = judged("ok new 32.31..34 every 0.01 by new-2")
    assert (found.verdict, len(found.rollouts), found.statistics["rollouts"]) == (Verdict.SEAMLESS, 2, 2)
    assert "does not count" in found.notes[0]


def test_of_pods_of_the_interrupted_rollout_no_lag_is_told() -> None:
    for found in (judged(AFTER), judged("connect-refused new 32.52", CUT)):
        assert found.propagation is not None
        assert [lag.pod for lag in found.propagation.removal.pods] == ["old-1", "new-1"]
        assert [lag.pod for lag in found.propagation.addition.pods] == ["new-1", "new-2"]
        assert {one.rollout for one in found.propagation.removal.by_rollout} == {0, 1}


def test_what_the_rollouts_before_lost_still_counts() -> None:
    found = judged("connect-refused new 20.62 20.63")
    assert (found.verdict, [one.dropping for one in found.rollouts]) == (Verdict.DROPPING, [False, True])


def test_a_request_that_is_missing_from_what_counts_is_a_doubt_still() -> None:
    run = recorded(AFTER, gone_on=GoneOn(by="default-part2", rollouts=2, until=32.0))
    torn = replace(run, requests=run.requests.filter(~pl.col("seq").is_in([700, 701])))
    assert judge(run).verdict is Verdict.SEAMLESS
    assert judge(torn).reason == "incomplete-record"


def test_a_run_that_nobody_goes_on_with_was_cut_short() -> None:
    found = judge(recorded())
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "cut-short")


def test_both_parts_are_judged_together_and_their_counts_add_up() -> None:
    first, second = judged(), judge(history(THREE.replace("update 32.0\n", ""), goes_on_from="default"))
    both = pool([first, second])
    assert both.verdict is Verdict.SEAMLESS
    assert both.sentence.startswith("0 of 4 rollouts")
    assert both.requests == first.requests + second.requests
    assert any("goes on from default" in note for note in both.notes)


@pytest.mark.parametrize(
    ("lines", "lost", "whole"),
    [
        ((AFTER,), (), (2, 32.0)),
        ((), (), (2, 32.0)),  # it was killed 0.3 s after the update, and no request was under way at that
        ((CUT.replace("eof", "reset"), "ok slow 33 by new-2"), (), (2, 32.0)),
        ((), (3195,), (1, 20.0)),  # one that was due before has no row: it was under way
        ((AFTER,), (3195,), (2, 32.0)),  # ... or was lost, long before the end: the judge tells
    ],
)
def test_a_rollout_was_measured_whole_where_all_that_was_due_in_it_has_a_row(
    lines: tuple[str, ...], lost: tuple[int, ...], whole: tuple[int, float]
) -> None:
    run = recorded(*lines)
    left = run.requests.filter(~((pl.col("stream") == "new") & pl.col("seq").is_in(lost)))
    assert whole_part(replace(run, requests=left)) == whole


def test_a_worker_whose_rows_stop_before_a_rollout_does_is_not_taken_to_have_made_no_more() -> None:
    run = recorded(AFTER, gone_on=GoneOn(by="default-part2", rollouts=2, until=32.0))
    other = run.requests.filter(pl.col("scheduled") < 15.0).with_columns(worker=pl.lit(1, pl.Int64))
    two = replace(run, requests=pl.concat([run.requests, other]))
    found = judge(two)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "incomplete-record")
    assert "of worker 1" in found.sentence
    assert whole_part(two) == (0, 0.0), "the worker may have stopped in the first rollout"
    until_25 = run.requests.filter(pl.col("scheduled") < 25.0).with_columns(worker=pl.lit(1, pl.Int64))
    assert whole_part(replace(run, requests=pl.concat([run.requests, until_25]))) == (1, 20.0)


def test_a_worker_that_was_lost_in_the_interrupted_rollout_was_there_in_those_that_count() -> None:
    run = recorded(AFTER, quiet_s=10.5, gone_on=GoneOn(by="default-part2", rollouts=2, until=32.0))
    workers = (LoadWorker(worker=0), LoadWorker(worker=1, lost_at=33.0, why="evicted"))
    other = run.requests.filter(pl.col("scheduled") < 33.0).with_columns(worker=pl.lit(1, pl.Int64))
    requests = pl.concat([run.requests, other])
    assert judge(replace(run, info=replace(run.info, workers=workers), requests=requests)).verdict is Verdict.SEAMLESS
    early = (workers[0], replace(workers[1], lost_at=21.0))
    kept = requests.filter((pl.col("worker") == 0) | (pl.col("scheduled") < 21.0))
    found = judge(replace(run, info=replace(run.info, workers=early), requests=kept))
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "worker-lost")


def test_before_the_second_update_nothing_was_measured_whole() -> None:
    early = history("update 8.0 complete 9.0 settled 9.5\nok new 0..20 every 0.1 by old-1\npod old-1")
    assert whole_part(early) == (0, 0.0)
    unsettled = history("update 8.0 complete 9.0\nupdate 12.0\nok new 0..40 every 0.1 by old-1\npod old-1")
    assert whole_part(unsettled) == (0, 0.0)
