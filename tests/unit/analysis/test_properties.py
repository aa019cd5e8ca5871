"""What holds of every history, whatever is in it."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.analysis import judge
from harness.model.observation import Observation
from harness.model.request import Outcome
from harness.model.result import Cause, ScenarioResult, Verdict
from harness.model.run import RolloutMarks, Run

from .literal import history

WORSE = {Verdict.SEAMLESS: 0, Verdict.INCONCLUSIVE: 1, Verdict.DROPPING: 2}
FAILING = [str(outcome) for outcome in Outcome if outcome.failed]

failure = st.tuples(
    st.sampled_from(FAILING),
    st.sampled_from(["new", "kept", "slow"]),
    st.integers(0, 2900).map(lambda n: n / 100),
    st.sampled_from([0.001, 0.05, 1.0, 5.0]),
    st.sampled_from(["", "by old-1", "by new-1", "port 7000", "reused"]),
)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """A rollout of one pod with failures of any kind at any time, in every shade of knowledge."""
    lines = [
        draw(st.sampled_from(["period 1", "period ?"])),
        "update 8.0 complete 9.0 settled 9.8",
        draw(st.sampled_from(["pod old-1 deleted 8.5 ended 8.8 gone 9.0", "pod old-1 deleted 8.5 prestop 5 ended 14"])),
        "pod old-2",
        draw(
            st.sampled_from(["pod new-1 revision r2 created 8.1 ready 8.4", "pod new-1 created 8.1 ready 8.4 noprobe"])
        ),
        draw(st.sampled_from(["", "crash old-2 18 19.5", "gap 8.3", "undo 8.8"])),
        "ok new 0..30 every 0.1 by old-2",
    ]
    for outcome, stream, t, took, more in draw(st.lists(failure, max_size=12)):
        lines.append(f"{outcome} {stream} {t} until {t + took} {more}")
    return history("\n".join(lines))


def without_records(result: ScenarioResult) -> ScenarioResult:
    """What does not depend on where the clock began."""
    return replace(result, control=None, rollouts=(), chart=result.chart.__class__(), propagation={}, failures=())


@settings(deadline=None, max_examples=examples(20))
@given(runs(), st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter(run: Run, random: object) -> None:
    shuffled = replace(run, requests=run.requests.sample(fraction=1.0, shuffle=True, seed=1))
    assert judge(shuffled) == judge(run)


@settings(deadline=None, max_examples=examples(20))
@given(runs(), st.integers(1, 300))
def test_more_good_answers_never_make_a_verdict_worse(run: Run, n: int) -> None:
    last = run.requests.filter(pl.col("stream") == "new").sort("seq").tail(1)
    more = pl.concat([last] * n).with_columns(
        seq=pl.col("seq") + 1 + pl.int_range(pl.len(), dtype=pl.Int64),
        outcome=pl.lit("ok"),
        status=pl.lit(200, dtype=pl.Int64),
        local_port=pl.lit(60000, dtype=pl.Int64),
        scheduled=15.0 + pl.int_range(pl.len()) / 100,
        started=15.0 + pl.int_range(pl.len()) / 100,
        ended=15.001 + pl.int_range(pl.len()) / 100,
        pod=pl.lit(""),
        reused=pl.lit(True),
    )
    before, after = judge(run), judge(replace(run, requests=pl.concat([run.requests, more])))
    assert WORSE[after.verdict] <= WORSE[before.verdict]


@settings(deadline=None, max_examples=examples(20))
@given(runs(), st.sampled_from([0.5, 100.0, 4096.0]))
def test_shifting_the_clock_changes_nothing(run: Run, by: float) -> None:
    marks = tuple(
        RolloutMarks(rollout=m.rollout, update=m.update + by, complete=m.complete + by, settled=m.settled + by)  # type: ignore[operator]
        for m in run.info.rollouts
    )
    times = [pl.col(name) + by for name in ("scheduled", "started", "connected", "first_byte", "ended")]
    moved = replace(
        run,
        info=replace(run.info, rollouts=marks),
        requests=run.requests.with_columns(times),
        timeline=tuple(Observation(t=s.t + by, kind=s.kind, type=s.type, object=s.object) for s in run.timeline),
    )
    before, after = judge(run), judge(moved)
    assert (after.verdict, after.causes, after.by_outcome) == (before.verdict, before.causes, before.by_outcome)
    assert [one.dropping for one in after.rollouts] == [one.dropping for one in before.rollouts]


@settings(deadline=None, max_examples=examples(20))
@given(runs(), st.floats(0.0, 29.0))
def test_a_run_cut_short_is_never_seamless(run: Run, at: float) -> None:
    cut = replace(
        run,
        info=replace(run.info, finished=False),
        requests=run.requests.filter(pl.col("ended") < at),
        timeline=tuple(seen for seen in run.timeline if seen.t < at),
    )
    assert judge(cut).verdict != Verdict.SEAMLESS


@settings(deadline=None, max_examples=examples(20))
@given(runs())
def test_causes_add_up_to_failures(run: Run) -> None:
    result = judge(run)
    failed = run.requests.filter(pl.col("outcome").is_in(FAILING))
    assert sum(result.causes.values()) == result.failed == len(result.failures) == len(failed)
    assert sum(result.by_outcome.values()) == result.failed
    for window in [rollout.window for rollout in result.rollouts]:
        assert sum(window.by_cause.values()) == window.failed == sum(window.by_outcome.values())
        assert sum(stream.failed for stream in window.streams) == window.failed
    for rollout in result.rollouts:
        assert sum(outage.requests for outage in rollout.outages) == rollout.window.failed


@settings(deadline=None, max_examples=examples(15))
@given(runs())
def test_whom_the_failures_of_the_host_and_the_harness_are_put_down_to_needs_no_pod(run: Run) -> None:
    """Source ports and the worker's own delays tell them, whatever the answers say of pods.

    Of the other causes no such thing holds: who knows that a request was with a live pod calls it the application's,
    who does not may find that only a stopping one explains it.
    """
    blank = judge(replace(run, requests=run.requests.with_columns(pod=pl.lit(""))))
    assert by_host_or_harness(blank) == by_host_or_harness(judge(run))


def by_host_or_harness(result: ScenarioResult) -> dict[tuple[str, int], str]:
    causes = (Cause.STALE_CONNTRACK, Cause.LOAD_GENERATOR)
    return {(f.stream, f.seq): f.cause for f in result.failures if f.cause in causes}


@settings(deadline=None, max_examples=examples(15))
@given(runs())
def test_knowing_less_makes_no_clean_run_of_one_that_dropped_calls(run: Run) -> None:
    blank = judge(replace(run, requests=run.requests.with_columns(pod=pl.lit(""))))
    if judge(run).verdict == Verdict.DROPPING:
        # An error that a stopping pod answered is any pod's where none is named, if it comes at other times too.
        assert blank.verdict != Verdict.SEAMLESS or set(blank.by_outcome) == {"status"}


def test_results_can_be_written_as_json() -> None:
    import json
    from dataclasses import asdict

    run = history("ok new 0..10 every 0.1 by a\nupdate 5 complete 6\npod a deleted 5.5\nread-timeout new 6.0\n")
    json.dumps(asdict(judge(run)), allow_nan=False)
    json.dumps(asdict(judge(history("period ?"))), allow_nan=False)
    with pytest.raises(ValueError, match="JSON"):
        json.dumps(float("inf"), allow_nan=False)
