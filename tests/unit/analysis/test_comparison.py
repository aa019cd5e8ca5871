"""Differences between runs: the tests have the error that they say, intervals hold, and the gate says what it can."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import scipy.stats
from numpy.typing import NDArray

from harness.analysis import judge, proportions
from harness.analysis.comparison import compare
from harness.analysis.comparison import side as as_side
from harness.analysis.permutation import shift, ways
from harness.analysis.power import ALPHA, failures_needed, shares_needed
from harness.analysis.proportions import alike, fewest_to_differ, share_change
from harness.model.comparison import Comparison, Measure, Side
from harness.model.result import Verdict

from .literal import history

Values = NDArray[np.float64]


def counts(rng: np.random.Generator, size: tuple[int, int]) -> Values:
    """Lost calls as rollouts have them: overdispersed, with ties and with zeros."""
    return rng.poisson(rng.gamma(0.7, 30.0, size=size)).astype(np.float64)


@pytest.mark.parametrize(("n", "m"), [(4, 4), (3, 7), (10, 12)])
def test_alike_groups_are_told_apart_no_more_often_than_the_level_says(n: int, m: int) -> None:
    sets = 2000 if n < 10 else 500
    drawn = counts(np.random.default_rng(n * m), (sets, n + m))
    dealt, exact = ways(n, m)
    sums, seen = drawn @ dealt.T, drawn[:, n:].sum(axis=1)
    other = 0 if exact else 1
    p_more = ((sums >= seen[:, None] - 1e-9).sum(axis=1) + other) / (len(dealt) + other)
    assert (p_more <= ALPHA).sum() <= ALPHA * sets + 4 * math.sqrt(ALPHA * (1 - ALPHA) * sets)
    some = [shift(row[:n].tolist(), row[n:].tolist()).p_more for row in drawn[:20]]
    assert some == pytest.approx(p_more[:20].tolist())


def test_the_permutation_test_is_the_one_of_scipy() -> None:
    first, second = [1.0, 5, 2, 8, 3], [4.0, 9, 7, 12, 6, 6.5]
    found = shift(first, second)

    def statistic(a: Values, b: Values, axis: int) -> Values:
        return np.asarray(np.mean(a, axis=axis) - np.mean(b, axis=axis))

    for alternative, p in (("greater", found.p_more), ("less", found.p_less), ("two-sided", found.p)):
        theirs = scipy.stats.permutation_test((second, first), statistic, alternative=alternative, n_resamples=np.inf)
        assert p == pytest.approx(theirs.pvalue)


def test_the_interval_is_what_the_test_does_not_reject_and_holds_the_true_shift() -> None:
    rng = np.random.default_rng(5)
    inside = 0
    for _ in range(600):
        first, second = (counts(rng, (1, 5))[0] for _ in range(2))
        found = shift(first.tolist(), (second + 40.0).tolist())
        inside += found.low <= 40.0 <= found.high
        assert (found.low > 0 or found.high < 0) == (found.p <= 0.05)
    assert inside >= 0.95 * 600 - 4 * math.sqrt(0.05 * 0.95 * 600)


def test_three_values_of_each_bound_nothing_and_a_thousand_lost_calls_are_more_than_ten() -> None:
    few = shift([9, 10, 11], [900, 1000, 1100])
    assert (few.low, few.high, few.p, few.p_more) == (-math.inf, math.inf, 0.1, 0.05)
    more = shift([9, 10, 11, 10], [900, 1000, 1100, 1000])
    assert more.p < 0.05
    assert 800 < more.low < more.difference == 990.0 < more.high < 1200


@pytest.mark.parametrize(("n", "m"), [(3, 4)])
def test_shares_are_told_apart_and_bounded_as_often_as_the_level_says_whatever_they_are(n: int, m: int) -> None:
    tables = {(a, b): share_change(a, n, b, m) for a, b in product(range(n + 1), range(m + 1))}
    for first, second in product(np.linspace(0.0, 1.0, 11), repeat=2):
        ours, theirs = (scipy.stats.binom(size, share) for size, share in ((n, first), (m, second)))
        chance = {(a, b): ours.pmf(a) * theirs.pmf(b) for a, b in tables}
        held = sum(
            chance[table] for table, one in tables.items() if one.low - 1e-6 <= second - first <= one.high + 1e-6
        )
        assert held >= 0.95
        if first == second:
            assert sum(chance[table] for table, one in tables.items() if one.p_more <= 0.05) <= 0.05
            assert sum(chance[table] for table, one in tables.items() if one.p <= 0.05) <= 0.05


@pytest.mark.parametrize(("a", "n", "b", "m"), [(1, 7, 5, 6), (0, 5, 3, 5), (2, 9, 2, 3)])
def test_the_test_of_shares_is_barnards_with_all_ties_and_agrees_with_its_interval(
    a: int, n: int, b: int, m: int
) -> None:
    """scipy's `barnard_exact` compares rounded statistics: of 0 of 5 against 3 of 5 it misses 2 of 5 against 5 of 5."""

    def signed_square(i: int, j: int) -> Fraction:
        difference, pooled = Fraction(j, m) - Fraction(i, n), Fraction(i + j, n + m)
        variance = pooled * (1 - pooled) * (Fraction(1, n) + Fraction(1, m))
        return difference * abs(difference) / variance if variance else Fraction(0)

    shares = np.linspace(0.0, 1.0, 2001)
    tables = product(range(n + 1), range(m + 1))
    region = [(i, j) for i, j in tables if signed_square(i, j) >= signed_square(a, b)]
    chance = sum(scipy.stats.binom.pmf(i, n, shares) * scipy.stats.binom.pmf(j, m, shares) for i, j in region)
    found = share_change(a, n, b, m)
    assert found.p_more == pytest.approx(float(np.max(chance)), abs=1e-6)
    assert (found.low > 0) == (found.p <= 0.05)


