"""Whether the generator kept its schedule is a question of the time that is judged."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from harness.analysis import judge
from harness.model.result import Verdict
from harness.model.run import Run
from tests.unit.analysis.literal import history

ROLLOUT = """
    update 8.0 complete 9.0 settled 9.5
    pod old-1 deleted 8.5 ended 8.8 gone 9.0
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..30 every 0.01
"""


def _run(at: str, *, late_s: float) -> Run:
    """A rollout whose control window begins at 3, with twenty requests from `at` on that were not sent."""
    run = history(f"{ROLLOUT} unsent new {at}", control=(3.0, 8.0))
    given_up = pl.when(pl.col("outcome") == "unsent").then(pl.col("scheduled") + late_s).otherwise(pl.col("ended"))
    return replace(run, requests=run.requests.with_columns(ended=given_up))


def test_what_was_not_sent_before_the_control_window_is_no_doubt() -> None:
    result = judge(_run("1..1.2 every 0.01", late_s=1.2))
    assert (result.verdict, result.unsent) == (Verdict.SEAMLESS, 20)


@pytest.mark.parametrize(
    ("late_s", "why"),
    [
        (1.2, "20 of 2,720 requests not sent since it had stood still"),
        (0.012, "20 of 2,720 requests not sent as it could not keep up"),
        (0.0, "20 of 2,720 requests not sent for lack of slots"),
    ],
)
def test_what_was_not_sent_in_a_rollout_is_said_with_the_reason(late_s: float, why: str) -> None:
    result = judge(_run("8.1..8.3 every 0.01", late_s=late_s))
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, "load-generator")
    assert why in result.sentence


LONG = """
    update 500 complete 501 settled 501.5
    update 1000 complete 1001 settled 1001.5
    pod one deleted 500.5 prestop 0.5 ended 501 gone 501.3
    pod two revision r2 created 500.1 ready 500.4 deleted 1000.5 prestop 0.5 ended 1001 gone 1001.3
    pod three revision r3 created 1000.1 ready 1000.4
    ok new 0..1000.5 every 0.25
"""
KEPT = "\nok new 1000.5..1500 every 0.25\nok kept 0..1000.5 every 0.25 reused"


@pytest.mark.parametrize(("stream", "beside"), [("new", ""), ("kept", KEPT)])
def test_what_a_rollout_would_have_lost_may_be_few_of_a_long_run(stream: str, beside: str) -> None:
    few = f"unsent {stream} 1000.5\nok {stream} 1000.75..1500 every 0.25{beside}"
    assert judge(history(f"{LONG}{few}", quiet_s=5.0)).verdict == Verdict.SEAMLESS
    hole = f"unsent {stream} 1000.5..1001.25 every 0.25\nok {stream} 1001.25..1500 every 0.25{beside}"
    result = judge(history(f"{LONG}{hole}", quiet_s=5.0))
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, "load-generator")
    assert f"3 of 26 requests of stream {stream} in rollout 2 not sent for lack of slots" in result.sentence
