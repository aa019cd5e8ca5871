"""Pods that went without having answered anything are said: nobody can tell what their ends cost."""

from __future__ import annotations

import pytest

from harness.analysis import judge
from harness.model.paths import Hop, HopKind, Targets

from .literal import history, nameless

RUN = """
    period 1
    update 8 complete 9 settled 13
    pod old-1 deleted 8.5 ended 9.5 gone 9.8
    pod old-2 deleted 9.5 ended 10.5 gone 10.8
    pod new-1 revision r2 created 8.1 ready 8.4
    pod new-2 revision r2 created 9.1 ready 9.4
    ok new 0..8 every 0.05 by old-1
    ok new 9..30 every 0.05 by new-1
"""
ALL = "ok new 0.01..9 every 0.05 by old-2\n"


def test_a_pod_that_no_request_reached_was_not_tried() -> None:
    (said,) = [note for note in judge(history(RUN)).notes if "was not tried" in note]
    assert said.startswith("1 of 2 pods that went had answered no request")


@pytest.mark.parametrize("text", [RUN + ALL, nameless(RUN)], ids=["all answered", "no answer names its pod"])
def test_where_all_were_reached_or_nobody_knows_nothing_is_said(text: str) -> None:
    assert not [note for note in judge(history(text)).notes if "was not tried" in note]


def test_where_clients_stay_with_a_pod_and_answers_name_none_that_is_said() -> None:
    sticky = Hop(name="nftables", kind=HopKind.NODE_PROXY, targets=Targets.PODS, settings="sessionAffinity ClientIP")
    (said,) = [note for note in judge(history(nameless(RUN), hops=(sticky,))).notes if "sessionAffinity" in note]
    assert "of 2 pods that went those to which none was sent cost nothing" in said


def test_where_answers_name_no_pod_and_the_application_failed_it_is_said_what_would_tell_whose_that_was() -> None:
    failed = "status new 9.03..30 every 2\n"
    (said,) = [note for note in judge(history(nameless(RUN) + failed)).notes if "load.pod_header" in note]
    assert said.startswith("answers do not name their pod: of 10 failures of the application")
    for text in (nameless(RUN), RUN + failed):
        assert not [note for note in judge(history(text)).notes if "load.pod_header" in note]
