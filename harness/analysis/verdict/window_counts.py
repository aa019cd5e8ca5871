"""The facts of a run -> windows with their counts, outages and latency, as the result shows them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.verdict.outages import outages
from harness.model.result import Latency, Outage, StreamCount, Window

if TYPE_CHECKING:
    from harness.analysis.causes.explained import Investigation


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Per window position (-1 control, then the rollouts): what was counted in it."""

    windows: dict[int, Window]
    outages: dict[int, tuple[Outage, ...]]


CONTROL, OUTSIDE = -1, -2


def positions(case: Investigation, moments: pl.Series) -> NDArray[np.int64]:
    """The window in which each moment lies: a rollout's position, `CONTROL`, or `OUTSIDE` of both."""
    t = moments.to_numpy()
    at = np.searchsorted(np.asarray(case.windows.updates, dtype=np.float64), t, side="right") - 1
    control = case.windows.control
    if control is None:
        return np.where(at < 0, OUTSIDE, at)
    return np.where((at < 0) & ((t < control[0]) | (t >= control[1])), OUTSIDE, at)


def counted(case: Investigation) -> Counted:
    """Requests, failures, latency and outages of the control window and of every rollout."""
    frame = case.history.frame
    at = pl.Series("at", positions(case, frame["scheduled"]), dtype=pl.Int16)
    narrow = frame.select("scheduled", "ended", "stream", "outcome", "failed", "unsent").with_columns(at)
    counts = (
        narrow.lazy()
        .group_by("at", "stream", "outcome")
        .agg(n=pl.len(), failed=pl.col("failed").sum(), unsent=pl.col("unsent").sum())
        .with_columns(pl.col("stream", "outcome").cast(pl.String))
        .collect(engine="streaming")
        .sort("at", "stream", "outcome")
    )
    latency = _latencies(narrow)
    failure_at = positions(case, case.history.failures["scheduled"])
    spans: dict[int, tuple[float, float]] = {
        i: (span.update, min(span.end, case.windows.end)) for i, span in enumerate(case.windows.rollouts)
    }
    if case.windows.control is not None:
        spans[CONTROL] = case.windows.control
    windows = {
        position: _window(
            span,
            counts.filter(pl.col("at") == position),
            case,
            failure_at == position,
            {stream: found for (at, stream), found in latency.items() if at == position},
        )
        for position, span in spans.items()
    }
    return Counted(windows=windows, outages=_outages(case, narrow, spans))


def _latencies(narrow: pl.DataFrame) -> dict[tuple[int, str], Latency]:
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
    return {
        (int(at), str(stream)): Latency(p50_ms=round(p50, 3), p99_ms=round(p99, 3), max_ms=round(most, 3))
        for at, stream, p50, p99, most in rows.iter_rows()
    }


def _window(
    span: tuple[float, float],
    counts: pl.DataFrame,
    case: Investigation,
    here: NDArray[np.bool_],
    latency: dict[str, Latency],
) -> Window:
    streams = counts.group_by("stream", maintain_order=True).agg(pl.col("n", "failed", "unsent").sum())
    failed = counts.filter(pl.col("failed") > 0)
    return Window(
        start=round(span[0], 6),
        end=round(span[1], 6),
        requests=int(counts["n"].sum()),
        failed=int(counts["failed"].sum()),
        unsent=int(counts["unsent"].sum()),
        streams=tuple(
            StreamCount(stream=stream, requests=n, failed=bad, unsent=unsent, latency=latency.get(stream))
            for stream, n, bad, unsent in streams.iter_rows()
        ),
        by_outcome=tally(list(failed["outcome"].repeat_by(failed["n"]).explode())) if len(failed) else {},
        by_cause=tally([str(cause) for cause in case.found.cause[here]]),
        latency=latency[min(latency, key=_leading)] if latency else None,
    )


_LEADING = ("new", "kept")


def _leading(stream: str) -> tuple[int, str]:
    return (_LEADING.index(stream) if stream in _LEADING else len(_LEADING), stream)


def tally(names: list[str]) -> dict[str, int]:
    """How often each name comes, most frequent first."""
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))


def _outages(
    case: Investigation, narrow: pl.DataFrame, spans: dict[int, tuple[float, float]]
) -> dict[int, tuple[Outage, ...]]:
    failures = case.history.failures
    found: dict[int, list[Outage]] = {position: [] for position in spans}
    for stream in failures["stream"].unique().sort():
        of_stream = pl.col("stream") == stream
        good = narrow.filter(of_stream, ~pl.col("failed"), ~pl.col("unsent"))["scheduled"]
        answered = (good if good.is_sorted() else good.sort()).to_numpy()
        due = np.sort(failures.filter(pl.col("stream") == stream)["scheduled"].to_numpy())
        for position, (start, end) in spans.items():
            inside = due[(due >= start) & (due < end)] if position == CONTROL else due[(due >= start) & (due <= end)]
            if position != CONTROL and position + 1 in spans:
                inside = inside[inside < spans[position + 1][0]]
            found[position].extend(outages(stream, answered, inside, start, end))
    return {position: tuple(sorted(some, key=lambda o: (o.start, o.stream))) for position, some in found.items()}
