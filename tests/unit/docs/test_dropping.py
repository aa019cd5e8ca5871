"""docs/dropping.md says what to do about every cause and every reason that there is, and about no other."""

from __future__ import annotations

import re

import pytest

from harness.model.reasons import Reason
from harness.model.request import Outcome
from harness.model.result import Cause, Taker
from harness.spec.hazards import HazardId, row
from tests.unit.docs.pages import DOCS, anchors, text

PAGE = DOCS / "dropping.md"
CAUSES = text(PAGE).partition("## By cause")[2].partition("\n## ")[0]
SEEN = text(PAGE).partition("## What the client sees")[2].partition("\n## ")[0]
REASONS = text(PAGE).partition("## The verdict is inconclusive")[2].partition("\n## ")[0]


def test_every_cause_has_a_place() -> None:
    assert set(re.findall(r"^### (\S+)$", CAUSES, flags=re.MULTILINE)) == set(Cause)
    assert set(Cause) <= anchors(PAGE)


def test_every_reason_has_a_place() -> None:
    assert sorted(re.findall(r"^\| `([\w-]+)` \| \S", REASONS, flags=re.MULTILINE)) == sorted(Reason)


def test_every_reason_is_explained_where_verdicts_are() -> None:
    verdict = text(DOCS / "verdict.md")
    assert [reason for reason in Reason if f"`{reason}`" not in verdict] == []


def test_every_way_to_fail_leads_to_a_cause() -> None:
    ways = set(Outcome) - {Outcome.OK, Outcome.UNSENT}
    assert {way for way in ways if f"`{way}`" in SEEN} == ways


@pytest.mark.parametrize("cause", Cause)
def test_a_cause_names_the_rules_that_are_tied_to_it(cause: Cause) -> None:
    part = re.split(r"^### ", CAUSES.partition(f"### {cause}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    named = {HazardId(rule) for rule in re.findall(r"\(rules/([\w-]+)\.md\)", part)}
    assert {rule for rule in named if row(rule).cause != cause} == set()


def test_who_took_a_pod_and_what_failed_besides_are_reasons_by_their_own_names() -> None:
    others = {Taker.SCALING, Taker.EVICTION, Taker.CRASH, Taker.FOREIGN}
    causes = {Cause.LOAD_GENERATOR, Cause.STALE_CONNTRACK, Cause.NO_ENDPOINTS, Cause.UNKNOWN, Cause.FOREIGN_CHANGE}
    assert {str(one) for one in others | causes} <= set(Reason)
