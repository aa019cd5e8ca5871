"""A name that leads elsewhere while requests are lost: whose losses these are cannot be told. Else it is no doubt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.analysis import judge
from harness.model.result import ScenarioResult

from .literal import history

ROLLED = """
    update 8.0 complete 9.0 settled 9.5
    pod old-1 deleted 8.5 prestop 5 ended 14.0 gone 14.5
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..40 every 0.02
"""
LOST = "connect-refused new 20.005..20.9 every 0.02"
OLD, NEW = ["192.0.2.1", "192.0.2.2"], ["192.0.2.2", "192.0.2.3"]


def judged(text: str, *lists: tuple[float, list[str]]) -> ScenarioResult:
    """`lists`: from when on the name led to what."""
    run = history(text, path="loadbalancer")
    seconds: list[dict[str, Any]] = [
        {"t": float(t), "worker": 0, "addresses": next(each for since, each in reversed(lists) if since <= t)}
        for t in range(1, 40)
    ]
    return judge(replace(run, worker_seconds=tuple(seconds)))


def test_what_is_lost_as_a_name_leads_elsewhere_is_not_blamed_on_the_rollout() -> None:
    found = judged(f"{ROLLED}\n{LOST}", (0, OLD), (21, NEW))
    assert (found.verdict, found.reason, set(found.causes)) == ("inconclusive", "foreign-change", {"foreign-change"})
    assert "the name that the load goes to led to 192.0.2.2, 192.0.2.3, and to 192.0.2.1 no more" in found.sentence


def test_a_name_that_leads_elsewhere_while_nothing_is_lost_is_no_doubt() -> None:
    assert judged(ROLLED, (0, OLD), (21, NEW)).verdict == "seamless"


@pytest.mark.parametrize("lists", [((0, OLD), (21, [*OLD, "192.0.2.3"])), ((0, OLD), (21, NEW), (22, OLD), (30, NEW))])
def test_a_name_that_leads_to_more_or_by_turns_explains_nothing(lists: Any) -> None:
    assert "foreign-change" not in judged(f"{ROLLED}\n{LOST}", *lists).causes


def test_a_race_that_is_shown_is_told_although_the_name_leads_elsewhere_later() -> None:
    race = ROLLED.replace("prestop 5 ended 14.0 gone 14.5", "ended 8.7 gone 9.2")
    lost = "connect-refused new 8.75..9.1 every 0.02"
    found = judged(f"{race}\n{lost}\n{LOST}", (0, OLD), (21, NEW))
    assert found.verdict == "dropping"
