"""The courses of a run's requests -> what of them is missing from the record, counted and named.

A request that has no row may have been lost, so a record with gaps carries no `seamless`. What must be there is what
the workers state at their end; where a run does not say, what follows from the numbers (`seq` counts from 0, without
gaps), from each stream's rate, and from how long there must have been load.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harness.analysis.observed.courses import Course
from harness.analysis.observed.lost_workers import lost_parts
from harness.analysis.observed.windows import Windows
from harness.model.deed_words import deed_words
from harness.model.quantity import things
from harness.model.run import RunInfo, WorkerEnd

SLACK_S = 0.5
"""How much later than the others a stream may begin, and how much sooner it may end."""

HOLE_S = 0.5
"""In a stream of kept connections so long a time may pass without a request: some recorders leave out one whose
connection was found closed before anything was sent, since nothing was lost."""

_EXACT_S = 0.002
"""How far from its schedule a request may be due: recorders round."""

_NAMED = 3


def missing(
    info: RunInfo, frame: pl.DataFrame, found: Sequence[Course], windows: Windows, seconds: Sequence[dict[str, Any]]
) -> tuple[str, ...]:
    """What the record lacks, in words; empty where nothing is known to be missing. `seconds`: workers.jsonl."""
    if not found:
        return ()
    lost = {part.worker.worker: part.since for part in lost_parts(info, frame)}
    stated = [end for end in info.ends or () if end.worker not in lost]
    whole = [course for course in found if course.worker not in lost]
    return (
        *_streams(info, found),
        *_numbers(frame, found, lost),
        *(_counted(whole, seconds) if info.ends is None else _stated(stated, whole) if info.ends else ()),
        *(
            ["no load worker stated at its end how many requests it had made"]
            if info.finished and info.ends == ()
            else []
        ),
        *_schedules(info, frame, found),
        *_edges(info, found, lost),
        *_too_short(info, found, windows),
    )


def _streams(info: RunInfo, found: Sequence[Course]) -> Iterator[str]:
    """Streams of the run without a request, and requests of streams that it had not."""
    seen = {course.stream for course in found}
    for stream, rate in info.streams.items():
        if rate > 0 and stream not in seen:
            yield f"stream {stream} has no request at all, and was to have {rate:g} per second"
    if not info.streams:
        return
    for stream in sorted(seen - set(info.streams)):
        rows = sum(course.rows for course in found if course.stream == stream)
        yield f"{_requests(rows)} of a stream {stream!r}, which the run did not have"


def _numbers(frame: pl.DataFrame, found: Sequence[Course], lost: Mapping[int, float]) -> Iterator[str]:
    """Gaps in the sequence numbers, which begin at 0; of a worker that was lost, before what was in flight then."""
    for course in found:
        if course.high + 1 - course.rows <= 0:
            continue
        numbers = _of(frame, course, "seq")
        if course.worker in lost:
            numbers = numbers[_of(frame, course, "scheduled") <= lost[course.worker]]
        numbers = np.sort(numbers)
        lacking = int(numbers[-1]) + 1 - len(numbers) if len(numbers) else 0
        if lacking <= 0:
            continue
        before = np.concatenate(([-1], numbers[:-1]))
        holes = [(int(low) + 1, int(high)) for low, high in zip(before, numbers, strict=True) if high > low + 1]
        shown = ", ".join(_span(low, high) for low, high in holes[:_NAMED])
        more = f" and in {things(len(holes) - _NAMED, 'more gap')}" if len(holes) > _NAMED else ""
        yield f"{_requests(lacking)} of {_name(course, found)} {_have(lacking)} no row (seq {shown}{more})"


def _span(low: int, high: int) -> str:
    """The numbers from `low` on below `high`."""
    return f"{low}" if high == low + 1 else f"{low} to {high - 1}"


def _stated(ends: Sequence[WorkerEnd], found: Sequence[Course]) -> Iterator[str]:
    """Where the rows are not as many as their worker said that it made, and not with the numbers that it gave."""
    rows = {(course.stream, course.worker): course for course in found}
    for end in ends:
        for stream, count in end.requests.items():
            course = rows.pop((stream, end.worker), None)
            if course is None and count:
                yield f"stream {stream} has no row of worker {end.worker}, which made {_requests(count)}"
            elif course is not None and course.high + 1 != count:
                yield (
                    f"the last request of {_name(course, found)} that has a row is number {course.high},"
                    f" and its worker's last was number {count - 1}"
                )
    for course in rows.values():
        yield f"{_requests(course.rows)} of {_name(course, found)}, of which no worker says that it made them"


def _counted(found: Sequence[Course], seconds: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Where the rows are fewer than a worker counted second by second; asked of runs that state no more."""
    made: dict[int, int] = {}
    for second in seconds:
        worker, sent, unsent = (second.get(name) for name in ("worker", "sent", "unsent"))
        if isinstance(worker, int) and isinstance(sent, int) and isinstance(unsent, int):
            made[worker] = made.get(worker, 0) + sent + unsent
    for worker, count in sorted(made.items()):
        rows = sum(course.rows for course in found if course.worker == worker)
        if rows < count:
            yield f"worker {worker} counted {_requests(count)}, and {rows} have a row"


