"""A run that was interrupted and gone on with elsewhere -> what of it counts: its rollouts that were measured whole.

The interrupted rollout counts neither for nor against the application, and a run that ended in the middle of it was not
cut short: the rest is in the run that goes on with it, which says for itself whether it came to its end.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import polars as pl

from harness.model.deed_words import deed_words
from harness.model.quantity import things
from harness.model.run import GoneOn, Run, WorkerEnd


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
        run.info, finished=True, stopped=None, planned_rollouts=gone_on.rollouts, ends=_ends(run.requests, until)
    )
    return replace(
        run,
        info=info,
        requests=run.requests.filter(pl.col("scheduled") < until),
        worker_seconds=tuple(second for second in run.worker_seconds if _moment(second) < until),
    )


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


def interruption(run: Run) -> str:
    """That the run was interrupted, what of it does not count, or which run it goes on from; empty where neither."""
    info, words = run.info, deed_words(run.info.disruption)
    told = []
    if info.goes_on_from is not None:
        told.append(f"it goes on from {info.goes_on_from}, which was interrupted; began {_clock(info.t0_wall)}")
    if (gone_on := info.gone_on) is not None:
        told.append(_interrupted(run, gone_on, words.noun))
    return "; ".join(told)


def _interrupted(run: Run, gone_on: GoneOn, noun: str) -> str:
    rest = run.requests.filter(pl.col("scheduled") >= gone_on.until)
    failed = int((~rest["outcome"].cast(pl.String).is_in(["ok", "unsent"])).sum())
    last: float = run.requests["ended"].max() or 0.0  # type: ignore[assignment]
    return (
        f"it was interrupted {_clock(run.info.t0_wall + last)} and gone on with in {gone_on.by}: nothing was measured "
        f"in between; the {noun} that was under way does not count, nor do {things(len(rest), 'request')} since it "
        f"began, {failed} of which failed"
    )


def _clock(wall: float) -> str:
    return f"{datetime.fromtimestamp(wall, UTC):%Y-%m-%d at %H:%M:%S} UTC"
