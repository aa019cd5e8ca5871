"""The record of a run that was interrupted -> how much of it was measured whole, and that another goes on with it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.model.observation import MarkType
from harness.model.run import GoneOn, Run
from harness.store.reader import read_info
from harness.store.run_json import to_json
from harness.store.writer import replace_file

if TYPE_CHECKING:
    import polars as pl


def whole_part(run: Run) -> tuple[int, float]:
    """How many of its first rollouts were measured whole, and until when their record is complete.

    A rollout was, where it settled and the next one began, which ended its quiet time; and where every request that was
    due until then has a row. What was under way when the run was killed has none: where the kill came so soon after the
    beginning of a rollout that a request of the one before can be among that, the one before does not count either; nor
    does it where one of the workers has no request of a stream from then on: it may have stopped long before.
    """
    if not len(run.requests):
        return 0, 0.0
    marks = {seen.t for seen in run.timeline if seen.kind == "Mark" and seen.type == MarkType.UPDATE}
    updates = sorted(marks | {one.update for one in run.info.rollouts})
    settled = [one.settled is not None for one in sorted(run.info.rollouts, key=lambda one: one.update)]
    longest_s = run.info.load.connect_timeout_s + run.info.load.read_timeout_s
    for number in reversed(range(1, len(updates))):
        until = updates[number]
        if all(settled[:number]) and not _lacks(run.requests, until, longest_s):
            return number, until
    return 0, 0.0


def _lacks(requests: pl.DataFrame, until: float, longest_s: float) -> bool:
    """Whether a request that was due before may have been under way still, of any worker and stream.

    What has no row though a request takes `longest_s` at most, and its worker wrote rows later than that, was lost: of
    that the judge is to tell.
    """
    import polars as pl

    due = pl.col("scheduled") < until
    courses = requests.group_by("stream", "worker").agg(
        rows=due.sum(),
        next=pl.col("seq").filter(~due).min(),
        first=pl.col("seq").min(),
        over=(pl.col("ended").max() >= until + longest_s).fill_null(False),
    )
    all_there = pl.col("over") | (pl.col("rows") == pl.col("next") - pl.col("first"))
    return not courses.select((pl.col("next").is_not_null() & all_there).all()).item()


def mark_gone_on(folder: Path, gone_on: GoneOn) -> None:
    """Write into the run.json of an interrupted run that another goes on with it."""
    info = replace(read_info(folder, []), gone_on=gone_on)
    replace_file(folder / "run.json", json.dumps(to_json(info), indent=1))