@pytest.mark.parametrize("counts", [(0, 3, 3, 3), (1, 7, 4, 5), (6, 6, 2, 9), (0, 4, 0, 4)])
def test_variants_in_a_report_are_told_apart_by_the_test_of_compare(counts: tuple[int, int, int, int]) -> None:
    assert alike(*counts) == share_change(*counts).p
    assert alike(*counts[2:], *counts[:2]) == pytest.approx(alike(*counts))


def test_three_of_each_are_the_fewest_that_can_be_told_apart() -> None:
    assert fewest_to_differ() == 3
    assert alike(0, 2, 2, 2) > 0.05


def test_the_numbers_of_the_power_table_have_the_power_that_they_say() -> None:
    shares = shares_needed()
    assert (shares[-1].change, shares[-1].rollouts) == ("0 % to 100 %", 3)
    rng = np.random.default_rng(11)
    for needed, after in zip(shares[2:4], (0.5, 0.75), strict=True):
        assert needed.rollouts is not None
        drawn = rng.binomial(needed.rollouts, after, size=3000)
        p_more = {b: share_change(0, needed.rollouts, b, needed.rollouts).p_more for b in set(drawn.tolist())}
        assert np.mean([p_more[b] <= ALPHA for b in drawn.tolist()]) >= 0.8 - 0.03
    assert proportions.power(2, 0.0, 1.0) == 0.0
    fewer = [one.rollouts for one in failures_needed(0.3)]
    assert fewer == sorted(fewer, reverse=True)
    assert fewer[-1] == 3


def side(name: str, lost: list[int], *, doubt: str = "", load: str = "new 100/s") -> Side:
    values = dict.fromkeys(Measure, tuple[float, ...]())
    values |= {Measure.FAILURES: tuple(map(float, lost)), Measure.DROPPING: tuple(float(n > 0) for n in lost)}
    facts = {"load": load}
    return Side(
        name=name, variant="v", path="clusterip", at=0.0, rollouts=len(lost), doubt=doubt, values=values, facts=facts
    )


