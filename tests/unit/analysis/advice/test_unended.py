"""A process that is deaf to its stop signal is told of also where nobody lost a call by it."""

from __future__ import annotations

from harness.analysis import judge
from harness.analysis.advice.endings import BOUND, END
from harness.model.result import ScenarioResult, Verdict

from ..literal import history

DEAF = """
    period 1
    update 8.0 complete 9.0 settled 39.0
    pod old-1 deleted 8.5 ended 38.5 gone 38.8 killed
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..9.0 every 0.01 by old-1
    ok new 9.0..45 every 0.01 by new-1
"""


def told(result: ScenarioResult) -> list[str]:
    return [note for note in result.notes if "SIGKILL" in note]


def test_pods_that_had_to_be_killed_are_told_of_though_nothing_was_lost() -> None:
    result = judge(history(DEAF))
    assert (result.verdict, result.failed) == (Verdict.SEAMLESS, 0)
    (note,) = told(result)
    assert note.startswith("1 pod was killed when the grace period of 30 s was over")
    assert note.endswith(END)


def test_where_others_end_by_themselves_it_is_not_for_lack_of_a_handler() -> None:
    (note,) = told(judge(history(f"{DEAF}\npod old-2 deleted 8.5 ended 9.5 gone 9.8")))
    assert note.endswith(f"is cut; 1 other ended before. Needed: {BOUND}")


def test_pods_that_end_by_themselves_are_not() -> None:
    assert not told(judge(history(DEAF.replace("38.5 gone 38.8 killed", "9.5 gone 9.8"))))


def test_one_that_answers_for_half_of_the_time_may_only_have_drained() -> None:
    assert not told(judge(history(DEAF + "ok slow 12 until 28 by new-1")))


def test_where_it_cut_requests_the_advice_says_so_and_no_note() -> None:
    result = judge(history(DEAF + "eof-mid-response slow 38.0 until 38.5 by old-1"))
    assert result.verdict == Verdict.DROPPING
    assert END in result.sizing.cure
    assert not told(result)
