"""The settings that a rollout depends on, and how long one takes."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model.advice import ApplicationSettings
from harness.spec.rollout_shape import rollout_s, rollout_shape
from tests.unit.spec.objects import container, hook, rolling, service, shell, workload


@pytest.mark.parametrize(
    ("replicas", "strategy", "steps"),
    [
        (3, rolling(1, 0), 3),
        (10, rolling("25%", "25%"), 2),
        (4, {}, 2),
        (1, {}, 1),
        (3, rolling(0, 0), 3),
        (100, rolling("100%", 0), 1),
        (5, {"strategy": {"type": "Recreate"}}, 1),
    ],
)
def test_steps_follow_surge_and_unavailable(replicas: int, strategy: dict[str, Any], steps: int) -> None:
    assert rollout_shape([workload(replicas=replicas, **strategy)]).steps == steps


def test_a_stateful_set_goes_one_by_one_and_waits_for_each_end() -> None:
    found = rollout_shape([workload("StatefulSet", replicas=4)])
    assert (found.steps, found.waits_for_stop, found.progress_deadline_s) == (4, True, None)


def test_more_replicas_take_longer() -> None:
    few = rollout_shape([workload(**rolling(1, 0))])
    many = rollout_shape([workload(**rolling(1, 0))], replicas=30)
    times = {"start_s": 1.0, "min_ready_s": 5.0, "stop_s": 6.0}
    assert rollout_s(many, **times) == pytest.approx(10 * rollout_s(few, **times))


def test_it_has_what_the_manifest_says_and_the_defaults_of_kubernetes() -> None:
    found = rollout_shape([workload("Deployment", container(**hook(sleep={"seconds": 7})), minReadySeconds=4)])
    assert (found.has_prestop, found.prestop_s, found.min_ready_s) == (True, 7.0, 4.0)
    assert (found.grace_s, found.progress_deadline_s, found.probed) == (30.0, 600.0, True)


def test_a_hook_that_holds_nothing_is_still_one() -> None:
    found = rollout_shape([workload("Deployment", container(**shell("nginx -s quit; sleep 7")))])
    assert (found.has_prestop, found.prestop_s) == (True, 0.0)


def test_a_stateful_set_of_one_has_a_gap_that_more_replicas_close() -> None:
    assert rollout_shape([workload("StatefulSet", replicas=1)]).gap_cure == "more than 1 replica"
    assert rollout_shape([workload("StatefulSet", replicas=2)]).gap_cure == ""


def test_where_several_containers_are_those_that_serve_have_their_names() -> None:
    front = service({"port": 80}, {"port": 81})
    web, log = container(name="web"), container(name="log", ports=None)
    also = container(name="also", ports=[{"containerPort": 81}])
    for inside, names in (([web], ()), ([web, log], ("web",)), ([web, log, also], ("web", "also"))):
        assert rollout_shape([workload("Deployment", *inside), front]).hooked == names


def test_a_container_behind_the_one_that_serves_needs_the_same_hook() -> None:
    """Else it stops at once, and the one that passes calls on to it answers 502 until its own hook is over."""
    proxy = container(name="proxy", lifecycle=None)
    behind = container(name="behind", lifecycle=None, ports=[{"containerPort": 9090}])
    held = container(name="held", ports=[{"containerPort": 9091}], **hook(sleep={"seconds": 7}))
    found = rollout_shape([workload("Deployment", proxy, behind, held), service({"port": 80})])
    assert found.hooked == ("proxy", "behind")


def test_no_workload_has_the_defaults() -> None:
    assert rollout_shape([{"kind": "Service"}]) == ApplicationSettings()


def test_a_service_that_lists_pods_which_do_not_serve_is_what_has_to_change() -> None:
    front = service({"port": 80})
    front["spec"]["publishNotReadyAddresses"] = True
    found = rollout_shape([workload(), front])
    assert found.listing.startswith("its Service lists pods that are not Ready yet")
    assert found.listing_cure.startswith("no publishNotReadyAddresses")
    assert rollout_shape([workload(), service({"port": 80})]).listing_cure == ""