def gated(before: list[int], after: list[int], **more: str) -> Comparison:
    return compare([(side("old", before), side("new", after, **more))], (Measure.FAILURES, Measure.DROPPING))


@pytest.mark.parametrize(
    ("before", "after", "code", "why"),
    [
        ([10, 9, 11], [1000, 900, 1100], 1, "a regression"),  # all drop before, so that only the number can tell
        ([0, 0, 0], [5, 3, 9], 1, "a regression"),
        ([0, 0, 0], [0, 0, 0], 0, "enough rollouts to show one"),
        ([10, 9, 11, 8], [9, 12, 8, 10], 0, "enough rollouts to show one"),
        ([10, 9], [1000, 900], 3, "no regression could have been shown"),
        ([0], [0], 3, "no regression could have been shown"),
    ],
)
def test_the_gate_fails_on_a_regression_and_says_where_none_could_have_been_seen(
    before: list[int], after: list[int], code: int, why: str
) -> None:
    found = gated(before, after)
    assert found.exit_code == code
    assert why in found.why[0]


def test_a_gate_that_tested_nothing_passes_nothing() -> None:
    pair = (side("old", [10, 9, 11, 8]), side("new", [1000, 900, 1100, 950]))
    found = compare([pair], (Measure.DROPPING,))
    assert found.exit_code == 3
    assert "in old every one does, so no regression can be shown" in found.why[0]
    fit = (side("old", [0] * 5), side("new", [0] * 5))
    assert compare([fit], (Measure.DROPPING,)).exit_code == 0
    assert compare([fit, pair], (Measure.DROPPING,)).exit_code == 3
    lacking = compare([fit], (Measure.DROPPING,), untested=["b of old is compared with nothing"])
    assert (lacking.exit_code, lacking.why) == (3, ("b of old is compared with nothing",))
    assert compare([fit], untested=["b of old"], unmatched=["c of new"]).unmatched == ("b of old", "c of new")


def test_what_is_in_doubt_or_was_made_otherwise_is_said() -> None:
    assert gated([0] * 5, [0] * 5, doubt="the watch stood still").exit_code == 3
    (pair,) = gated([0] * 5, [0] * 5, load="new 500/s").pairs
    assert pair.unlike == ("load: new 100/s against new 500/s",)


def test_a_run_that_dropped_calls_is_in_doubt_where_it_may_have_dropped_more_than_was_seen() -> None:
    text = """
        update 8.0 complete 9.0 settled 9.5
        update 20.0 {second}
        pod a deleted 8.5 ended 8.8 gone 9.0
        pod b revision r2 created 8.1 ready 8.4 deleted 20.5 ended 20.8 gone 21.0
        pod c revision r3 created 20.1 ready 20.4
        ok new 0..8.6 every 0.05 by a
        connect-refused new 8.61 8.62
        ok new 8.65..40 every 0.05 by b
    """
    whole = history(text.format(second="complete 21.0 settled 21.5"), planned_rollouts=2)
    assert as_side("run", [(whole.info, judge(whole))]).doubt == ""
    never = history(text.format(second=""), planned_rollouts=2)
    assert judge(never).verdict is Verdict.DROPPING
    assert "rollout 2 never completed" in as_side("run", [(never.info, judge(never))]).doubt
    short = replace(whole, info=replace(whole.info, planned_rollouts=9))
    assert judge(short).verdict is Verdict.DROPPING
    assert "after 2 of 9 rollouts" in as_side("run", [(short.info, judge(short))]).doubt


def test_many_pairs_fail_together_no_more_often_than_the_level_says() -> None:
    base = side("old", [0, 0, 0])
    found = compare([(base, side(f"new {i}", [0, 0, 0])) for i in range(6)], (Measure.DROPPING,))
    assert found.exit_code == 3
    assert "6 tests" in found.why[0]
