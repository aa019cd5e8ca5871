"""kube-proxy's syncs lie a whole period apart since Kubernetes 1.34; before, two may come at once."""

from __future__ import annotations

import pytest

from harness.analysis import judge
from harness.analysis.advice.propagation import propagation
from harness.analysis.causes.explained import explain
from harness.analysis.observed.observed import observe
from harness.model.result import Cause

from ..literal import history

# The sync that told of new-1 was by 8.41, when new-1 answered. Where the next is a whole period later, nobody was sent
# to new-2, listed at 8.9, before 9.3; where two may come at once, the refusals from 9.0 on are its own.
TWO_CHANGES = """
    period 1
    update 8.0 complete 12 settled 12.5
    pod old-1 deleted 8.5 ended 8.95 gone 9.4
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    pod new-2 revision r2 created 8.5 ready 8.9 noprobe
    ok new 0..40 every 0.02 by old-2
    ok new 0.01..8.5 every 0.02 by old-1
    ok new 8.41..40 every 0.02 by new-1
    ok new 11.01..40 every 0.02 by new-2
    connect-refused new 9.0..11 every 0.02
"""


@pytest.mark.parametrize("kubernetes", ["v1.36.2", "v1.34.0"])
def test_where_the_period_lies_between_any_two_syncs_a_change_after_one_waits_for_its_end(kubernetes: str) -> None:
    causes = [failure.cause for failure in judge(history(f"{TWO_CHANGES}\nkubernetes {kubernetes}")).failures]
    assert causes[0] == Cause.TERMINATION_RACE
    assert causes[-1] == Cause.CREATION_RACE


@pytest.mark.parametrize("kubernetes", ["v1.33.12", "v1.29.14-eks-1", "?"])
def test_where_two_syncs_may_come_at_once_one_says_nothing_of_the_next(kubernetes: str) -> None:
    causes = {failure.cause for failure in judge(history(f"{TWO_CHANGES}\nkubernetes {kubernetes}")).failures}
    assert causes == {Cause.CREATION_RACE}


def test_the_advice_says_how_many_changes_a_proxy_at_rest_applies_at_once() -> None:
    def said(version: str) -> str:
        seen = observe(history(f"{TWO_CHANGES}\nkubernetes {version}"))
        why = explain(seen)
        return propagation(seen, why).note

    assert "the first change at once, so" in said("v1.36.2")
    assert "the first two changes at once (before Kubernetes 1.34)" in said("v1.33.12")
    assert "this version is not known" in said("?")
