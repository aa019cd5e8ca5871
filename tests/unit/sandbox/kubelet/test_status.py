"""From the records of a pod to the status that the API shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness.sandbox.kubelet.records import PodRecord, Running, State, Terminated, Waiting
from harness.sandbox.kubelet.status import phase, pod_status

NOW = datetime(2026, 11, 23, 12, 3, 21, tzinfo=UTC)
RUNNING = Running(started_at=NOW)


def ended(code: int) -> Terminated:
    reason = "Completed" if code == 0 else "Error"
    return Terminated(exit_code=code, reason=reason, started_at=NOW, finished_at=NOW, container_id="containerd://1")


def record(*states: State, init: tuple[State, ...] = (), **spec: Any) -> PodRecord:
    containers = [{"name": f"c{n}", "image": "nginx:1.28.0"} for n in range(len(states) or 1)]
    inits = [{"name": f"i{n}", "image": "nginx"} for n in range(len(init))]
    metadata = {"name": "web-1", "namespace": "shop", "uid": "u", "generation": 1}
    made = PodRecord.of({"metadata": metadata, "spec": {"containers": containers, "initContainers": inits, **spec}})
    for container, state in zip((*made.containers, *made.init_containers), (*states, *init), strict=False):
        container.state = state
        container.started = container.ready = isinstance(state, Running)
    made.start_time = NOW
    return made


def conditions(made: PodRecord, before: dict[str, Any] | None = None, now: datetime = NOW) -> dict[str, dict[str, Any]]:
    return {c["type"]: c for c in pod_status(made, "10.201.0.1", now, before or {})["conditions"]}


@pytest.mark.parametrize(
    ("states", "policy", "over", "expected"),
    [
        ([Waiting(reason="ContainerCreating")], "Always", False, "Pending"),
        ([RUNNING], "Always", False, "Running"),
        ([RUNNING, Waiting(reason="ContainerCreating")], "Always", False, "Pending"),
        ([ended(1)], "Always", False, "Running"),
        ([ended(0)], "Always", True, "Succeeded"),
        ([ended(0), ended(137)], "Always", True, "Failed"),
        ([ended(0)], "Never", False, "Succeeded"),
        ([ended(1)], "Never", False, "Failed"),
        ([ended(1)], "OnFailure", False, "Running"),
        ([ended(0), RUNNING], "Never", False, "Running"),
    ],
)
def test_the_phase_follows_the_containers(states: list[State], policy: str, over: bool, expected: str) -> None:
    made = record(*states, restartPolicy=policy)
    made.ended = over
    assert phase(made) == expected


def test_a_pod_is_pending_while_it_initialises_and_failed_when_it_cannot() -> None:
    waiting = Waiting(reason="PodInitializing")
    assert phase(record(waiting, init=(RUNNING,))) == "Pending"
    assert phase(record(waiting, init=(ended(1),))) == "Pending"
    assert phase(record(waiting, init=(ended(1),), restartPolicy="Never")) == "Failed"


def test_a_container_that_waits_to_be_started_again_keeps_the_pod_running() -> None:
    made = record(Waiting(reason="CrashLoopBackOff"))
    made.containers[0].last_state = ended(1)
    assert phase(made) == "Running"


def test_an_unready_container_is_named() -> None:
    made = record(RUNNING, Waiting(reason="ContainerCreating"))
    found = conditions(made)["Ready"]
    assert (found["status"], found["reason"]) == ("False", "ContainersNotReady")
    assert found["message"] == "containers with unready status: [c1]"


def test_an_unfinished_init_container_is_named() -> None:
    found = conditions(record(Waiting(reason="PodInitializing"), init=(ended(0), RUNNING)))["Initialized"]
    assert (found["status"], found["reason"]) == ("False", "ContainersNotInitialized")
    assert found["message"] == "containers with incomplete status: [i1]"


def test_a_pod_that_was_stopped_well_is_completed_in_three_conditions() -> None:
    made = record(ended(0))
    made.ended = True
    found = conditions(made)
    assert {name: found[name]["reason"] for name in ("Initialized", "Ready", "ContainersReady")} == dict.fromkeys(
        ("Initialized", "Ready", "ContainersReady"), "PodCompleted"
    )
    assert found["PodReadyToStartContainers"]["status"] == "False"


def test_a_readiness_gate_holds_the_pod_back_until_its_condition_is_true() -> None:
    made = record(RUNNING, readinessGates=[{"conditionType": "lb/ready"}])
    found = conditions(made)
    assert found["Ready"]["status"] == "False"
    assert found["ContainersReady"]["status"] == "True"
    assert found["Ready"]["reason"] == "ReadinessGatesNotReady"
    assert found["Ready"]["message"] == 'corresponding condition of pod readiness gate "lb/ready" does not exist.'
    made.pod["status"] = {"conditions": [{"type": "lb/ready", "status": "False"}]}
    assert 'is not "True", but False' in conditions(made)["Ready"]["message"]
    made.pod["status"] = {"conditions": [{"type": "lb/ready", "status": "True"}]}
    assert conditions(made)["Ready"]["status"] == "True"


def test_a_condition_keeps_its_time_until_its_status_changes() -> None:
    made = record(Waiting(reason="ContainerCreating"))
    before = pod_status(made, "10.201.0.1", NOW, {})
    made.containers[0].state = RUNNING
    made.containers[0].ready = made.containers[0].started = True
    later = conditions(made, before, NOW + timedelta(seconds=9))
    assert later["Initialized"]["lastTransitionTime"] == "2026-11-23T12:03:21Z"
    assert later["Ready"]["lastTransitionTime"] == "2026-11-23T12:03:30Z"


def test_the_first_status_is_that_of_a_real_kubelet() -> None:
    status = pod_status(record(), "192.0.2.2", NOW, {"qosClass": "BestEffort", "phase": "Pending"})
    assert [c["type"] for c in status["conditions"]] == [
        "PodReadyToStartContainers",
        "Initialized",
        "Ready",
        "ContainersReady",
        "PodScheduled",
    ]
    assert status["containerStatuses"] == [
        {
            "name": "c0",
            "state": {"waiting": {"reason": "ContainerCreating"}},
            "lastState": {},
            "ready": False,
            "restartCount": 0,
            "image": "nginx:1.28.0",
            "imageID": "",
            "started": False,
        }
    ]
    assert "podIP" not in status
    assert status["startTime"] == "2026-11-23T12:03:21Z"


def test_a_container_that_runs_shows_its_full_image() -> None:
    made = record(RUNNING)
    made.containers[0].container_id = "containerd://1"
    made.ip = "10.244.1.2"
    status = pod_status(made, "10.201.0.1", NOW, {})
    assert status["containerStatuses"][0]["image"] == "docker.io/library/nginx:1.28.0"
    assert status["podIPs"] == [{"ip": "10.244.1.2"}]


def test_an_init_container_is_ready_when_it_has_done_its_work() -> None:
    status = pod_status(record(Waiting(reason="PodInitializing"), init=(ended(0), ended(1))), "10.0.0.1", NOW, {})
    assert [shown["ready"] for shown in status["initContainerStatuses"]] == [True, False]
