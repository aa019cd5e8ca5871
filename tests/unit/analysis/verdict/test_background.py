"""What failed in a rollout and is not its own: a background only where one was shown, and in whose window it counts."""

from __future__ import annotations

import pytest

from harness.analysis import judge, pool
from harness.model.run import Confidence, WorkerClock

from ..literal import history

CLEAN = """
    period 1
    update 8.0 complete 9.0 settled 15
    pod old-1 deleted 8.5 prestop 5 ended 14.0 gone 14.5
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 6..30 every 0.02 by old-2
    ok new 8.51..30 every 0.02 by new-1
"""


def test_errors_in_a_rollout_are_no_background_that_a_short_control_window_has_not_shown() -> None:
    result = judge(history(CLEAN + "status new 9.01 10.01 by old-2"))
    assert (result.verdict, result.reason) == ("inconclusive", "short-control")
    assert "too few to show whether they do" in result.sentence


# Two rollouts; in each the application fails two requests, and none in the short control window.
TWICE = """
    update 8.0 complete 9.0 settled 15
    update 40.0 complete 41.0 settled 47
    pod one deleted 8.5 prestop 5 ended 14.0 gone 14.5
    pod two revision r2 created 8.1 ready 8.4 deleted 40.5 prestop 5 ended 46.0 gone 46.5
    pod both
    pod three revision r3 created 40.1 ready 40.4
    ok new 6..60 every 0.02 by both
    status new 9.01 10.01 {between} 41.01 42.01 by both
"""


def test_the_time_between_rollouts_shows_a_background_too() -> None:
    result = judge(history(TWICE.format(between="22.01 24.01")))
    assert (result.verdict, result.reason) == ("seamless", "no call was lost to a rollout above the background")
    assert "seamless above a background of" in result.sentence
    assert judge(history(TWICE.format(between=""))).reason == "short-control"


@pytest.mark.parametrize("named", ["by new-1", ""])
def test_what_fails_after_the_last_rollout_shows_no_background_for_it_may_have_come_with_that(named: str) -> None:
    """Two in a thousand of the new version's answers, and none before: no rate of the old one."""
    text = CLEAN.replace("6..30", "0..60").replace("8.51..30", "8.51..60")
    result = judge(history(text + f"status new 9.01 22.01 34.01 46.01 58.01 {named}"))
    assert result.verdict == "inconclusive"
    assert result.reason in ("short-control", "new-version-errors")


def test_a_lone_lost_packet_needs_no_background_and_claims_none() -> None:
    result = judge(history(CLEAN + "connect-timeout new 8.6"))
    assert result.verdict == "seamless"
    assert "1 was lost alone among good ones" in result.sentence
    assert "background" not in result.reason + result.sentence


def test_a_background_is_told_where_the_rollouts_are_too_few_for_what_was_asked_too() -> None:
    asked = Confidence(max_dropping=0.05, level=0.95)
    text = CLEAN + "status new 7.01 9.01 10.01 22.01 by old-2"
    few = judge(history(text, confidence=asked))
    assert (few.verdict, few.reason) == ("inconclusive", "confidence, above the background")
    assert "and 5 % was asked for; seamless above a background of" in few.sentence
    both = pool([few, few], confidence=asked)
    assert (both.verdict, both.reason) == ("inconclusive", few.reason)
    assert (
        "was asked for; in 2 of 2 runs requests failed beside the rollouts, in run 1: seamless above" in both.sentence
    )
    enough = pool([few, few], confidence=Confidence(max_dropping=0.9, level=0.95))
    assert (enough.verdict, enough.reason) == ("seamless", "no call was lost to a rollout above the background")
    assert judge(history(CLEAN, confidence=asked)).reason == "confidence"


WARM = "connect-refused new 0.5 0.52\nstatus new 1 by old-2\n"


def test_failures_in_no_window_have_a_sentence() -> None:
    early = judge(history(CLEAN + WARM, control=(4.0, 7.0)))
    told = "in the totals, and for or against no rollout"
    assert early.failed == 3
    assert early.notes[-1] == (f"3 requests failed (2 connect-refused, 1 status) before the control window: {told}")
    late = judge(history(CLEAN + WARM + "status new 7.5 by old-2", control=(4.0, 7.0)))
    assert late.notes[-1] == (
        "3 requests failed (2 connect-refused, 1 status) before the control window and 1 request failed (1 status) "
        f"between the control window and the first update: {told}"
    )
    assert not [note for note in judge(history(CLEAN)).notes if "in the totals" in note]
    assert not [note for note in judge(history(CLEAN + "status new 9.01 by old-2")).notes if "in the totals" in note]


