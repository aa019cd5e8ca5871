"""Answers with a good status that only pods give that stop, or have just started: no run with them is called clean."""

from __future__ import annotations

import pytest

from harness.analysis import judge
from harness.model.result import ScenarioResult, Verdict
from harness.model.run import RequestFacts

from ..literal import history, nameless

ROLLOUT = """
    period 1
    update 8 complete 9 settled 13
    pod old-1 deleted 8.5 ended 12.5 gone 12.8
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..8 every 0.05 by old-1 size 11
    ok new 0.02..30 every 0.05 by old-2 size 11
"""
NEW = "ok new 9..30 every 0.05 by new-1 size 11\n"


def judged(more: str, *, blank: bool = False) -> ScenarioResult:
    text = ROLLOUT + more
    return judge(history(nameless(text) if blank else text))


def test_pods_that_answer_as_ever_until_they_end_are_no_doubt() -> None:
    assert judged(NEW + "ok new 8..9 every 0.05 by old-1 size 11\n").verdict == Verdict.SEAMLESS


@pytest.mark.parametrize("blank", [False, True], ids=["named", "blank"])
def test_other_bodies_of_stopping_pods_are_a_doubt(blank: bool) -> None:
    result = judged(NEW + "ok kept 8.7..9.5 every 0.05 by old-1 size 25\n", blank=blank)
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, "other-answers")
    assert "16 answers of pods as they stopped had a good status" in result.doubts[0]


def test_a_body_that_ended_with_its_connection_and_is_shorter_is_a_doubt() -> None:
    result = judged(NEW + "ok new 8.7 8.72 8.74 by old-1 size 4\n")
    assert result.reason == "other-answers"
    assert "(most often 4 bytes, not 11, on stream new)" in result.doubts[0]


def test_other_bodies_of_pods_that_have_just_started_are_a_doubt() -> None:
    starting = "ok new 8.5..10 every 0.05 by new-1 size 30\nok new 10..30 every 0.05 by new-1 size 11\n"
    result = judged(starting)
    assert result.reason == "other-answers"
    assert "30 answers of pods just after they were Ready" in result.doubts[0]


@pytest.mark.parametrize("blank", [False, True], ids=["named", "blank"])
def test_a_new_version_may_answer_otherwise(blank: bool) -> None:
    assert judged(NEW.replace("size 11", "size 300"), blank=blank).verdict == Verdict.SEAMLESS


def test_where_every_body_was_looked_at_sizes_say_nothing() -> None:
    looked_at = (RequestFacts(method="GET", path="/", contains=True),)
    shorter = history(ROLLOUT + NEW + "ok new 8.7 8.72 8.74 by old-1 size 4\n", requests=looked_at)
    assert judge(shorter).verdict == Verdict.SEAMLESS


def test_bodies_of_many_lengths_are_no_doubt() -> None:
    """Each size comes once or twice, from whomever: what has not been seen before says nothing."""
    text = ROLLOUT.replace("ok new 0.02..30 every 0.05 by old-2 size 11", "")
    many = "".join(f"ok new {n * 0.1 + 0.02:.2f} by old-2 size {100 + 37 * n % 1009}\n" for n in range(300))
    stopping = "".join(f"ok new {8.5 + n * 0.1:.2f} by old-1 size {1200 + n}\n" for n in range(6))
    assert judge(history(text + NEW + many + stopping)).verdict == Verdict.SEAMLESS
