"""Which of a container's ends was the last."""

from __future__ import annotations

from typing import Any

from harness.analysis.observed.containers import containers
from harness.analysis.observed.lateness import ClusterClock
from harness.analysis.observed.pod_events import PodEvents
from harness.model.observation import Observation


def ended(at: str) -> dict[str, Any]:
    return {"terminated": {"exitCode": 137, "finishedAt": f"2026-01-01T00:00:{at}Z"}}


def status(state: dict[str, Any], last: dict[str, Any] | None = None, *, restarts: int) -> dict[str, Any]:
    container = {"state": state, "lastState": last or {}, "restartCount": restarts}
    ready = {"type": "Ready", "status": str("running" in state)}
    return {"phase": "Running", "conditions": [ready], "containerStatuses": [container]}


def test_of_a_container_that_ended_twice_the_second_end_is_the_last() -> None:
    (last,) = containers(status(ended("30"), ended("20"), restarts=1)).last_ends
    assert last["finishedAt"].endswith("30Z")


def test_of_one_that_runs_again_it_is_the_one_before() -> None:
    (last,) = containers(status({"running": {}}, ended("20"), restarts=1)).last_ends
    assert last["finishedAt"].endswith("20Z")


def test_a_pod_that_crashes_again_was_up_in_between() -> None:
    """Else its second crash would have begun with its first, and explain whatever failed while it served."""
    clock, started = ClusterClock(1_767_225_600.0), {"running": {}}
    seen = [
        (12.0, status(started, restarts=0)),
        (20.5, status(ended("20"), restarts=0)),
        (21.0, status(started, ended("20"), restarts=1)),
        (30.6, status(ended("30"), ended("20"), restarts=1)),
    ]
    events = [Observation(t=t, kind="Pod", type="MODIFIED", object={"status": each}) for t, each in seen]
    pod = PodEvents(first=events[0], latest=events[0].object)
    for event in events:
        pod.add(event, event.t, clock)
    (first, until), (second, _) = pod.all_crashes()
    assert until == 21.0
    assert first < 20.5
    assert second > 21.0
    assert second - first == 10.0


def test_a_pod_has_not_ended_while_its_native_sidecar_runs() -> None:
    """That gets its stop signal after the others, and may be what serves."""
    clock, deleted = ClusterClock(1_767_225_600.0), {"deletionTimestamp": "2026-01-01T00:00:50Z"}
    main = status(ended("22"), restarts=0)
    seen = [
        (20.1, {"initContainerStatuses": [{"state": {"running": {}}}]}),
        (26.3, {"initContainerStatuses": [{"state": ended("26")}]}),
    ]
    pod = PodEvents(first=Observation(t=1.0, kind="Pod", type="ADDED", object={}), latest={})
    for t, sidecar in seen:
        event = Observation(t=t, kind="Pod", type="MODIFIED", object={"metadata": deleted, "status": main | sidecar})
        pod.add(event, t, clock)
    assert (pod.shown_ended(), pod.finished) == (26.3, 26.0)
