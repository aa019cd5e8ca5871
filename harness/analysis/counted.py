"""A run that was interrupted and gone on with elsewhere -> what of it counts: its rollouts that were measured whole.

The interrupted rollout never counts for the application, and it counts against it where it is known to have lost calls:
more record would not have taken that back. A run that ended in the middle of it was not cut short: the rest is in the
run that goes on with it, which says for itself whether it came to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import polars as pl

from harness.analysis.verdict.doubts import Doubt
from harness.analysis.verdict.verdict import RolloutAccount
from harness.model.deed_words import DeedWords, deed_words
from harness.model.quantity import things
from harness.model.reasons import Reason
from harness.model.result import ScenarioResult
from harness.model.run import GoneOn, LoadWorker, Run, RunInfo, WorkerEnd


def counted_part(run: Run) -> Run:
    """The run with the requests that count, as one that came to its end.

    Its timeline stays whole: what was sent in a rollout that counts can have been cut by the next one, which must be
    seen to be told.
    """
    gone_on = run.info.gone_on
    if gone_on is None or not gone_on.rollouts:
        return run
    until = gone_on.until
    info = replace(
        run.info,
        finished=True,
        stopped=None,
        planned_rollouts=gone_on.rollouts,
        ends=_ends(run.requests, until),
        workers=tuple(_until(one, until) for one in run.info.workers),
    )
    return replace(
        run,
        info=info,
        requests=run.requests.filter(pl.col("scheduled") < until),
        worker_seconds=tuple(second for second in run.worker_seconds if _moment(second) < until),
    )


def _until(worker: LoadWorker, until: float) -> LoadWorker:
    """As it was then: one that was lost later was there."""
    lost_later = worker.lost_at is not None and worker.lost_at >= until
    return replace(worker, lost_at=None, why=None) if lost_later else worker


def against(gone_on: GoneOn | None, accounts: Sequence[RolloutAccount]) -> tuple[int, ...]:
    """Which rollouts of an interrupted run count against it though they were not measured whole: those that lost calls.

    `accounts`: of all of its rollouts, with all that was recorded.
    """
    if gone_on is None:
        return ()
    return tuple(at for at in range(gone_on.rollouts, len(accounts)) if accounts[at].own_failures)


def unshown(gone_on: GoneOn | None, accounts: Sequence[RolloutAccount], words: DeedWords) -> tuple[Doubt, ...]:
    """The doubt of a run whose interrupted rollout lost more than its control explains, for no cause that was shown."""
    if gone_on is None or not any(one.unexplained for one in accounts[gone_on.rollouts :]):
        return ()
    lost = f"the {words.noun} that was under way when the run was interrupted lost calls, and no cause was shown"
    return ((Reason.INTERRUPTED, lost),)


def counted_runs(runs: Sequence[tuple[RunInfo, ScenarioResult]]) -> list[tuple[RunInfo, ScenarioResult]]:
    """Of runs of one variant those of which something counts, the first with what the others say of themselves.

    Where nothing counts of any, the last stays, which says so.
    """
    kept = [(info, result) for info, result in runs if _counts(info, result)] or list(runs[-1:])
    left = [result for info, result in runs if all(info is not other for other, _ in kept)]
    told = tuple(result.notes[0] for result in left if result.notes)  # that it was interrupted stands first
    (info, first), *others = kept
    return [(info, replace(first, notes=(*told, *first.notes))), *others]


def _counts(info: RunInfo, result: ScenarioResult) -> bool:
    if info.gone_on is None or info.gone_on.rollouts:
        return True
    return bool(result.rollouts) or result.reason == Reason.INTERRUPTED


def _moment(second: dict[str, object]) -> float:
    t = second.get("t")
    return float(t) if isinstance(t, int | float) else 0.0


def _ends(requests: pl.DataFrame, until: float) -> tuple[WorkerEnd, ...]:
    """How many requests each worker had made until then, by the numbers of the next ones.

    Of a stream without a next one that is not known, and nothing is said: it may have stopped long before.
    """
    later = requests.filter(pl.col("scheduled") >= until)
    rows = later.group_by(pl.col("stream").cast(pl.String), "worker").agg(made=pl.col("seq").min())
    found: dict[int, dict[str, int]] = {}
    for stream, worker, made in rows.sort("worker", "stream").iter_rows():
        found.setdefault(worker, {})[stream] = made
    return tuple(WorkerEnd(worker=worker, requests=made) for worker, made in found.items())


def interruption(run: Run, found_against: int) -> str:
    """That the run was interrupted, what of it does not count, or which run it goes on from; empty where neither.

    `found_against`: how many of its rollouts count though they were not measured whole.
    """
    info, words = run.info, deed_words(run.info.disruption)
    told = []
    if info.goes_on_from is not None:
        told.append(f"it goes on from {info.goes_on_from}, which was interrupted; began {_clock(info.t0_wall)}")
    if (gone_on := info.gone_on) is not None:
        last: float = run.requests["ended"].max() or 0.0  # type: ignore[assignment]
        told.append(
            f"it was interrupted {_clock(info.t0_wall + last)} and gone on with in {gone_on.by}: nothing was measured "
            f"in between; {_left(run, gone_on, words, found_against)}"
        )
    return "; ".join(told)


def _left(run: Run, gone_on: GoneOn, words: DeedWords, found_against: int) -> str:
    """What of it does not count."""
    if found_against:
        lost = "was" if found_against == 1 else "were"
        return (
            f"{words.counted(found_against)} that {lost} not measured whole lost calls: that counts against it, beside "
            f"the {words.plural} that were planned, and says nothing of how many more would have been lost"
        )
    rest = run.requests.filter(pl.col("scheduled") >= gone_on.until)
    failed = int((~rest["outcome"].cast(pl.String).is_in(["ok", "unsent"])).sum())
    if not gone_on.rollouts:
        made = things(len(run.requests), "request")
        return f"no {words.noun} was measured whole, and none counts, nor do its {made}, {failed} of which failed"
    return (
        f"the {words.noun} that was under way does not count, nor do {things(len(rest), 'request')} since it "
        f"began, {failed} of which failed"
    )


def _clock(wall: float) -> str:
    return f"{datetime.fromtimestamp(wall, UTC):%Y-%m-%d at %H:%M:%S} UTC"
