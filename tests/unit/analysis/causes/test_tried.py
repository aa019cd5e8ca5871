"""Which rules were tried of a failure, and why each earlier one did not hold: the same answer as the naming gives."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from program import called

from harness.analysis import judge
from harness.analysis.causes.row import CAUSE_WORDS
from harness.analysis.explanation import Explainer
from harness.model.explanation import Demand, TriedRule
from harness.model.result import Cause
from harness.reporters.examples import examples
from harness.store.reader import read_run
from harness.store.results import write_scenario_result

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


def test_a_cause_of_two_has_one_name_everywhere_and_is_found_by_each_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """
        update 8.0 complete 9.0 settled 9.8
        pod old-1 deleted 8.5 ended 8.8 gone 9.0
        pod new-1 revision r2 created 8.1 ready 8.4 noprobe
        ok new 0..8.5 every 0.01 by old-1
        ok new 11.5..30 every 0.01 by new-1
        connect-refused new 8.55
    """
    run = history(text)
    both, asked = "termination-race or creation-race", Explainer(run)
    assert [asked.where(cause) for cause in (both, "termination-race", "creation-race", "unknown")] == [[0]] * 3 + [[]]
    told = asked.explanation(0)
    assert told.means == f"{CAUSE_WORDS[Cause.TERMINATION_RACE]}; or {CAUSE_WORDS[Cause.CREATION_RACE]}"
    result = judge(run)
    (race,) = result.races.races
    assert {told.cause, *result.causes, *result.rollouts[0].window.by_cause, race.lost[0].cause} == {both}
    assert [cause for cause, _ in examples(result)] == [both]
    write_scenario_result(tmp_path, result)
    (row,) = csv.DictReader((tmp_path / "failures.csv").read_text().splitlines())
    assert row["cause"] == both
    monkeypatch.setattr("harness.judged_runs.recorded", lambda _folder: run)
    said = called("explain", RECORDINGS / "sigterm-stop", "--cause", "creation-race")
    assert f"new/0/{row['seq']}: connect-refused, {both}" in said.out, said
    assert f"{both} 1, in 1 rollout" in said.out
