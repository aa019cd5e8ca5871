"""Requests and the causes of the failed ones -> what was counted in each window: requests, outages, latency."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.causes.intervals import frozen
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.requests import KEY
from harness.analysis.observed.windows import CONTROL, OUTSIDE
from harness.analysis.verdict.attribution import Attribution
from harness.analysis.verdict.outages import outages
from harness.model.result import Latency, Outage, StreamCount, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Per window position (-1 control, then the rollouts): what was counted in it. `at`: per failure, that position."""

    windows: dict[int, Window]
    outages: dict[int, tuple[Outage, ...]]
    at: NDArray[np.int64]

    def __post_init__(self) -> None:
        frozen(self.at)


def counted(seen: Observed, label: NDArray[np.object_], charged: Attribution) -> Counted:
    """Requests, failures, latency and outages of the control window and of every rollout. `label`: the cause of
    each failure in words, or those of which it is one.

    A request belongs to the window in which it was due; one that a rollout has to answer for, to that rollout, be it
    that it was sent in the control window and cut after the update.
    """
    frame = seen.requests.frame
    due_at = seen.windows.positions(seen.requests.failures["scheduled"].to_numpy())
    failure_at = charged.counted_at(seen)
    at = pl.Series("at", seen.windows.positions(frame["scheduled"].to_numpy()), dtype=pl.Int16)
    narrow = _moved(
        frame.select(*KEY, "scheduled", "ended", "outcome", "failed", "unsent").with_columns(at),
        seen.requests.failures.select(*KEY, pl.Series("to", failure_at, dtype=pl.Int16)).filter(failure_at != due_at),
    )
    counts = (
        narrow.lazy()
        .group_by("at", "stream", "outcome")
        .agg(n=pl.len(), failed=pl.col("failed").sum(), unsent=pl.col("unsent").sum())
        .with_columns(pl.col("stream", "outcome").cast(pl.String))
        .collect(engine="streaming")
        .sort("at", "stream", "outcome")
    )
    latency = _latencies(narrow)
    spans: dict[int, tuple[float, float]] = {
        i: (span.update, min(span.end, seen.windows.end)) for i, span in enumerate(seen.windows.rollouts)
    }
    if seen.windows.control is not None:
        spans[CONTROL] = seen.windows.control
    rows: dict[int, list[_Row]] = {position: [] for position in (*spans, OUTSIDE, CONTROL)}
    for at_, *row in counts.iter_rows():
        rows[at_].append(_Row(*row))
    causes: dict[int, list[str]] = {position: [] for position in rows}
    for at_, one in zip(failure_at.tolist(), label, strict=True):
        causes[at_].append(one)
    windows = {
        position: _window(span, rows[position], causes[position], latency.get(position, {}))
        for position, span in spans.items()
    }
    return Counted(windows=windows, outages=_outages(seen, narrow, spans, failure_at), at=failure_at)


def _moved(narrow: pl.DataFrame, moved: pl.DataFrame) -> pl.DataFrame:
    """The requests, with those of `moved` (their key) in the window `to` which it names."""
    if not len(moved):
        return narrow
    to = moved.with_columns(pl.col("stream").cast(narrow.schema["stream"]))
    joined = narrow.join(to, on=list(KEY), how="left", maintain_order="left")
    return joined.with_columns(at=pl.coalesce("to", "at")).drop("to")


def _latencies(narrow: pl.DataFrame) -> dict[int, dict[str, Latency]]:
    """By window and stream."""
    took = (pl.col("ended") - pl.col("scheduled")).alias("took") * 1000.0
    rows = (
        narrow.lazy()
        .filter(~pl.col("failed"), ~pl.col("unsent"), pl.col("ended").is_not_null())
        .select("at", "stream", took)
        .group_by("at", "stream")
        .agg(
            p50=pl.col("took").quantile(0.5, "nearest"),
            p99=pl.col("took").quantile(0.99, "nearest"),
            most=pl.col("took").max(),
        )
        .collect()
    )
    found: dict[int, dict[str, Latency]] = {}
    for at, stream, p50, p99, most in rows.iter_rows():
        latency = Latency(p50_ms=round(p50, 3), p99_ms=round(p99, 3), max_ms=round(most, 3))
        found.setdefault(at, {})[stream] = latency
    return found


class _Row(NamedTuple):
    """What was counted of one stream with one outcome in one window."""

    stream: str
    outcome: str
    n: int
    failed: int
    unsent: int


def _window(
    span: tuple[float, float],
    rows: Sequence[_Row],
    causes: list[str],
    latency: dict[str, Latency],
) -> Window:
    streams = tuple(_stream(stream, list(some), latency) for stream, some in groupby(rows, attrgetter("stream")))
    outcomes: Counter[str] = Counter()
    for row in rows:
        if row.failed:
            outcomes[row.outcome] += row.n
    return Window(
        start=round(span[0], 6),
        end=round(span[1], 6),
        requests=sum(row.n for row in rows),
        failed=sum(row.failed for row in rows),
        unsent=sum(row.unsent for row in rows),
        streams=streams,
        by_outcome=_ranked(outcomes),
        by_cause=tally(causes),
        latency=latency[min(latency, key=_leading)] if latency else None,
    )


def _stream(stream: str, rows: Sequence[_Row], latency: dict[str, Latency]) -> StreamCount:
    return StreamCount(
        stream=stream,
        requests=sum(row.n for row in rows),
        failed=sum(row.failed for row in rows),
        unsent=sum(row.unsent for row in rows),
        latency=latency.get(stream),
    )


_LEADING = ("new", "kept")


def _leading(stream: str) -> tuple[int, str]:
    return (_LEADING.index(stream) if stream in _LEADING else len(_LEADING), stream)


def tally(names: list[str]) -> dict[str, int]:
    """How often each name comes, most frequent first."""
    return _ranked(Counter(names))


def _ranked(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _outages(
    seen: Observed, narrow: pl.DataFrame, spans: dict[int, tuple[float, float]], failure_at: NDArray[np.int64]
) -> dict[int, tuple[Outage, ...]]:
    failures = seen.requests.failures
    found: dict[int, list[Outage]] = {position: [] for position in spans}
    for stream in failures["stream"].unique().sort():
        of_stream = pl.col("stream") == stream
        good = narrow.filter(of_stream, ~pl.col("failed"), ~pl.col("unsent"))["scheduled"]
        answered = (good if good.is_sorted() else good.sort()).to_numpy()
        mine = (failures["stream"] == stream).to_numpy()
        due, at = failures["scheduled"].to_numpy()[mine], failure_at[mine]
        for position, (start, end) in spans.items():
            found[position].extend(outages(stream, answered, np.sort(due[at == position]), start, end))
    return {position: tuple(sorted(some, key=lambda o: (o.start, o.stream))) for position, some in found.items()}
