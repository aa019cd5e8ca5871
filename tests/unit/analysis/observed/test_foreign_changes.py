"""What somebody else changes in the middle of a run: named as the cause, and never a clean run."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from harness.analysis import judge
from harness.model.observation import Observation
from harness.model.run import Run
from harness.store.reader import read_run

from ..literal import history
from ..recordings import SMALL

CLEAN = "mitigated-3replicas-sync1s"
SERVICE = {"metadata": {"name": "web"}, "spec": {"clusterIP": "10.96.0.7", "selector": {"app": "web"}}}


@pytest.fixture(scope="module")
def run() -> Run:
    return read_run(SMALL / CLEAN)


def seen(run: Run, kind: str, until: float) -> Observation:
    """The last event of that kind by then."""
    return [event for event in run.timeline if event.kind == kind and event.t <= until][-1]


def with_events(run: Run, *events: Observation) -> Run:
    return replace(run, timeline=tuple(sorted([*run.timeline, *events], key=lambda event: event.t)))


def changed(event: Observation, t: float, change: Any) -> Observation:
    inner = deepcopy(event.object)
    change(inner)
    inner["metadata"]["managedFields"] = [{"manager": "kubectl-edit", "operation": "Update", "time": "2026-01-02"}]
    return replace(event, t=t, type="MODIFIED", object=inner)


def without_hook(deployment: dict[str, Any]) -> None:
    for container in deployment["spec"]["template"]["spec"]["containers"]:
        container.pop("lifecycle", None)


def test_the_recording_is_clean_as_it_is(run: Run) -> None:
    assert judge(run).verdict == "seamless"


@pytest.mark.parametrize("after_s", [0.3, 1.0, 7.0])
def test_a_template_that_somebody_changes_after_our_update_is_another_rollout(run: Run, after_s: float) -> None:
    t = run.info.rollouts[0].update + after_s
    ours = seen(run, "Deployment", t)
    result = judge(with_events(run, changed(ours, t, without_hook)))
    assert (result.verdict, result.reason) == ("inconclusive", "foreign-change")
    assert "the pod template of deployment/web was changed by kubectl-edit" in result.sentence


def test_an_update_that_did_not_bring_what_was_asked_for_is_somebody_elses(run: Run) -> None:
    def other_image(deployment: dict[str, Any]) -> None:
        deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:elsewhere"

    update = run.info.rollouts[0].update
    stolen = [
        changed(event, event.t, other_image) if event.kind == "Deployment" and update < event.t < update + 5 else event
        for event in run.timeline
    ]
    assert judge(replace(run, timeline=tuple(stolen))).reason == "foreign-change"


def test_pods_that_lack_what_was_written_are_not_the_application_under_test(run: Run) -> None:
    def stripped(event: Observation) -> Observation:
        inner = deepcopy(event.object)
        for container in inner["spec"]["containers"]:
            container.pop("lifecycle", None)
        return replace(event, object=inner)

    timeline = tuple(stripped(event) if event.kind == "Pod" else event for event in run.timeline)
    result = judge(replace(run, timeline=timeline))
    assert (result.verdict, result.reason) == ("inconclusive", "foreign-change")
    assert "lifecycle" in result.sentence


GONE = """
    period 1
    update 8.0 complete 9.0 settled 15
    pod old-1 deleted 8.5 prestop 5 ended 14.0 gone 14.5
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..10 every 0.02 by old-2
    ok new 13..30 every 0.02 by new-1
    connect-refused new 10..13 every 0.02