def test_what_was_sent_in_the_control_window_and_cut_by_a_rollout_counts_as_the_rollouts() -> None:
    text = (
        CLEAN.replace("prestop 5 ended 14.0 gone 14.5", "ended 8.8 gone 9.0")
        + "eof-mid-response slow 7 until 8.7 by old-1"
    )
    result = judge(history(text))
    assert result.control is not None
    assert (result.control.failed, result.rollouts[0].window.failed, result.rollouts[0].own_failures) == (0, 1, 1)
    assert sum(outage.requests for outage in result.rollouts[0].outages) == 1
    assert result.rollouts[0].first_failure_s == 0.7


def test_as_far_as_a_clock_is_unsure_what_may_be_a_rollouts_is() -> None:
    """A worker's clock is 0.3 s behind, and known to within that: its refusals seem to come before the update."""
    text = """
        period 1
        update 8.6 complete 9.0 settled 9.8
        pod old-1 deleted 8.5 ended 8.8 gone 9.0
        pod old-2
        pod new-1 revision r2 created 8.1 ready 8.4
        ok new 0..30 every 0.02 by old-2
        connect-refused new 8.55 8.56
    """
    sure, unsure = (
        judge(history(text, clocks=(WorkerClock(worker=0, offset_s=0.0, uncertainty_s=s),))) for s in (0.01, 0.3)
    )
    assert (sure.rollouts[0].own_failures, sure.reason) == (0, "uncharged")
    assert (unsure.rollouts[0].own_failures, unsure.verdict) == (2, "dropping")


def test_a_clock_that_is_not_known_carries_no_clean_run() -> None:
    result = judge(history(CLEAN, clocks=(WorkerClock(worker=0, offset_s=0.0, uncertainty_s=5.0),)))
    assert (result.verdict, result.reason) == ("inconclusive", "clock")


TWO_ROLLOUTS = """
    update 60 complete 61 settled 61.5
    update 120 complete 121 settled 121.5
    pod one deleted 60.5 prestop 0.5 ended 61 gone 61.3
    pod two revision r2 created 60.1 ready 60.4 deleted 120.5 prestop 0.5 ended 121 gone 121.3
    pod three revision r3 created 120.1 ready 120.4
"""


@pytest.mark.parametrize("outcome", ["connect-refused", "dns-error"])
def test_one_outage_before_the_rollouts_excuses_no_other(outcome: str) -> None:
    outages = "\n".join(f"{outcome} new {start}..{start + 3} every 0.05" for start in (20, 80, 140))
    well = "\n".join(f"ok new {a}..{b} every 0.05" for a, b in ((0, 20), (23, 80), (83, 140), (143, 180)))
    found = judge(history(f"{TWO_ROLLOUTS}{well}\n{outages}"))
    assert (found.verdict, found.reason) == ("inconclusive", "unknown")
    assert found.sentence.startswith("60 failures of rollout 1: cause unknown")


@pytest.mark.parametrize("failed", ["status new {}", "reset-before-response new {}"])
def test_one_outage_of_the_application_before_the_rollouts_excuses_no_other(failed: str) -> None:
    outages = "\n".join(failed.format(f"{start}..{start + 3} every 0.05") for start in (20, 80))
    well = "\n".join(f"ok new {a}..{b} every 0.05" for a, b in ((0, 20), (23, 80), (83, 180)))
    found = judge(history(f"{TWO_ROLLOUTS}{well}\n{outages}"))
    assert (found.verdict, found.reason) == ("inconclusive", "application-errors")
    assert found.sentence.startswith("the application failed 60 requests of rollout 1 while in service")


def test_what_the_application_fails_so_all_the_time_excuses_as_much() -> None:
    steady = "ok new 0..180 every 0.05\nstatus new 2.01..180 every 3"
    assert judge(history(f"{TWO_ROLLOUTS}{steady}")).verdict == "seamless"


def test_what_fails_so_all_the_time_excuses_as_much() -> None:
    steady = "ok new 0..180 every 0.05\ndns-error new 2.01..180 every 3"
    assert judge(history(f"{TWO_ROLLOUTS}{steady}")).verdict == "seamless"
