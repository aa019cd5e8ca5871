"""What is said of a verdict on another path: right, false by its truth, or of a case that did not come about."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.model.result import Verdict
from harness.runner.experiment_file import read_experiment
from harness.runner.sandbox_limits import check_balancer
from harness.runner.scenario import scenarios
from scripts.path_cases import Case, cases, what_is_wrong, written


@pytest.mark.parametrize(
    ("wanted", "verdict", "lost", "says"),
    [
        ("dropping", Verdict.DROPPING, True, ""),
        ("seamless", Verdict.SEAMLESS, False, ""),
        ("dropping", Verdict.SEAMLESS, True, "FALSE: its truth is dropping"),
        ("seamless", Verdict.DROPPING, False, "FALSE: its truth is seamless"),
        ("dropping", Verdict.SEAMLESS, False, "neither is its truth, seamless: run it again"),
        ("seamless", Verdict.DROPPING, True, "neither is its truth, dropping: run it again"),
        ("dropping", Verdict.INCONCLUSIVE, True, "not dropping, which its truth is"),
        ("seamless", Verdict.INCONCLUSIVE, False, "not seamless, which its truth is"),
        ("", Verdict.DROPPING, True, ""),
        ("", Verdict.SEAMLESS, True, "FALSE: its truth is dropping"),
    ],
)
def test_a_verdict_is_held_against_the_truth_and_against_what_the_case_is_for(
    wanted: str, verdict: Verdict, lost: bool, says: str
) -> None:
    said = what_is_wrong(Case(name="case", described={}, verdict=wanted), verdict, lost)
    assert said.endswith(says)
    assert bool(said) == bool(says)


def test_of_failures_whose_cause_nobody_knows_a_verdict_is_not_false() -> None:
    case = Case(name="case", described={}, verdict="dropping")
    assert what_is_wrong(case, Verdict.DROPPING, False, whole=False) == ""
    assert what_is_wrong(case, Verdict.SEAMLESS, False, whole=False).startswith("FALSE")


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_each_case_can_be_run(tmp_path: Path, case: Case) -> None:
    experiment = read_experiment(written(case, tmp_path))
    planned = scenarios(experiment)
    assert experiment.cluster.sandbox is not None
    check_balancer(planned, experiment.cluster.sandbox)
    assert len(planned) == 1
