"""What a disruption of ours did to pods is ours; the same done by others meanwhile is theirs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.analysis import judge
from harness.analysis.advice.cures import FINISH
from harness.analysis.observed.controllers import Controllers, controllers
from harness.analysis.observed.deeds import Deed, deeds
from harness.analysis.observed.ownership import ownership
from harness.analysis.observed.pod_endings import ours, takers
from harness.analysis.observed.pods import Life
from harness.model.observation import Observation
from harness.model.result import Taker
from harness.model.run import Run

from ..literal import history

ANYBODY = ownership(None, {}, ())


def mark(t: float, type_: str, **said: Any) -> Observation:
    return Observation(t=t, kind="Mark", type=type_, object={"rollout": 0, **said})


def act(t: float, disruption: str, *uids: str, **said: Any) -> Observation:
    pods = [{"name": uid, "uid": uid} for uid in uids]
    return mark(t, "disruption", disruption=disruption, **({"pods": pods} if pods else {}), **said)


def workload(t: float, replicas: int, image: str = "web:1") -> Observation:
    template = {"spec": {"containers": [{"name": "web", "image": image}]}}
    return Observation(
        t=t, kind="Deployment", type="MODIFIED", object={"spec": {"replicas": replicas, "template": template}}
    )


def shrunk(t: float, replicas: int, desired: int) -> Observation:
    notes = {"deployment.kubernetes.io/desired-replicas": str(desired), "deployment.kubernetes.io/revision": "1"}
    shown = {"metadata": {"name": "web-1", "annotations": notes}, "spec": {"replicas": replicas}}
    return Observation(t=t, kind="ReplicaSet", type="MODIFIED", object=shown)


def told_of(pod: str, t: float) -> Observation:
    words = {"reason": "SuccessfulDelete", "message": f"Deleted pod: {pod}"}
    return Observation(t=t, kind="Event", type="ADDED", object=words)


def pod(name: str, deletion: float, **more: Any) -> Life:
    return Life(uid=name, name=name, owner="web-1", first_seen=0.0, deletion=deletion, **more)


def judged(told: Controllers, *pods: Life) -> tuple[dict[str, Taker], frozenset[str]]:
    taken = takers(pods, told)
    return taken, ours(pods, taken, told)


def begun(disruption: str, *events: Observation) -> Controllers:
    return controllers([mark(8.0, "update", disruption=disruption), *events], ANYBODY, [8.0])


def test_acts_are_read_in_their_order() -> None:
    found = deeds([act(9.0, "scale", replicas=3), act(8.1, "evict", "a"), mark(8.0, "update")])
    assert found == (
        Deed(t=8.1, disruption="evict", pods=frozenset({"a"})),
        Deed(t=9.0, disruption="scale", replicas=3),
    )


@pytest.mark.parametrize(
    ("disruption", "taker"),
    [("delete-pod", Taker.DELETION), ("evict", Taker.EVICTION), ("drain", Taker.EVICTION)],
)
def test_a_pod_that_we_took_is_ours_and_one_that_went_beside_it_is_not(disruption: str, taker: Taker) -> None:
    evicted = {"disrupted": "EvictionByEvictionAPI"}
    told = begun(disruption, act(8.1, disruption, "a"), told_of("z", 1.0))
    taken, own = judged(told, pod("a", 8.2), pod("b", 8.2, **evicted), pod("c", 8.2))
    assert taken == {"a": taker, "b": Taker.EVICTION, "c": Taker.FOREIGN}
    assert own == {"a"}


def test_a_pod_that_went_before_we_asked_is_not_ours() -> None:
    told = begun("evict", act(8.1, "evict", "a"))
    assert judged(told, pod("a", 7.0, disrupted="EvictionByEvictionAPI")) == ({"a": Taker.EVICTION}, frozenset())


def test_a_scaling_is_ours_while_the_workload_wants_what_we_asked_for() -> None:
    told = begun(
        "scale",
        *(workload(1.0, 3), shrunk(1.0, 3, 3)),
        *(act(8.1, "scale", replicas=2), workload(8.2, 2), shrunk(8.3, 2, 2), told_of("a", 8.3)),
        *(workload(20.0, 1), shrunk(20.1, 1, 1), told_of("b", 20.1)),  # an autoscaler's
    )
    assert judged(told, pod("a", 8.32), pod("b", 20.12)) == (
        {"a": Taker.SCALING, "b": Taker.SCALING},
        frozenset({"a"}),
    )


def test_a_number_that_somebody_else_asked_for_before_is_not_ours() -> None:
    told = begun(
        "scale",
        *(workload(1.0, 3), shrunk(1.0, 3, 3)),
        *(workload(5.0, 2), shrunk(5.1, 2, 2), told_of("a", 5.1)),
        act(8.1, "scale", replicas=2),
    )
    assert judged(told, pod("a", 5.12))[1] == frozenset()


def test_a_template_that_somebody_changes_during_an_eviction_is_theirs() -> None:
    told = begun("evict", workload(1.0, 3), act(8.1, "evict", "a"), workload(8.2, 3, image="web:2"))
    assert told.foreign == [8.2]
    assert told.own == []
    told = begun("image", workload(1.0, 3), workload(8.2, 3, image="web:2"))
    assert told.foreign == []
    assert told.own == [8.0]


HISTORY = """
period 1
update 8.0 complete 9.0 settled 9.8
pod old-1 {how} deleted 8.1 ended 8.4 gone 8.5
pod old-2
pod new-1 created 8.2 ready 8.9
ok new 0..30 every 0.05 by old-2
connect-refused new 8.45 8.46
"""


def run(*events: Observation, how: str = "evicted") -> Run:
    found = history(HISTORY.format(how=how))
    timeline = tuple(sorted((*found.timeline, *events), key=lambda seen: seen.t))
    return Run(info=found.info, requests=found.requests, timeline=timeline)


@pytest.mark.parametrize(("disruption", "how"), [("evict", "evicted"), ("delete-pod", "stranger")])
def test_calls_that_our_own_act_loses_make_the_run_dropping(disruption: str, how: str) -> None:
    begin = mark(8.0, "update", disruption=disruption)
    result = judge(run(begin, act(8.05, disruption, "old-1"), how=how))
    assert (result.verdict, result.reason) == ("dropping", "termination-race: 2")


@pytest.mark.parametrize("how", ["evicted", "stranger"])
def test_calls_that_somebody_elses_act_loses_do_not(how: str) -> None:
    begin = mark(8.0, "update", disruption="evict")
    result = judge(run(begin, act(8.05, "evict", "old-2"), how=how))
    assert result.verdict == "inconclusive"


def test_what_held_an_eviction_up_is_told() -> None:
    held = act(8.06, "evict", held="old-1", held_by="its budget needs 2", held_s=3.21)
    found = run(mark(8.0, "update", disruption="evict"), act(8.05, "evict", "old-1"), held)
    notes = judge(replace(found, info=replace(found.info, disruption="evict"))).notes
    assert "old-1 was held for 3.2 s before it could be evicted: its budget needs 2" in notes


FORCED = """
period 1
update 8.0 complete 8.6 settled 8.6
pod old-1 stranger deleted 8.1 gone 8.11
pod old-2
pod new-1 created 8.2 ready 8.5
ok new 0..30 every 0.05 by old-2
eof-before-response new 8.4 8.5 until 10.2
"""


def forced(grace_s: int) -> Run:
    """A pod that the API forgets at once, and whose programs end two seconds later, with requests in hand."""
    found = history(FORCED)
    for event in found.timeline:
        if event.kind == "Pod" and (metadata := event.object["metadata"]).get("deletionTimestamp"):
            metadata["deletionGracePeriodSeconds"] = grace_s
            if not grace_s:
                event.object["status"] |= {"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}
    ours = (mark(8.0, "update", disruption="delete-pod"), act(8.05, "delete-pod", "old-1", grace_s=0))
    return replace(found, timeline=tuple(sorted((*found.timeline, *ours), key=lambda event: event.t)))


def test_a_pod_that_is_deleted_by_force_may_run_on_after_it_has_gone() -> None:
    result = judge(forced(0))
    assert (result.verdict, result.reason) == ("dropping", "in-flight-kill: 2")
    assert result.sizing is not None
    assert result.sizing.measured.hurried == 1
    (remedy,) = result.sizing.remedies
    assert remedy.needed == "the grace period that its spec gives it"
    assert not result.sizing.raised


def rolled_without_grace(cut_at: float) -> Run:
    """The same of a rollout of pods whose own spec gives them no grace period."""
    found = history(FORCED.replace(" stranger", "").replace("until 10.2", f"until {cut_at}"))
    for event in found.timeline:
        if event.kind == "Pod":
            event.object.setdefault("spec", {})["terminationGracePeriodSeconds"] = 0
            if (metadata := event.object["metadata"]).get("deletionTimestamp"):
                metadata["deletionGracePeriodSeconds"] = 0
                event.object["status"] |= {"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}
    spec = {"template": {"spec": {"terminationGracePeriodSeconds": 0}}}
    manifest = {"kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
    return replace(found, info=replace(found.info, manifests=(manifest,)))


def test_what_is_cut_two_seconds_after_a_deletion_without_grace_was_killed_and_wants_a_longer_one() -> None:
    result = judge(rolled_without_grace(10.12))
    assert (result.verdict, result.causes) == ("dropping", {"in-flight-kill": 2})
    assert result.sizing is not None
    assert result.sizing.measured.killed == 1
    assert "terminationGracePeriodSeconds" in result.sizing.raised
    assert FINISH not in result.sizing.cure
    (remedy,) = result.sizing.remedies
    assert remedy.by_settings
    assert remedy.why == "1 pod was killed when the grace period of 0 s was over"


def test_what_ends_sooner_ended_by_itself() -> None:
    result = judge(rolled_without_grace(8.6))
    assert result.sizing is not None
    assert result.sizing.measured.killed == 0
    (remedy,) = result.sizing.remedies
    assert "killed" not in remedy.why
    assert remedy.needed == "preStop 5 s, terminationGracePeriodSeconds 11 s"  # they came after its stop signal


def test_a_pod_that_had_its_time_has_ended_when_it_goes() -> None:
    assert "in-flight-kill" not in judge(forced(30)).causes
