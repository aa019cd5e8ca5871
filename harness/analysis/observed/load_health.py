"""When requests were due and when they went out -> whether the load generator kept its schedule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from harness.analysis.observed.courses import Course
from harness.analysis.observed.requests import Requests
from harness.analysis.observed.windows import Windows
from harness.model.deed_words import deed_words
from harness.model.quantity import things
from harness.model.request import ON_TIME_S
from harness.model.run import RunInfo

LATE_P99_S = 0.1
STALL_S = 0.5
UNSENT_SHARE = 0.001
SHORT_SHARE = 0.05
"""The bounds: 1 % of the requests 100 ms late, one 0.5 s late, 0.1 % unsent, or 5 % of the planned ones missing; of
those due from the control window on, but for the last, which holds for the whole run. Of a long run 0.1 % may be all
that a rollout loses, so in none of them may as much of a stream be unsent as is due in `STALL_S`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadHealth:
    """Whether the generator is to be trusted. `why` is empty while it is. `stalls`: [start, end] of each, seconds."""

    why: str
    facts: dict[str, Any]
    stalls: tuple[tuple[float, float], ...] = ()


def load_health(
    info: RunInfo,
    requests: Requests,
    windows: Windows,
    made: Sequence[Course],
    seconds: Sequence[dict[str, Any]] = (),
) -> LoadHealth:
    """What the worker's own delays say.

    `facts`: `requests, unsent, unfinished` (known by gaps in seq), `lag_ms: {p50, p99, max}`, `per_s: {stream:
    {planned, sent}}`, `kept_schedule`, `why`; and where `seconds` (workers.jsonl) tell it, `cpu_max` (1: a whole core).
    """

    frame = requests.frame
    start = windows.control[0] if windows.control else requests.first
    p50, p99, most = _lags(frame, start)
    unsent = int(frame["unsent"].sum() or 0)
    facts: dict[str, Any] = {
        "requests": len(frame),
        "unsent": unsent,
        "unfinished": sum(course.due - course.rows for course in made),
        "lag_ms": {"p50": _ms(p50), "p99": _ms(p99), "max": _ms(most)},
        "per_s": _rates(info, made),
    }
    if cpu := [second["cpu"] for second in seconds if isinstance(second.get("cpu"), float)]:
        facts["cpu_max"] = max(cpu)
    why = _why(facts, p99 or 0.0, most or 0.0, _unsent(frame, start, info, windows))
    facts |= {"kept_schedule": not why, "why": why}
    return LoadHealth(why=why, facts=facts, stalls=_stalls(frame))


def _lags(frame: pl.DataFrame, start: float) -> tuple[float | None, float | None, float | None]:
    """p50, p99 and the largest delay of what was due from `start` on, in seconds."""
    lag = frame["started"].to_numpy() - frame["scheduled"].to_numpy()
    lag = lag[(frame["scheduled"].to_numpy() >= start) & ~np.isnan(lag)]
    if not len(lag):
        return None, None, None
    ranks = [int(share * (len(lag) - 1)) for share in (0.5, 0.99, 1.0)]
    lag.partition(ranks)
    return float(lag[ranks[0]]), float(lag[ranks[1]]), float(lag[ranks[2]])


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000.0 * seconds, 3)


def _unsent(frame: pl.DataFrame, start: float, info: RunInfo, windows: Windows) -> str:
    """More unsent requests than are borne, of those due from `start` on, and why they were not sent; else empty.

    Before, an application comes up and workers start, and nothing is counted for or against a rollout.
    """
    due = frame.lazy().filter(pl.col("scheduled") >= start)
    late = pl.col("ended") - pl.col("scheduled")
    unsent = due.filter(pl.col("unsent")).select("stream", "scheduled", late=late).collect()
    requests = int(due.select(pl.len()).collect().item())
    if len(unsent) > UNSENT_SHARE * max(1, requests):
        return _not_sent(unsent, things(requests, "request"))
    for span in windows.rollouts if len(unsent) else ():
        over = span.end if span.settled is None else span.settled + (info.quiet_s or 0.0)
        until = min(over, span.end, windows.end)
        then = pl.col("scheduled").is_between(span.update, until, closed="left")
        for (stream,), missed in unsent.filter(then).group_by("stream", maintain_order=True):
            of_stream = int(due.filter(then, pl.col("stream") == stream).select(pl.len()).collect().item())
            if len(missed) / of_stream * (until - span.update) > STALL_S:
                name = deed_words(info.disruption).numbered(span.number)
                return _not_sent(missed, f"{things(of_stream, 'request')} of stream {stream} in {name}")
    return ""


def _not_sent(unsent: pl.DataFrame, of: str) -> str:
    typical = float(unsent["late"].median() or 0.0)  # type: ignore[arg-type]
    not_sent = f"{len(unsent)} of {of} not sent"
    if typical > STALL_S:
        return f"{not_sent} since it had stood still"
    if typical >= ON_TIME_S:
        return f"{not_sent} as it could not keep up"
    return f"{not_sent} for lack of slots"


def _why(facts: dict[str, Any], p99: float, most: float, unsent: str) -> str:
    if p99 > LATE_P99_S:
        return f"1 % of the requests went out more than {1000 * p99:.0f} ms late"
    if most > STALL_S:
        return f"it stood still for {most:.1f} s"
    if unsent:
        return unsent
    for stream, rate in facts["per_s"].items():
        if rate["planned"] and rate["sent"] < (1.0 - SHORT_SHARE) * rate["planned"]:
            return f"stream {stream} had {rate['sent']:.1f} requests per second of the planned {rate['planned']:g}"
    return ""


def _rates(info: RunInfo, made: Sequence[Course]) -> dict[str, dict[str, float]]:
    streams: dict[str, list[Course]] = {}
    for course in sorted(made, key=lambda course: course.stream):
        streams.setdefault(course.stream, []).append(course)
    lost = any(worker.lost_at is not None for worker in info.workers)
    sent = {stream: _each_its_own(its) if lost else _sent_per_s(its) for stream, its in streams.items()}
    return {
        stream: {"planned": float(info.streams.get(stream, 0.0)), "sent": rate}
        for stream, rate in sent.items()
        if rate > 0
    }


def _sent_per_s(its: Sequence[Course]) -> float:
    """The rate of a stream, of all its workers together; 0 where a single moment says none."""
    due = sum(course.due for course in its)
    span = max(course.last for course in its) - min(course.first for course in its)
    return round((due - 1) / span, 3) if span > 0 and due > 1 else 0.0


def _each_its_own(its: Sequence[Course]) -> float:
    """The same where one of the workers was lost: each by the time for which it was there."""
    return round(sum(_sent_per_s([course]) for course in its), 3)


def _stalls(frame: pl.DataFrame) -> tuple[tuple[float, float], ...]:
    """Intervals in which the worker did not run, joined where they overlap."""
    seen = pl.coalesce("started", pl.when(pl.col("unsent")).then("ended")).alias("started")
    late = frame.lazy().filter(seen - pl.col("scheduled") > STALL_S / 2).select("scheduled", seen)
    joined: list[tuple[float, float]] = []
    for start, end in late.sort("scheduled").collect().iter_rows():
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)