def _schedules(info: RunInfo, frame: pl.DataFrame, found: Sequence[Course]) -> Iterator[str]:
    """Where requests are not due when their numbers say, though no number is missing: a time without any."""
    for course in found:
        workers = sum(other.stream == course.stream for other in found)
        rate = info.streams.get(course.stream, 0.0) / workers
        if rate <= 0 or course.high <= course.low:
            continue
        number, due = _of(frame, course, "seq"), _of(frame, course, "scheduled")
        off = np.abs(due - course.first - (number - course.low) / rate)
        if float(off.max()) > _EXACT_S:
            yield from _off_schedule(course, found, number, due)


def _off_schedule(course: Course, found: Sequence[Course], number: NDArray[Any], due: NDArray[Any]) -> Iterator[str]:
    order = np.argsort(number, kind="stable")
    number, due = number[order], due[order]
    step, numbers = np.diff(due), np.maximum(np.diff(number), 1)
    if backwards := int((step < -_EXACT_S).sum()):
        yield f"{_requests(backwards)} of {_name(course, found)} {_was(backwards)} due before the one before"
    # By its own pace: whether that is the one that was asked for, the generator's health tells.
    rate = 1.0 / max(float(np.median(step / numbers)), 1e-9)
    longer = step - numbers / rate
    holes = np.flatnonzero(longer > (max(HOLE_S, 0.5 / rate) if course.keeps else max(_EXACT_S, 0.5 / rate)))
    if len(holes) and not backwards:
        lacking = max(1, round(float(longer[holes].sum()) * rate))
        first = int(holes[0])
        yield (
            f"{_name(course, found)} had no request from {due[first]:.2f} to {due[first + 1]:.2f} s, though it had"
            f" {rate:.4g} per second: {_requests(lacking)} {_is(lacking)} missing"
        )


def _edges(info: RunInfo, found: Sequence[Course], lost: Mapping[int, float]) -> Iterator[str]:
    """Streams that begin after the others, or end before them, and a control window that began without load."""
    planned = [course for course in found if info.streams.get(course.stream, 0.0) > 0]
    start = min((course.first for course in planned), default=0.0)
    end = max((course.last for course in planned), default=0.0)
    for course in planned:
        spare_s = SLACK_S + _period(info, course)
        if course.first > start + spare_s:
            yield f"{_name(course, found)} begins {course.first - start:.2f} s after the others"
        # One that was under way as the load ended, some recorders leave out.
        if course.worker not in lost and course.last < end - spare_s - course.longest_s:
            yield f"{_name(course, found)} ends {end - course.last:.2f} s before the others"
        if info.control is not None and course.first > info.control[0] + spare_s:
            yield f"{_name(course, found)} begins {course.first - info.control[0]:.2f} s into the control window"


def _too_short(info: RunInfo, found: Sequence[Course], windows: Windows) -> Iterator[str]:
    """Load that ended before it should have: with the last rollout's quiet time."""
    if not windows.rollouts:
        return
    last, end = windows.rollouts[-1], max(course.last for course in found)
    reached = max(moment for moment in (last.update, last.complete, last.settled) if moment is not None)
    until = reached + (info.quiet_s or 0.0 if last.settled is not None else 0.0)
    longest_s = max(_period(info, course) for course in found)
    name = deed_words(info.disruption).numbered(last.number)
    if end < until - SLACK_S - longest_s:
        yield (
            f"the load ended at {end:.2f} s, and had to go on until {until:.2f} s for {name}:"
            " what came after that is not known"
        )


def _period(info: RunInfo, course: Course) -> float:
    rate = info.streams.get(course.stream, 0.0)
    return 1.0 / rate if rate > 0 else 0.0


def _of(frame: pl.DataFrame, course: Course, column: str) -> NDArray[Any]:
    """That column of a course's requests."""
    its = (pl.col("stream") == course.stream) & (pl.col("worker").fill_null(0) == course.worker)
    return frame.lazy().filter(its).select(pl.col(column).fill_null(0)).collect().to_series().to_numpy()


def _name(course: Course, found: Sequence[Course]) -> str:
    alone = all(other.worker == course.worker for other in found)
    return f"stream {course.stream}" if alone else f"stream {course.stream} of worker {course.worker}"


def _requests(count: int) -> str:
    return f"{count} request{'' if count == 1 else 's'}"


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