"""


def service(t: float, kind: str, **spec: Any) -> Observation:
    return Observation(t=t, kind="Service", type=kind, object=SERVICE | {"spec": SERVICE["spec"] | spec})


PORTS = {target: [{"port": 80, "protocol": "TCP", "targetPort": target}] for target in (8080, 9090)}


def test_a_target_port_that_was_changed_is_named() -> None:
    told = history(GONE, manifests=manifests())
    first, then = service(0.1, "ADDED", ports=PORTS[8080]), service(10, "MODIFIED", ports=PORTS[9090])
    result = judge(with_events(told, first, then))
    assert result.sentence.startswith(
        "Service web was changed by somebody else (port 80 leads to 9090, not 8080), 10.0 s into the run"
    )


def slice_of(t: float, kind: str, manager: str) -> Observation:
    labels = {"kubernetes.io/service-name": "web", "endpointslice.kubernetes.io/managed-by": manager}
    return Observation(t=t, kind="EndpointSlice", type=kind, object={"metadata": {"name": "odd", "labels": labels}})


def manifests() -> tuple[dict[str, Any], ...]:
    return ({"kind": "Service", "metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}}},)


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([service(10, "DELETED"), service(13, "ADDED")], "Service web was deleted"),
        (
            [service(10, "MODIFIED", selector={"app": "x"}), service(13, "MODIFIED")],
            "Service web was changed by somebody else (selector), ",
        ),
        ([slice_of(10, "ADDED", "someone.example"), slice_of(13, "DELETED", "someone.example")], "someone.example"),
    ],
)
def test_what_goes_astray_meanwhile_is_named_so_and_the_run_is_not_clean(events: list[Observation], words: str) -> None:
    told = history(GONE, manifests=manifests())
    whole = with_events(told, service(0.1, "ADDED"), *events)
    result = judge(whole)
    assert set(result.causes) == {"foreign-change"}
    assert (result.verdict, result.reason) == ("inconclusive", "foreign-change")
    assert words in result.sentence


def test_what_the_controllers_do_to_service_and_slices_is_nobody_elses() -> None:
    text = GONE.replace("connect-refused new 10..13 every 0.02", "ok new 10..13 every 0.02 by new-1")
    told = history(text, manifests=manifests())
    own = slice_of(9, "ADDED", "endpointslice-controller.k8s.io")
    result = judge(with_events(told, service(0.1, "ADDED"), service(9, "MODIFIED"), own))
    assert result.reason != "foreign-change"


def test_another_service_that_stands_beside_is_no_change_of_the_first() -> None:
    told = history(GONE, manifests=(*manifests(), {"kind": "Service", "metadata": {"name": "admin"}}))
    other = replace(service(0.2, "ADDED"), object={"metadata": {"name": "admin"}, "spec": {"clusterIP": "10.96.0.8"}})
    assert judge(with_events(told, service(0.1, "ADDED"), other)).reason != "foreign-change"


def by_command(run: Run, *, earlier_s: float, ended_s: float) -> Run:
    """The run as a deploy command would have made it: begun earlier than the template changed, and ended later."""

    def moved(event: Observation) -> Observation:
        if event.kind != "Mark" or event.type != "update":
            return event
        details = {"disruption": "command", "deploy": "helm upgrade"}
        return replace(event, t=event.t - earlier_s, object=details)

    marks = [replace(rollout, update=rollout.update - earlier_s) for rollout in run.info.rollouts]
    ends = [
        Observation(t=rollout.update + ended_s, kind="Mark", type="disruption", object={"rollout": n, "exit_code": 0})
        for n, rollout in enumerate(run.info.rollouts)
    ]
    info = replace(run.info, rollouts=tuple(marks), disruption="command")
    moved_ = replace(run, info=info, timeline=tuple(map(moved, run.timeline)))
    return with_events(moved_, *ends)


def test_a_deploy_command_may_take_its_time_before_it_rolls_and_its_version_is_its_own(run: Run) -> None:
    ours = by_command(run, earlier_s=5.5, ended_s=8.0)
    assert judge(ours).verdict == "seamless"
    since = run.info.rollouts[0].update + 0.5
    other = (
        changed(event, event.t, without_hook) if event.kind == "Deployment" and event.t >= since else event
        for event in ours.timeline
    )
    assert judge(replace(ours, timeline=tuple(other))).verdict == "seamless"


def test_one_that_only_told_others_to_roll_has_ended_before_they_do(run: Run) -> None:
    assert judge(by_command(run, earlier_s=5.5, ended_s=-4.0)).verdict == "seamless"


@pytest.mark.parametrize("ended_s", [2.0, -4.0])
def test_who_deploys_after_the_command_is_somebody_else(run: Run, ended_s: float) -> None:
    ours, t = by_command(run, earlier_s=5.5, ended_s=ended_s), run.info.rollouts[0].update + 7.0
    result = judge(with_events(ours, changed(seen(run, "Deployment", t), t, without_hook)))
    assert (result.verdict, result.reason) == ("inconclusive", "foreign-change")
    assert "by kubectl-edit" in result.sentence


SWITCHED = """
    period 1
    update 8.0 complete 14.0 settled 15
    pod old-1 deleted 11.0 ended 11.6 gone 12
    pod new-1 revision r2 created 8.1 ready 10.9
    ok kept 0..9 every 0.02 by old-1
    ok new 0..9 every 0.02 by old-1
    ok new 12.5..30 every 0.02 by new-1
    connect-refused new 9.5..10.5 every 0.02
"""


def deploy(told: Run, *, ended: float) -> Run:
    details = {"rollout": 0, "disruption": "command"}
    ends = Observation(t=ended, kind="Mark", type="disruption", object=details | {"exit_code": 0})
    begins = Observation(t=told.info.rollouts[0].update, kind="Mark", type="update", object=details)
    return with_events(told, begins, ends)


def test_what_a_deploy_command_changes_of_the_service_while_it_runs_is_charged_to_its_rollout() -> None:
    told = history(SWITCHED, manifests=manifests(), disruption="command")
    switched = with_events(told, service(0.1, "ADDED", ports=PORTS[8080]), service(9.4, "MODIFIED", ports=PORTS[9090]))
    result = judge(deploy(switched, ended=14))
    assert (result.verdict, set(result.causes)) == ("dropping", {"rerouted"})
    assert "after the deploy command, or somebody else while it ran" in result.failures[0].evidence
    assert judge(deploy(switched, ended=8.2)).causes == {"foreign-change": result.failed}


def test_once_only_new_pods_are_listed_the_service_misleads_no_more() -> None:
    lost = "connect-refused new 20..21 every 0.1"
    told = history(SWITCHED.replace("connect-refused new 9.5..10.5 every 0.02", lost), manifests=manifests())
    switched = with_events(told, service(0.1, "ADDED", ports=PORTS[8080]), service(9.4, "MODIFIED", ports=PORTS[9090]))
    assert "rerouted" not in judge(deploy(switched, ended=14)).causes


def test_a_service_that_a_deploy_command_changed_and_somebody_else_after_it_is_somebody_elses() -> None:
    told = history(SWITCHED, manifests=manifests(), disruption="command")
    changes = [service(t, "MODIFIED", ports=PORTS[port]) for t, port in ((8.1, 9090), (17.0, 8080))]
    result = judge(deploy(with_events(told, service(0.1, "ADDED", ports=PORTS[8080]), *changes), ended=9.0))
    assert any("port 80 leads to 8080, not 9090" in doubt for doubt in result.doubts)


def test_where_others_are_watched_their_versions_are_no_foreign_change(run: Run) -> None:
    since = run.info.rollouts[0].update + 0.5
    other = tuple(
        changed(event, event.t, without_hook) if event.kind == "Deployment" and event.t >= since else event
        for event in run.timeline
    )
    ours = replace(run, timeline=other)
    assert judge(ours).reason == "foreign-change"
    assert judge(replace(ours, info=replace(run.info, disruption="watch"))).verdict == "seamless"
