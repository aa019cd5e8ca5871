"""How a workload rolls: the API's defaults, percentages, and the bounds that its documentation gives."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.spec.rolling import fenceposts, rollout_spec, wanted_replicas
from tests.unit.spec.objects import rolling

BOUND = st.one_of(st.integers(0, 300), st.integers(0, 300).map("{}%".format))
REPLICAS = st.integers(0, 2000)


def exact(bound: int | str, replicas: int) -> Fraction:
    return Fraction(int(bound[:-1]) * replicas, 100) if isinstance(bound, str) else Fraction(bound)


@given(BOUND, BOUND, REPLICAS)
def test_surge_is_rounded_up_and_unavailable_down_and_never_are_both_zero(
    surge: int | str, unavailable: int | str, replicas: int
) -> None:
    more, fewer = fenceposts(surge, unavailable, replicas)
    assert 0 <= more - exact(surge, replicas) < 1
    if more or fewer != 1:
        assert 0 <= exact(unavailable, replicas) - fewer < 1
    assert more + fewer >= 1


@given(BOUND, BOUND, REPLICAS)
def test_a_rollout_takes_as_many_steps_as_its_bounds_need(
    surge: int | str, unavailable: int | str, replicas: int
) -> None:
    found = rollout_spec("Deployment", rolling(surge, unavailable) | {"replicas": replicas})
    step = max(1, found.max_surge + found.max_unavailable)
    assert (found.steps - 1) * step < max(1, replicas) <= found.steps * step or replicas == 0
    assert found.max_unavailable <= replicas


@pytest.mark.parametrize(
    ("strategy", "replicas", "surge", "unavailable"),
    [
        ({}, 3, 1, 0),
        ({"strategy": {"rollingUpdate": None}}, 4, 1, 1),
        (rolling(None, 0), 4, 1, 0),
        (rolling("50%", "50%"), 5, 3, 2),
        (rolling(0, "10%"), 4, 0, 1),
        (rolling("7%", "29%"), 100, 7, 29),
        (rolling(2, 1), 4, 2, 1),
        (rolling(0, 5), 2, 0, 2),
        ({"strategy": {"type": "Recreate"}}, 3, 0, 0),
    ],
)
def test_bounds_of_a_deployment(strategy: dict[str, Any], replicas: int, surge: int, unavailable: int) -> None:
    found = rollout_spec("Deployment", strategy | {"replicas": replicas})
    assert (found.max_surge, found.max_unavailable) == (surge, unavailable)


def test_what_is_not_said_or_null_is_what_the_api_makes_of_it() -> None:
    silent = rollout_spec("Deployment", {})
    assert silent == rollout_spec(
        "Deployment", dict.fromkeys(("replicas", "minReadySeconds", "progressDeadlineSeconds"))
    )
    assert (silent.replicas, silent.strategy, silent.min_ready_s, silent.progress_deadline_s) == (
        1,
        "RollingUpdate",
        0,
        600,
    )
    assert wanted_replicas({"replicas": None}) == 1


def test_a_stateful_set_goes_one_by_one_and_waits_for_each_end_and_for_no_deadline() -> None:
    spec = {"replicas": 4, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}}
    found = rollout_spec("StatefulSet", spec | {"progressDeadlineSeconds": 5})
    assert (found.replaced, found.steps, found.waits_for_stop, found.progress_deadline_s) == (2, 2, True, None)
    assert (found.partition, found.ordered) == (2, True)
    assert not rollout_spec("StatefulSet", {"podManagementPolicy": "Parallel"}).ordered


def test_steps_are_certain_where_one_pod_moves_at_a_time() -> None:
    certain = [rolling(1, 0), rolling(0, 1), {"strategy": {"type": "Recreate"}}]
    assert all(rollout_spec("Deployment", spec | {"replicas": 4}).steps_are_certain for spec in certain)
    assert not rollout_spec("Deployment", rolling(1, 1) | {"replicas": 4}).steps_are_certain
