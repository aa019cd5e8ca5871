"""A new cause is one row: put before the table it names its failures, and nothing else of the analysis is touched."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import cast

import pytest

from harness.analysis import judge
from harness.analysis.causes.reference import reference
from harness.analysis.causes.row import Fault, Flag, Moment, Row, Way
from harness.analysis.causes.table import TABLE
from harness.model.request import Outcome
from harness.model.result import Cause, Verdict

from ..literal import history

ROLLOUT = """
    update 8.0 complete 9.0 settled 9.5
    pod old-1 deleted 8.5 ended 8.8 gone 9.0
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..30 every 0.01 by old-2
"""
RESET_MID_ANSWER = "\n reset-mid-response slow 8.2 until 8.6 by old-1"
RESET_KEPT = "\n reset-mid-response kept 8.2 until 8.6 by old-1 reused"


class Proposed(StrEnum):
    CUT_BY_FIREWALL = "cut-by-firewall"


NEW = Row(
    rule=Proposed.CUT_BY_FIREWALL,
    outcomes=(Outcome.RESET_MID_RESPONSE,),
    moment=Moment.ENDED,
    holds=(Flag.POD_KNOWN,),
    any_of=(Way.STOPPING, Way.LOOSE_STOPPING),
    excludes=(Flag.REUSED,),
    cause=cast("Cause", Proposed.CUT_BY_FIREWALL),
    fault=Fault.UNTOLD,
    names=(Way.LOOSE_STOPPING,),
    evidence="reset {ago} began to terminate (observed): a firewall between the nodes did it (inferred)",
)


def test_a_row_of_its_own_names_its_failures_and_leaves_the_others_to_the_table() -> None:
    run = history(ROLLOUT + RESET_MID_ANSWER + RESET_KEPT)
    assert judge(run).causes == {"in-flight-kill": 2}
    found = judge(run, table=(NEW, *TABLE))
    assert found.causes == {"cut-by-firewall": 1, "in-flight-kill": 1}
    assert found.rollouts[0].window.by_cause == found.causes


def test_its_sentence_and_its_pod_stand_in_the_result() -> None:
    (failure,) = judge(history(ROLLOUT + RESET_MID_ANSWER), table=(NEW, *TABLE)).failures
    assert (failure.cause, failure.pod) == ("cut-by-firewall", "old-1")
    assert failure.evidence == (
        "reset 0.10 s after old-1 began to terminate (observed): a firewall between the nodes did it (inferred)"
    )


def test_whose_fault_it_is_decides_what_the_rollout_answers_for() -> None:
    run = history(ROLLOUT + RESET_MID_ANSWER)
    assert judge(run).verdict == Verdict.DROPPING
    assert judge(run, table=(NEW, *TABLE)).verdict != Verdict.DROPPING


def test_it_is_asked_in_the_order_of_the_table() -> None:
    run = history(ROLLOUT + RESET_MID_ANSWER)
    assert judge(run, table=(*TABLE, NEW)).causes == {"in-flight-kill": 1}


def test_it_stands_in_the_reference_page() -> None:
    page = reference((NEW, *TABLE))
    before, _, section = page.partition("### cut-by-firewall\n")
    assert "### " not in before
    assert "a firewall between the nodes did it (inferred)" in section.partition("### ")[0]
    assert "| `cut-by-firewall` |  | cannot be told | [cut-by-firewall](#cut-by-firewall) |" in page


def test_a_row_that_is_the_rollouts_fault_must_say_what_for() -> None:
    with pytest.raises(ValueError, match="cut-by-firewall"):
        replace(NEW, fault=Fault.ROLLOUT)
