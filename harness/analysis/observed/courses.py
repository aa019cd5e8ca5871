"""The requests of a run -> a course of each stream and worker: how many, with which numbers, due from when to when."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What one worker made of one stream. `low` and `high`: the smallest and the largest `seq` that has a row.

    `first` and `last`: when the first and the last was due; `ended`: when the end of the last to end was known;
    `longest_s`: the longest time from due to end; `keeps`: some went out on kept connections.
    """

    stream: str
    worker: int
    rows: int
    low: int
    high: int
    first: float
    last: float
    ended: float
    longest_s: float
    keeps: bool

    @property
    def due(self) -> int:
        """How many have been due, by their numbers, since the first that has a row."""
        return self.high - self.low + 1


def courses(frame: pl.DataFrame) -> tuple[Course, ...]:
    """By stream and worker. `frame`: as `requests.Requests` has it."""
    found = (
        frame.lazy()
        .group_by("stream", "worker")
        .agg(
            rows=pl.len(),
            low=pl.col("seq").min(),
            high=pl.col("seq").max(),
            first=pl.col("scheduled").min(),
            last=pl.col("scheduled").max(),
            ended=pl.col("ended").max(),
            longest_s=(pl.col("ended") - pl.col("scheduled")).max(),
            keeps=pl.col("reused").any(),
        )
        .collect(engine="streaming")
        .with_columns(
            pl.col("stream").cast(pl.String),
            pl.col("worker", "low", "high").fill_null(0),
            pl.col("ended").fill_null(pl.col("last")),
            pl.col("longest_s").fill_null(0.0),
        )
        .sort("stream", "worker")
    )
    return tuple(Course(**row) for row in found.iter_rows(named=True))
