"""A burst is what neither the rate nor any stretch of other times explains."""

from __future__ import annotations

import numpy as np
import pytest

from harness.analysis.causes.bursts import has_burst, in_order

REQUESTS = np.arange(6000) / 100.0  # a minute


def steady(share: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random(len(REQUESTS)) < share


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.2])
def test_a_steady_rate_has_hardly_ever_a_burst(share: float) -> None:
    found = 0
    for seed in range(200):
        failed, quiet = steady(share, seed), steady(share, seed + 1000)
        found += has_burst(REQUESTS[failed], REQUESTS[~failed], quiet)
    assert found <= 6  # of 200, at a level of 1 %: more come by chance once in 300 times


@pytest.mark.parametrize(("share", "lost"), [(0.0, 8), (0.001, 12), (0.01, 25), (0.2, 90)])
def test_what_is_lost_at_once_is_found_though_a_minute_dilutes_it(share: float, lost: int) -> None:
    for seed in range(50):
        failed, quiet = steady(share, seed), steady(share, seed + 1000)
        failed[3000 : 3000 + lost] = True
        assert has_burst(REQUESTS[failed], REQUESTS[~failed], quiet)


def test_bursts_that_come_at_other_times_as_well_explain_one() -> None:
    failed, quiet = steady(0.0, 0), steady(0.0, 1)
    failed[3000:3020] = True
    quiet[100:120] = quiet[2000:2030] = True
    assert not has_burst(REQUESTS[failed], REQUESTS[~failed], quiet)


def test_without_requests_at_other_times_there_is_nothing_to_compare_with() -> None:
    assert not has_burst(REQUESTS[:0], REQUESTS, np.zeros(0, dtype=bool))
    failed = steady(0.01, 1)
    assert not has_burst(REQUESTS[failed], REQUESTS[~failed], np.zeros(0, dtype=bool))


def test_of_equal_moments_none_is_lost() -> None:
    assert in_order(np.array([1.0, 1.0]), np.array([1.0, 0.5])).sum() == 2
