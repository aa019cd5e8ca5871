"""To which targets new connections go, by what the controller saw, what checks found, and how late all of it is."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import Any

import pytest

from harness.sandbox.balancer.settings import BalancerSettings, Check, Delay, Targets
from harness.sandbox.balancer.targets import TargetGroup

A, B = ("10.0.0.1", 80), ("10.0.0.2", 80)
CHECK = Check(interval_s=2.0, timeout_s=1.0, healthy=2, unhealthy=3)
LATE: dict[str, Any] = {
    "controller": Delay.of(1.0),
    "registration": Delay.of(10.0),
    "propagation": Delay.of(0.5),
    "deregistration": Delay.of(30.0),
}


def group(check: Check | None = CHECK, seed: int = 0, **changes: Any) -> TargetGroup:
    settings = BalancerSettings(profile="test", targets=Targets.PODS, check=check, **{**LATE, **changes})
    return TargetGroup(settings, check, random.Random(seed))


def run(of: TargetGroup, until: float, *, passing: bool = True, since: float = 0.0) -> list[tuple[float, int]]:
    """Makes every check when it is due, up to a moment; gives when each was."""
    now, made = since, []
    while now <= until:
        for key in of.due_checks(now):
            of.checked(key, passing, now)
            made.append((now, key[1]))
        now = of.next_due(now)
    return made


def test_a_new_target_is_registered_then_checked_and_serves_when_that_has_spread() -> None:
    targets = group()
    targets.want([A], 0.0)
    assert [at for at, _ in run(targets, 15.0)] == [11.0, 13.0, 15.0]
    assert targets.serving(13.49) == (A,)  # none is healthy, so all that are registered get some
    closed = group(fail_open=False)
    closed.want([A], 0.0)
    run(closed, 15.0)
    assert (closed.serving(13.49), closed.serving(13.5)) == ((), (A,))


def test_a_target_that_left_gets_new_connections_until_it_is_deregistered_and_no_more_checks() -> None:
    targets = group()
    targets.want([A, B], 0.0)
    run(targets, 20.0)
    targets.want([B], 20.0)
    assert A not in targets.due_checks(40.0)
    assert (targets.serving(50.99), targets.serving(51.0)) == ((A, B), (B,))
    targets.forget(51.0)
    assert run(targets, 60.0, since=51.0)


def test_one_that_is_wanted_again_before_it_has_left_stays() -> None:
    targets = group()
    targets.want([A], 0.0)
    run(targets, 20.0)
    targets.want([], 20.0)
    targets.want([A], 25.0)
    assert targets.serving(100.0) == (A,)


def test_so_many_bad_checks_take_it_out_and_a_good_one_between_begins_anew() -> None:
    targets = group()
    targets.want([A, B], 0.0)
    run(targets, 20.0)
    for at, passed in enumerate((False, False, True, False, False, False), start=21):
        targets.checked(A, passed, float(at))
        assert targets.serving(float(at)) == (A, B)
    assert (targets.serving(26.49), targets.serving(26.5)) == ((A, B), (B,))


def test_where_no_target_is_healthy_all_are_sent_to() -> None:
    targets = group()
    targets.want([A, B], 0.0)
    assert (targets.serving(10.9), targets.serving(11.0)) == ((), (A, B))


def test_a_new_target_may_need_fewer_good_checks_than_one_that_recovers() -> None:
    eager = replace(CHECK, first=1)
    targets = group(eager, fail_open=False)
    targets.want([A, B], 0.0)
    targets.checked(A, True, 11.0)
    assert targets.serving(11.5) == (A,)
    for at, passed in ((12.0, False), (13.0, False), (14.0, False), (15.0, True)):
        targets.checked(B, passed, at)
    assert targets.serving(15.5) == (A,)  # found unhealthy first, it is no new one any more
    targets.checked(B, True, 16.0)
    assert targets.serving(16.5) == (A, B)


def test_without_checks_registration_alone_counts() -> None:
    targets = group(check=None)
    targets.want([A], 0.0)
    assert (targets.due_checks(20.0), targets.serving(20.0)) == ([], (A,))
    assert targets.next_due(11.5) == math.inf


def test_what_is_drawn_lies_in_its_range_and_is_the_same_with_the_same_seed() -> None:
    def left(seed: int) -> float:
        targets = group(check=None, seed=seed, registration=Delay.of(0.0), deregistration=Delay(10.0, 20.0))
        targets.want([A], 0.0)
        targets.want([], 5.0)
        return targets.next_due(5.0)

    found = [left(seed) for seed in range(50)]
    assert found == [left(seed) for seed in range(50)]
    assert 16.0 <= min(found) < 18.5 < max(found) <= 26.0


@pytest.mark.parametrize(
    ("targets", "removal", "addition"),
    [(Targets.PODS, Delay.of(31.0), Delay.of(13.5)), (Targets.NODES, Delay(4.5, 7.5), Delay(2.5, 4.5))],
)
def test_how_late_it_is_by_what_it_is_set_to(targets: Targets, removal: Delay, addition: Delay) -> None:
    settings = BalancerSettings(profile="test", targets=targets, check=CHECK, local_check=CHECK, **LATE)
    assert (settings.removal, settings.addition) == (removal, addition)
