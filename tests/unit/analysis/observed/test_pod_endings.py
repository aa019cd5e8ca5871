"""Who took a pod."""

from __future__ import annotations

import pytest

from harness.analysis import judge
from harness.analysis.observed.controllers import controllers
from harness.analysis.observed.ownership import ownership
from harness.analysis.observed.pod_endings import ours, takers
from harness.analysis.observed.pods import Life
from harness.model.observation import Observation
from harness.model.result import Taker

from ..literal import history

UPDATE = "update 8.0 complete 9.0 settled 9.8\nok new 0..30 every 0.05\n"


ANYBODY = ownership(None, {}, ())


def seen(t: float, kind: str, **what: object) -> Observation:
    return Observation(t=t, kind=kind, type="MODIFIED", object=dict(what))


def replica_set(t: float, name: str, replicas: int, desired: int, revision: int) -> Observation:
    notes = {
        "deployment.kubernetes.io/desired-replicas": str(desired),
        "deployment.kubernetes.io/revision": str(revision),
    }
    return seen(t, "ReplicaSet", metadata={"name": name, "annotations": notes}, spec={"replicas": replicas})


def deleted_by_controller(t: float, *names: str) -> tuple[Observation, ...]:
    return tuple(seen(t, "Event", reason="SuccessfulDelete", message=f"Deleted pod: {name}") for name in names)


def pod(name: str, owner: str, deletion: float, **more: object) -> Life:
    return Life(uid=name, name=name, owner=owner, first_seen=0.0, deletion=deletion, **more)  # type: ignore[arg-type]


def test_the_old_revision_goes_by_the_rollout() -> None:
    timeline = [
        replica_set(1, "old", 3, 3, 1),
        replica_set(8.1, "new", 1, 3, 2),
        replica_set(8.5, "old", 2, 3, 1),
        *deleted_by_controller(8.5, "a"),
    ]
    assert takers([pod("a", "old", 8.52)], controllers(timeline, ANYBODY, [8.0])) == {"a": Taker.ROLLOUT}


def test_a_pod_of_the_revision_to_which_an_update_goes_back_just_then_goes_by_the_rollout() -> None:
    timeline = [
        replica_set(1, "old", 3, 3, 1),
        replica_set(8.1, "new", 1, 3, 2),
        replica_set(8.5, "old", 2, 3, 1),
        *deleted_by_controller(8.5, "a"),
        replica_set(8.56, "old", 2, 3, 3),  # `kubectl rollout undo`
    ]
    assert takers([pod("a", "old", 8.52)], controllers(timeline, ANYBODY, [8.0])) == {"a": Taker.ROLLOUT}


def test_recreate_takes_the_old_pods_before_there_is_a_new_replica_set() -> None:
    timeline = [
        replica_set(1, "first", 0, 2, 1),
        replica_set(1, "old", 2, 2, 2),
        replica_set(8.1, "old", 0, 2, 2),
        *deleted_by_controller(8.1, "a", "b"),
        replica_set(11.3, "new", 2, 2, 3),
        *deleted_by_controller(13, "c"),
        replica_set(13, "new", 1, 2, 3),
    ]
    gone = [pod("a", "old", 8.12), pod("b", "old", 8.15), pod("c", "new", 13.02)]
    told = controllers(timeline, ANYBODY, [8.0])
    assert takers(gone, told) == {"a": Taker.ROLLOUT, "b": Taker.ROLLOUT, "c": Taker.SCALING}


@pytest.mark.parametrize("taker", [Taker.SCALING, Taker.FOREIGN])
@pytest.mark.parametrize(("ended", "own"), [(12.0, True), (8.5, False)])
def test_what_takes_a_pod_while_a_deploy_command_runs_is_its_own(ended: float, own: bool, taker: Taker) -> None:
    details = {"rollout": 0, "disruption": "command"}
    timeline = [
        Observation(t=8.0, kind="Mark", type="update", object=details),
        seen(10.0, "Deployment", metadata={"name": "web"}, spec={"replicas": 2}),
        Observation(t=ended, kind="Mark", type="disruption", object=details | {"exit_code": 0}),
    ]
    told = controllers(timeline, ANYBODY, [8.0])
    assert bool(ours([pod("a", "old", 10.1)], {"a": taker}, told)) == own


def test_a_set_that_shrinks_with_the_desired_number_is_scaled() -> None:
    timeline = [
        replica_set(1, "old", 3, 3, 1),
        replica_set(8.1, "new", 1, 3, 2),
        replica_set(8.5, "old", 2, 2, 1),
        replica_set(8.9, "old", 1, 2, 1),
        *deleted_by_controller(8.5, "a", "b"),
    ]
    both = [pod("a", "old", 8.52), pod("b", "old", 8.92)]
    assert takers(both, controllers(timeline, ANYBODY, [8.0])) == {"a": Taker.SCALING, "b": Taker.ROLLOUT}


def test_a_pod_that_no_controller_deleted_was_taken_by_a_stranger() -> None:
    timeline = [replica_set(1, "old", 3, 3, 1), *deleted_by_controller(8.5, "other")]
    assert takers([pod("a", "old", 8.52)], controllers(timeline, ANYBODY, [8.0])) == {"a": Taker.FOREIGN}


