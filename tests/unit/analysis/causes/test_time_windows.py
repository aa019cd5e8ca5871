"""What a run itself shows of when a pod's kernel can have refused, beside a new pod that does not listen yet."""

from __future__ import annotations

from harness.analysis import judge
from harness.model.result import Cause

from ..literal import history

# new-1 is listed from 8.4 and listens from 11.0. old-1 goes first; old-2's network is gone at 9.63, 0.37 s before the
# watch shows its end.
NO_PROBE = """
    period 1
    update 8.0 complete 11.5 settled 12
    pod old-1 deleted 8.5 ended 8.8 gone 9.5
    pod old-2 deleted 9.5 ended 10.0 gone 10.5
    pod old-3
    pod new-1 revision r2 created 8.1 ready 8.4 noprobe
    ok new 0..40 every 0.02 by old-3
    ok new 0.01..8.5 every 0.02 by old-1
    ok new 0.015..9.5 every 0.02 by old-2
    ok new 11..40 every 0.02 by new-1
    connect-refused new 8.92..11 every 0.02
"""


def refused(text: str) -> dict[float, str]:
    run = history(text)
    sent = {(row["stream"], row["seq"]): row["started"] for row in run.requests.iter_rows(named=True)}
    failures = judge(run).failures
    return {round(sent[f.stream, f.seq], 3): str(f.cause) for f in failures if sent[f.stream, f.seq] >= 8.9}


def between(found: dict[float, str], start: float, end: float) -> set[str]:
    return {cause for t, cause in found.items() if start <= t < end}


def test_until_its_end_is_shown_a_pods_own_kernel_may_refuse() -> None:
    assert between(refused(NO_PROBE), 9.5, 10.0) == {Cause.UNKNOWN}
    assert between(refused(NO_PROBE), 10.01, 11.0) == {Cause.CREATION_RACE}


def test_from_the_first_connection_on_that_its_address_left_unanswered_it_refuses_no_more() -> None:
    """old-1 is gone too, but 40 connections since then got a reply: the proxy no longer lists it."""
    found = refused(NO_PROBE + "connect-timeout new 9.631 9.651 9.671 9.691\n")
    assert between(found, 9.5, 9.63) == {Cause.UNKNOWN}
    assert {found[t] for t in (9.64, 9.7, 9.9)} == {Cause.CREATION_RACE}
    assert found[9.631] == Cause.TERMINATION_RACE


def test_it_may_have_been_the_pod_before_whose_address_left_connections_unanswered_all_along() -> None:
    found = refused(NO_PROBE + "connect-timeout new 8.811..9.7 every 0.06\n")
    assert between(found, 9.64, 10.0) == {Cause.UNKNOWN, Cause.TERMINATION_RACE}


def test_a_pod_whose_kernel_still_accepts_refuses_nobody() -> None:
    found = refused(NO_PROBE + "reset-before-response new 9.565 until 9.57\n")
    assert between(found, 9.5, 9.565) == {Cause.CREATION_RACE}
    assert between(found, 9.571, 9.99) == {Cause.UNKNOWN}


def test_resets_that_come_at_any_time_show_no_listener() -> None:
    found = refused(NO_PROBE + "reset-before-response new 9.565 until 9.57\nreset-before-response new 25 until 25.1\n")
    assert Cause.UNKNOWN in between(found, 9.5, 9.565)
