"""Source ports rest as long as they can."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.load import Plan, PortBudgetError, Stream, budget_per_s, check_budget
from harness.load.ports import PORTS, NoPortError, PortCycle, kernel_budget_per_s


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(1, 20), st.integers(1, 3))
def test_no_local_end_comes_again_before_every_other_has(addresses: int, ports: int, rounds: int) -> None:
    cycle = PortCycle(tuple(f"10.0.0.{n}" for n in range(addresses)), ((5000, 5000 + ports - 1), (6000, 6001)))
    whole = addresses * (ports + 2)
    taken = []
    for _ in range(whole * rounds):
        taken.append(cycle.take())
        cycle.release(taken[-1])
    for start in range(len(taken) - whole + 1):
        assert len(set(taken[start : start + whole])) == whole


def test_an_end_that_is_in_use_is_passed_over() -> None:
    cycle = PortCycle(("10.0.0.1",), ((1, 3),))
    kept = cycle.take()
    others = []
    for _ in range(4):
        others.append(cycle.take())
        cycle.release(others[-1])
    assert kept not in others
    assert [port for _, port in others] == [2, 3, 2, 3]


def test_when_all_are_in_use_it_says_so() -> None:
    cycle = PortCycle((), ((1, 2),))
    cycle.take(), cycle.take()
    with pytest.raises(NoPortError, match="all 2"):
        cycle.take()


def test_without_ranges_the_kernel_chooses() -> None:
    cycle = PortCycle(("10.0.0.1", "10.0.0.2"), ())
    assert [cycle.take() for _ in range(3)] == [("10.0.0.1", 0), ("10.0.0.2", 0), ("10.0.0.1", 0)]


def of(rate: float, addresses: int = 1) -> Plan:
    return Plan(
        url="http://shop/",
        streams=(Stream(name="new", rate_per_s=rate), Stream(name="kept", rate_per_s=5000, connections=10)),
        source_addresses=tuple(f"10.0.0.{n}" for n in range(1, addresses + 1)),
        ports=PORTS,
    )


def test_the_budget_is_ports_per_minute_and_source_address() -> None:
    assert int(budget_per_s(1, PORTS)) == 816
    assert int(budget_per_s(3, PORTS)) == 2450
    check_budget(of(816), destination="10.96.0.1")
    check_budget(of(2000, addresses=3), destination="10.96.0.1")
    with pytest.raises(PortBudgetError, match=r"817 new connections/s from 1 source address: its ports last for 817/s"):
        check_budget(of(817), destination="10.96.0.1")


def test_ports_of_the_kernels_choice_must_all_rest() -> None:
    assert int(kernel_budget_per_s(1)) == 230
    assert int(kernel_budget_per_s(1, connect_timeout_s=20)) == 201  # the last SYN comes later
    check_budget(replace(of(230), ports=()), destination="10.96.0.1")
    with pytest.raises(PortBudgetError, match="each must rest 120 s"):
        check_budget(replace(of(231), ports=()), destination="10.96.0.1")


class Clock:
    """Stands until it is put forward."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_end_at_rest_is_passed_over_until_its_time_is_over_and_no_longer() -> None:
    clock = Clock()
    cycle = PortCycle((), ((1, 3),), clock=clock)
    cycle.release(cycle.take(), rest_s=120.0)
    for now, expected in ((0.0, [2, 3, 2]), (119.9, [3, 2]), (120.0, [3, 1, 2, 3, 1])):
        clock.now = now
        for port in expected:
            end = cycle.take()
            assert end == ("", port)
            cycle.release(end)


def test_a_longer_rest_is_not_cut_short() -> None:
    clock = Clock()
    cycle = PortCycle((), ((1, 2),), clock=clock)
    end = cycle.take()
    cycle.release(end, rest_s=240.0)
    cycle.release(end, rest_s=120.0)
    clock.now = 200.0
    assert [cycle.take()] == [("", 2)]
    with pytest.raises(NoPortError, match="all 2 local ends are in use or must rest"):
        cycle.take()


def test_loopback_is_exempt() -> None:
    check_budget(of(10_000), destination="127.0.0.1")
    check_budget(of(10_000), destination="::1")
