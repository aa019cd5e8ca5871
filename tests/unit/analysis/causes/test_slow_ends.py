"""Kept connections that are reset within the longest pause of the client's loop: as late as that is, or later."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from harness.analysis import judge
from harness.model.result import ScenarioResult, Verdict

from ..literal import history

RUN = """
    period 1
    update 8.0 complete 10.0 settled 10.8
    pod old-1 deleted 8.5 ended 9.5 gone 9.7
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..30 every 0.05 by old-2
"""
MOMENTS = (8.6, 8.8, 9.0, 9.2)


def cut(took: float) -> str:
    """Of four connections that are used every 10 ms, so that chance alone ends some of them at a send."""
    lines = [f"ok kept 0.00{n}..8.5 every 0.01 by old-1 reused took 0.004 port {7000 + n}" for n in range(4)]
    lines += [
        f"reset-before-response kept {t} by old-1 reused took {took} port {7000 + n} acked 0"
        for n, t in enumerate(MOMENTS)
    ]
    return "\n".join(lines)


def judged(text: str, *, late_s: float) -> ScenarioResult:
    """... by a client whose loop is late by up to `late_s`, evenly, to send and to see that it is connected."""
    run = history(RUN + text)
    share = pl.int_range(pl.len()) % 20 / 20.0
    failed = pl.col("outcome") != "ok"
    late = pl.when(failed).then(0.0).otherwise(share * late_s)
    frame = run.requests.with_columns(scheduled=pl.col("scheduled") - late, connected=pl.col("connected") + late)
    return judge(replace(run, requests=frame))


def test_ends_that_come_later_than_the_loop_ever_is_are_of_requests_that_were_taken() -> None:
    result = judged(cut(0.003), late_s=0.0006)
    assert result.causes == {"in-flight-kill": 4}
    assert result.verdict == Verdict.DROPPING


def test_ends_that_come_as_late_as_the_loop_was_under_way() -> None:
    result = judged(cut(0.003), late_s=0.006)
    assert result.causes == {"idle-close": 4}
    assert result.verdict == Verdict.SEAMLESS


def test_one_alone_may_be_chance() -> None:
    alone = "reset-before-response kept 8.6 by old-1 reused took 0.003 port 7000 acked 0\n"
    assert judged("ok kept 0..8.5 every 0.01 by old-1 reused port 7000\n" + alone, late_s=0.0006).causes == {
        "idle-close": 1
    }