@pytest.mark.parametrize(("named", "taker"), [(("old-b",), Taker.FOREIGN), ((), Taker.ROLLOUT)])
def test_a_pod_that_goes_as_its_set_shrinks_is_a_strangers_where_the_set_names_another(
    named: tuple[str, ...], taker: Taker
) -> None:
    """`kubectl delete pod --force` in the middle of a rollout; what no event names may have been the rollout's."""
    timeline = [
        replica_set(1, "old", 3, 3, 1),
        replica_set(8.1, "new", 1, 3, 2),
        replica_set(9.3, "old", 2, 3, 1),
        seen(9.3, "Event", reason="ScalingReplicaSet", message="Scaled down replica set old from 3 to 2"),
        *deleted_by_controller(9.3, *named),
    ]
    assert takers([pod("old-a", "old", 8.5)], controllers(timeline, ANYBODY, [8.0])) == {"old-a": taker}


def test_what_goes_before_our_first_update_is_not_ours() -> None:
    told = controllers(deleted_by_controller(3, "a"), ANYBODY, [8.0])
    assert takers([pod("a", "old", 3.0)], told) == {"a": Taker.FOREIGN}


def test_a_change_of_the_template_that_is_not_ours_is_foreign() -> None:
    def deployment(t: float, image: str) -> Observation:
        return seen(t, "Deployment", metadata={"name": "web"}, spec={"template": {"image": image}})

    timeline = [deployment(1, "a"), deployment(8.1, "b"), deployment(20, "c"), *deleted_by_controller(8.5, "a", "b")]
    both = [pod("a", "old", 8.5), pod("b", "mid", 20.5)]
    assert takers(both, controllers(timeline, ANYBODY, [8.0])) == {"a": Taker.ROLLOUT, "b": Taker.FOREIGN}


def test_a_disruption_target_was_evicted() -> None:
    assert takers([pod("a", "old", 8.5, disrupted="EvictionByEvictionAPI")], controllers([], ANYBODY, [8.0])) == {
        "a": Taker.EVICTION
    }


def stateful(t: float, revision: str, replicas: int, **spec: object) -> Observation:
    return seen(t, "StatefulSet", spec={"replicas": replicas, **spec}, status={"updateRevision": revision})


@pytest.mark.parametrize(
    ("name", "revision", "replicas", "taker"),
    [("web-2", "r1", 3, Taker.ROLLOUT), ("web-2", "r1", 2, Taker.SCALING), ("web-2", "r2", 2, Taker.SCALING)],
)
def test_a_stateful_pod_beyond_the_number_is_scaled_away(name: str, revision: str, replicas: int, taker: Taker) -> None:
    timeline = [stateful(8.1, "r2", replicas), *deleted_by_controller(8.5, name)]
    assert takers([pod(name, "web", 8.5, revision=revision)], controllers(timeline, ANYBODY, [8.0])) == {name: taker}


@pytest.mark.parametrize(
    ("name", "taker"),
    [("web-4", Taker.SCALING), ("web-5", Taker.ROLLOUT), ("web-7", Taker.ROLLOUT), ("web-8", Taker.SCALING)],
)
def test_a_stateful_sets_numbers_count_from_its_first(name: str, taker: Taker) -> None:
    timeline = [stateful(8.1, "r2", 3, ordinals={"start": 5}), *deleted_by_controller(8.5, name)]
    assert takers([pod(name, "web", 8.5, revision="r1")], controllers(timeline, ANYBODY, [8.0])) == {name: taker}


@pytest.mark.parametrize(("word", "reason"), [("evicted", "eviction"), ("stranger", "foreign")])
def test_a_rollout_with_a_stranger_in_it_is_inconclusive(word: str, reason: str) -> None:
    text = UPDATE + f"pod old-1 deleted 8.5 ended 8.8 gone 9.0\npod old-2 deleted 9.4 ended 9.7 gone 9.8 {word}\n"
    text += "pod new-1 revision r2 created 8.1 ready 8.4"
    result = judge(history(text))
    assert (result.verdict, result.reason) == ("inconclusive", reason)


@pytest.mark.parametrize("word", ["evicted", "stranger"])
def test_a_strangers_failures_are_not_the_rollouts(word: str) -> None:
    pods = f"pod old-1\npod old-2 deleted 9.4 ended 9.7 gone 9.8 {word}\npod new-1 revision r2 created 8.1 ready 8.4\n"
    result = judge(history(UPDATE + pods + "connect-refused new 9.45\n"))
    assert result.causes == {"termination-race": 1}
    assert not result.rollouts[0].dropping


def test_a_stranger_does_not_hide_the_rollouts_own_failures() -> None:
    pods = "pod old-1 deleted 8.5 ended 8.8 gone 9.0\npod old-2 deleted 20 ended 20.3 gone 20.5 stranger\n"
    result = judge(history(UPDATE + pods + "connect-refused new 8.6 20.1\n"))
    assert (result.verdict, result.rollouts[0].dropping) == ("dropping", True)


def test_what_counts_against_a_rollout_is_not_said_to_be_others_doing() -> None:
    text = """
        update 8.0 complete 12 settled 12.5
        pod old-1 deleted 8.1 ended 8.4 gone 8.8
        pod new-1 revision r2 created 8.5 ready 11.9
        ok new 0..8.1 every 0.01 by old-1
        ok new 13..30 every 0.01 by new-1
        connect-refused new 9.5 10 11
    """
    result = judge(history(text))
    assert (result.verdict, result.reason, result.rollouts[0].note) == ("dropping", "no-endpoints: 3", "")
    evicted = judge(history(text.replace("gone 8.8", "gone 8.8 evicted")))
    assert "3 failures of rollout 1: no endpoints, not taken away by the rollout" in evicted.rollouts[0].note
