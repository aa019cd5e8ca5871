"""The formulas, against scipy.stats and against figures that anyone can look up."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.analysis.statistics import (
    at_most,
    bootstrap_mean,
    clopper_pearson,
    excess,
    holm,
    plan_confidence,
    rollout_statistics,
    visible_excess,
)
from harness.model.run import Confidence

counts = st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(deadline=None)
@given(counts)
def test_clopper_pearson_agrees_with_scipy_stats(count: tuple[int, int]) -> None:
    from scipy.stats import binomtest

    k, n = count
    low, high = clopper_pearson(k, n)
    expected = binomtest(k, n).proportion_ci(method="exact")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize(("n", "bound"), [(10, 0.259), (59, 0.0495), (3, 0.632), (1, 0.95)])
def test_none_of_n_bounds_the_share(n: int, bound: float) -> None:
    assert at_most(0, n) == pytest.approx(bound, abs=5e-4)


def test_all_of_n_bounds_nothing() -> None:
    assert at_most(4, 4) == 1.0


@pytest.mark.parametrize(("share", "level", "n"), [(0.05, 0.95, 59), (0.01, 0.95, 299), (0.5, 0.5, 1), (0.1, 0.9, 22)])
def test_the_plan_is_the_smallest_number_that_is_enough(share: float, level: float, n: int) -> None:
    assert plan_confidence(share, level) == n
    assert at_most(0, n, level) <= share + 1e-12
    assert n == 1 or at_most(0, n - 1, level) > share


@pytest.mark.parametrize(("share", "level"), [(0, 0.95), (1, 0.95), (0.05, 1.0), (-0.1, 0.5)])
def test_a_confidence_that_makes_no_sense_is_refused(share: float, level: float) -> None:
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        plan_confidence(share, level)


@settings(deadline=None)
@given(counts, counts)
def test_excess_is_fishers_one_sided_test(a: tuple[int, int], b: tuple[int, int]) -> None:
    from scipy.stats import fisher_exact

    table = [[a[0], a[1] - a[0]], [b[0], b[1] - b[0]]]
    assert excess(a[0], a[1], b[0], b[1]) == pytest.approx(
        fisher_exact(table, alternative="greater").pvalue, rel=1e-6, abs=1e-9
    )


def test_without_a_control_there_is_no_excess() -> None:
    assert excess(50, 100, 0, 0) == 1.0


def test_excess_bears_a_million_requests() -> None:
    assert excess(200, 1_000_000, 10, 50_000) > 0.3
    assert excess(2000, 1_000_000, 10, 50_000) < 1e-10


def test_holm_keeps_the_order_and_never_lowers() -> None:
    assert holm([0.01, 0.04, 0.03]) == (0.03, 0.06, 0.06)
    assert holm([]) == ()
    assert holm([0.9, 0.9]) == (1.0, 1.0)


def test_the_bootstrap_is_repeatable_and_holds_the_mean() -> None:
    values = [0, 3, 39, 143]
    low, high = bootstrap_mean(values, seed=7)
    assert bootstrap_mean(values, seed=7) == (low, high)
    assert low <= sum(values) / len(values) <= high
    assert bootstrap_mean([5]) == (5.0, 5.0)


def test_rollout_statistics_say_whether_the_confidence_is_reached() -> None:
    wanted = Confidence(max_dropping=0.05, level=0.95)
    assert rollout_statistics([False] * 58, [0] * 58, wanted)["enough"] is False
    assert rollout_statistics([False] * 59, [0] * 59, wanted)["enough"] is True
    assert rollout_statistics([], [], None)["at_most"] == 1.0


def test_the_visible_excess_is_the_first_that_the_test_shows() -> None:
    extra = visible_excess(10_000, 20, 1000, 200)
    assert excess(200 + extra, 10_000, 20, 1000) < 0.01
