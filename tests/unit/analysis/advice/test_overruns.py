"""A proxy that took longer than its period is named as that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.analysis import judge
from harness.spec.ways_in import node_proxy

from ..literal import history

TEXT = """
    period 1
    update 8.0 complete 9.0 settled 14.5
    pod old-1 deleted 8.5 prestop 5 ended 13.8 gone 14
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..30 every 0.02 by old-2
    ok new 0.01..{left} every 0.02 by old-1
    ok new {reached}..30 every 0.02 by new-1
"""


def said(left: float, reached: float, period: str = "period 1") -> list[str]:
    text = TEXT.format(left=left, reached=reached).replace("period 1", period)
    return [note for note in judge(history(text)).notes if "overran" in note]


def test_within_its_period_nothing_is_said() -> None:
    assert not said(9.49, 9.39)


def test_a_pod_that_is_sent_to_for_longer_shows_it() -> None:
    (note,) = said(11.72, 9.39)
    assert (
        note == "the proxy overran its period of 1 s by 2.21 s: old-1 was still sent to 3.21 s after it left the list"
    )


def test_a_hair_is_named_too() -> None:
    (note,) = said(9.55, 9.39)
    assert "overran its period of 1 s by 0.03 s" in note


def test_a_new_pod_that_gets_no_share_for_longer_shows_it() -> None:
    (note,) = said(9.49, 12.41)
    assert "new-1 was not sent to yet 3." in note


def test_a_pod_that_was_listed_before_it_was_ready_shows_nothing_by_its_answers_after_that() -> None:
    """Of a Service with publishNotReadyAddresses: it was sent to at once, and refused."""
    run = history(TEXT.format(left=9.49, reached=12.41).replace("ready 8.4", "ready 12.4"))
    early = [
        replace(event, t=8.3) if event.kind == "EndpointSlice" and abs(event.t - 12.4) < 0.01 else event
        for event in run.timeline
    ]
    run = replace(run, timeline=tuple(sorted(early, key=lambda event: event.t)))
    assert not [note for note in judge(run).notes if "new-1 was not sent to" in note]


def test_where_clients_stay_with_their_pods_a_new_one_that_gets_no_share_shows_nothing() -> None:
    run = history(TEXT.format(left=9.49, reached=12.41))
    for affinity, told in (("None", True), ("ClientIP", False)):
        hop = node_proxy({"spec": {"sessionAffinity": affinity}}, "clusterip", run.info.cluster.proxy, ["node-1"])
        notes = judge(replace(run, info=replace(run.info, hops=(hop,)))).notes
        assert any("overran" in note for note in notes) is told


def test_without_a_known_period_nothing_can_be_said() -> None:
    assert not said(11.72, 12.41, "period ?")


@pytest.mark.parametrize(("until", "overrun"), [(9.2, False), (10.2, True)])
def test_the_evidence_of_what_was_lost_by_it_says_so(until: float, overrun: bool) -> None:
    text = TEXT.format(left=8.5, reached=8.61).replace("prestop 5 ended 13.8 gone 14", "ended 8.8 gone 9")
    result = judge(history(f"{text}    connect-timeout new 9.003..{until} every 0.04\n"))
    assert result.failures
    assert ("overrun by" in result.failures[-1].evidence) is overrun
    assert "overrun by" not in result.failures[0].evidence


def test_requests_that_a_new_pod_may_have_got_and_not_answered_in_time_show_no_overrun() -> None:
    """Its first answers are slow; from 9.1 on it has its share of what is sent, as the time-outs show."""
    text = TEXT.format(left=9.09, reached=12.41) + "    read-timeout new 9.105..12.4 every 0.02\n"
    assert not [note for note in judge(history(text)).notes if "overran" in note]


def test_nor_do_good_answers_without_a_pods_name() -> None:
    text = TEXT.format(left=9.09, reached=12.41) + "    ok new 9.105..12.4 every 0.02\n"
    assert not [note for note in judge(history(text)).notes if "overran" in note]


def test_what_was_not_accepted_went_to_no_new_pod() -> None:
    text = TEXT.format(left=9.09, reached=12.41) + "    connect-timeout new 9.105\n"
    assert [note for note in judge(history(text)).notes if "new-1 was not sent to yet" in note]
