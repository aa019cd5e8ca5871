"""Which rules were tried of a failure, and why each earlier one did not hold: the same answer as the naming gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.analysis.explanation import Explainer
from harness.model.explanation import Demand, TriedRule
from harness.store.reader import read_run

from ..literal import history

RECORDINGS = Path(__file__).parents[3] / "recordings"

RACE = """
    period 1
    update 8.0 complete 9.0 settled 9.9
    pod old-1 deleted 8.5 ended 9.3 gone 9.4
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..30 every 0.05 by old-2
    connect-refused new 8.91
"""


def rules(text: str) -> dict[str, TriedRule]:
    explained = Explainer(history(text)).explanation(0)
    return {str(rule.rule): rule for rule in explained.tried}


@pytest.mark.parametrize("name", sorted(truth.parent.name for truth in RECORDINGS.glob("*/truth.csv")))
def test_the_last_rule_that_was_tried_is_the_one_that_named_the_cause_and_no_earlier_one_holds(name: str) -> None:
    asked = Explainer(read_run(RECORDINGS / name))
    for at in range(0, len(asked.why.causes.row), 7):
        tried = asked.explanation(at).tried
        assert tried[-1].rule == asked.why.causes.table[asked.why.causes.row[at]].rule
        assert [rule.holds for rule in tried] == [False] * (len(tried) - 1) + [True]
        assert all(any(condition.stopped for condition in rule.conditions) for rule in tried[:-1])


def test_the_condition_that_kept_a_rule_from_holding_is_told_with_the_nearest_interval() -> None:
    tried = rules(RACE)
    assert tried["listener-closed"].holds
    stopped = [one for one in tried["refused-by-either"].conditions if one.stopped]
    assert [(str(one.name), one.demand) for one in stopped] == [("starting", Demand.HOLDS)]
    held = next(one for one in tried["listener-closed"].conditions if one.name == "refusing")
    assert held.seen.startswith("old-1 from 8.")


def test_what_rules_a_rule_out_is_told() -> None:
    tried = rules(RACE + "    crash old-2 8.9 8.95\n    ok new 8.96 by old-2\n")
    assert not tried["listener-closed"].holds
    assert [str(one.name) for one in tried["listener-closed"].conditions if one.stopped] == ["crashed"]
    assert tried["refused-by-several"].holds
