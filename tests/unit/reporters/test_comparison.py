"""The text of a comparison says of each sentence which test it is of."""

from __future__ import annotations

from harness.analysis.comparison import compare
from harness.model.comparison import Measure, Side
from harness.reporters.comparison import comparison_text

GATES = (Measure.FAILURES, Measure.DROPPING)


def side(name: str, *lost: float) -> Side:
    values = dict.fromkeys(Measure, tuple[float, ...]())
    values |= {Measure.FAILURES: lost, Measure.DROPPING: tuple(float(n > 0) for n in lost)}
    facts = dict.fromkeys(("cluster", "Kubernetes"), "kind")
    return Side(
        name=name, variant="v", path="clusterip", at=0.0, rollouts=len(lost), doubt="", values=values, facts=facts
    )


def told(before: Side, after: Side, gates: tuple[Measure, ...] = GATES) -> str:
    return " ".join(comparison_text(compare([(before, after)], gates)).split())


def test_means_that_no_two_sided_test_tells_apart_may_be_a_regression_and_both_sentences_say_of_which_test() -> None:
    found = told(side("old", 0, 0, 0), side("new", 5, 3, 9))
    assert "By two-sided tests (p), significantly different: rollouts that drop calls (more)." in found
    assert "With 3 and 3 values no such test of means shows a difference" in found
    assert "The exit code, 1, goes by another test: one-sided, whether the second is worse than the first:" in found
    assert "lost calls per rollout: 0 before, 5.66667 now (p = 0.05): a regression" in found


def test_a_run_that_is_not_worse_is_not_told_both_that_nothing_could_be_shown_and_that_it_could() -> None:
    same = side("run", 51, 53, 60)
    _, decided = told(same, same).split("The exit code, 0, goes by another test: one-sided")
    assert decided.endswith("no regression was shown, and there were enough rollouts to show one")


def test_without_a_baseline_there_is_one_kind_of_test_and_no_exit_code_to_explain() -> None:
    found = told(side("old", 0, 0, 0), side("new", 5, 3, 9), ())
    assert "By two-sided tests (p)" in found
    assert "one-sided" not in found


def test_four_of_each_can_show_that_means_differ_however_many_tests_gate() -> None:
    assert "no such test of means" not in told(side("old", 1, 2, 3, 4), side("new", 2, 4, 3, 1))
