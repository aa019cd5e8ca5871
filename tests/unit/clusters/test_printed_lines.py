"""What a rotated log did not show is counted by what the worker says it printed, and had from the worker itself."""

from __future__ import annotations

import pytest

from harness.clusters.pod_log import Heard
from harness.clusters.printed_lines import PrintedLines
from harness.load import MOST_LINES, Statistics
from harness.load.records import line as row_of
from harness.load.records import statistics_line
from harness.model.request import Outcome, Request

pytestmark = pytest.mark.anyio


def printed(rows: int, every: int) -> list[str]:
    """What a worker prints: rows, and a second's statistics after so many."""
    lines: list[str] = []
    numbers = {"sent": 1, "in_flight": 0, "unsent": 0, "lag_p50_ms": 0.0, "lag_p99_ms": 0.0, "lag_max_ms": 0.0}
    for seq in range(rows):
        if seq % every == 0:
            lines.append(
                statistics_line(
                    Statistics(t=float(seq), worker=0, cpu=0.1, replaced=0, lines=len(lines), **numbers)  # type: ignore[arg-type]
                )
            )
        lines.append(row_of(Request(stream="new", worker=0, seq=seq, scheduled=0.1 * seq, outcome=Outcome.OK)))
    return lines


async def heard_of(lines: list[str], shown: list[str], *, kept: int = 10**6) -> tuple[list[str], int]:
    """The rows that come of a log that showed these, from a worker that keeps so many; how often it was asked."""
    heard, asked = Heard(), 0

    async def again(start: int, end: int) -> list[str]:
        nonlocal asked
        asked += 1
        assert end - start <= MOST_LINES
        return lines[start:end] if start >= len(lines) - kept else []

    counted, rows = PrintedLines(heard, again), []
    for text in shown:
        if heard.is_new(raw := text.encode()):
            rows += [*(await counted.missed(raw)), raw]
    return sorted(row.decode() for row in rows if row.startswith(b"new")), asked


async def test_a_log_that_shows_all_asks_for_nothing() -> None:
    lines = printed(500, 50)
    rows, asked = await heard_of(lines, ["the container says something of its own", *lines, *lines[40:90]])
    assert rows == sorted(line for line in lines if line.startswith("new"))
    assert asked == 0


@pytest.mark.parametrize("gap", [(70, 75), (10, 200), (0, 51), (300, 301), (3, 5900)])
async def test_what_it_did_not_show_comes_from_the_worker_once(gap: tuple[int, int]) -> None:
    lines = printed(6000, 50)
    shown = lines[: gap[0]] + lines[gap[1] :]
    rows, asked = await heard_of([*lines], [*shown, *shown[-60:]])
    assert rows == sorted(line for line in lines if line.startswith("new"))
    assert asked >= 1


async def test_what_the_worker_does_not_keep_any_more_stays_missing_and_is_asked_for_once() -> None:
    lines = printed(500, 50)
    rows, asked = await heard_of(lines, lines[:70] + lines[80:], kept=100)
    assert asked == 1
    assert len(rows) == 490
