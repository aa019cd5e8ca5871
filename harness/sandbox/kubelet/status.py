"""A pod's record -> the `status` that the API shows: phase, conditions, container statuses.

The rules are those of Kubernetes' pkg/kubelet/status/generate.go and kubelet_pods.go (getPhase, convertToAPIContainer-
Statuses); the order of fields and conditions is that of recordings of 1.36.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.sandbox.image_names import full_name
from harness.sandbox.kubelet.records import ContainerRecord, Object, PodRecord, Running, State, Terminated, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterable


def api_time(moment: datetime) -> str:
    """A moment as the API writes it, in whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def phase(record: PodRecord) -> str:
    """The pod's phase."""
    if record.ended and record.reason:
        return "Failed"
    ends = [container.state for container in record.containers if isinstance(container.state, Terminated)]
    if len(ends) == len(record.containers) and (record.ended or record.restart_policy != "Always"):
        return _phase_of_ended(record, any(map(_failed, ends)))
    if not _initialized(record):
        given_up = record.restart_policy == "Never" and any(_failed(c.state) for c in record.init_containers)
        return "Failed" if given_up or record.ended else "Pending"
    never_ran = any(isinstance(c.state, Waiting) and c.last_state is None for c in record.containers)
    return "Pending" if never_ran else "Running"


def _phase_of_ended(record: PodRecord, failed: bool) -> str:
    """The phase once no container runs; those that failed are still to be started again under OnFailure."""
    if not failed:
        return "Succeeded"
    return "Running" if record.restart_policy == "OnFailure" and not record.ended else "Failed"


def pod_status(record: PodRecord, host_ip: str, now: datetime, before: Object) -> Object:
    """The whole status of the pod; the times of conditions that did not change are those of `before`."""
    status: Object = {
        "observedGeneration": record.generation,
        "phase": phase(record),
        "conditions": _conditions(record, before.get("conditions") or (), now),
        "hostIP": host_ip,
        "hostIPs": [{"ip": host_ip}],
        "startTime": api_time(record.start_time or now),
        "qosClass": before.get("qosClass") or "BestEffort",
        "containerStatuses": [_container_status(c) for c in record.containers],
    }
    if record.reason:
        status |= {"reason": record.reason, "message": record.message}
    if record.init_containers:
        shown = [(_container_status(container), container) for container in record.init_containers]
        status["initContainerStatuses"] = [{**text, "ready": c.ready or _init_done(c)} for text, c in shown]
    if record.ip:
        status |= {"podIP": record.ip, "podIPs": [{"ip": record.ip}]}
    return status


def _conditions(record: PodRecord, old: Iterable[Object], now: datetime) -> list[Object]:
    known = {condition["type"]: condition for condition in old}
    containers_ready, reason, message = _containers_ready(record)
    gates = _closed_gates(record)
    initialized, init_reason, init_message = _initialization(record)
    conditions = [
        _condition("PodReadyToStartContainers", record.network, "", ""),
        _condition("Initialized", initialized, init_reason, init_message),
        _condition("Ready", containers_ready and not gates, *_ready_reason(containers_ready, reason, message, gates)),
        _condition("ContainersReady", containers_ready, reason, message),
        _condition("PodScheduled", True, "", ""),
    ]
    for condition in conditions:
        before = known.get(condition["type"], {})
        same = before.get("status") == condition["status"]
        condition["lastTransitionTime"] = before["lastTransitionTime"] if same else api_time(now)
        condition["observedGeneration"] = record.generation
    return conditions


def _condition(kind: str, status: bool, reason: str, message: str) -> Object:
    condition: Object = {"type": kind, "status": "True" if status else "False"}
    if reason:
        condition["reason"] = reason
    if message:
        condition["message"] = message
    return condition


def _containers_ready(record: PodRecord) -> tuple[bool, str, str]:
    now = phase(record)
    if now in ("Succeeded", "Failed"):
        return False, "PodCompleted" if now == "Succeeded" else "PodFailed", ""
    watched = [*(c for c in record.init_containers if c.sidecar), *record.containers]
    unready = [container.name for container in watched if not container.ready]
    if unready:
        return False, "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"
    return True, "", ""


def _ready_reason(containers_ready: bool, reason: str, message: str, gates: list[str]) -> tuple[str, str]:
    if not containers_ready:
        return reason, message
    return ("ReadinessGatesNotReady", ", ".join(gates)) if gates else ("", "")


def _closed_gates(record: PodRecord) -> list[str]:
    now = {c["type"]: c["status"] for c in (record.pod.get("status") or {}).get("conditions") or ()}
    closed = []
    for gate in record.spec.get("readinessGates") or ():
        kind = gate["conditionType"]
        if kind not in now:
            closed.append(f'corresponding condition of pod readiness gate "{kind}" does not exist.')
        elif now[kind] != "True":
            closed.append(f'the status of pod readiness gate "{kind}" is not "True", but {now[kind]}')
    return closed


def _initialization(record: PodRecord) -> tuple[bool, str, str]:
    if phase(record) == "Succeeded":
        return True, "PodCompleted", ""
    waiting = [c.name for c in record.init_containers if not _init_done(c)]
    if waiting:
        return False, "ContainersNotInitialized", f"containers with incomplete status: [{' '.join(waiting)}]"
    return True, "", ""


def _initialized(record: PodRecord) -> bool:
    return all(_init_done(container) for container in record.init_containers)


def _init_done(container: ContainerRecord) -> bool:
    if container.sidecar:
        return container.started
    return isinstance(container.state, Terminated) and container.state.exit_code == 0


def _failed(state: State) -> bool:
    return isinstance(state, Terminated) and state.exit_code != 0


def _container_status(container: ContainerRecord) -> Object:
    image = container.spec["image"]
    status: Object = {
        "name": container.name,
        "state": _state(container.state),
        "lastState": _state(container.last_state) if container.last_state else {},
        "ready": container.ready,
        "restartCount": container.restarts,
        "image": full_name(image) if container.container_id else image,
        "imageID": container.image_id,
        "started": container.started,
    }
    if container.container_id:
        status["containerID"] = container.container_id
        status["resources"] = container.spec.get("resources") or {}
        status["user"] = {
            "linux": {"uid": container.user, "gid": container.group, "supplementalGroups": [container.group]}
        }
    mounts = [_mount(mount) for mount in container.spec.get("volumeMounts") or ()]
    if mounts:
        status["volumeMounts"] = mounts
    return status


def _mount(mount: Object) -> Object:
    seen = {"name": mount["name"], "mountPath": mount["mountPath"]}
    return {**seen, "readOnly": True, "recursiveReadOnly": "Disabled"} if mount.get("readOnly") else seen


def _state(state: State) -> Object:
    match state:
        case Waiting(reason=reason, message=message):
            return {"waiting": {"reason": reason, **({"message": message} if message else {})}}
        case Running(started_at=started_at):
            return {"running": {"startedAt": api_time(started_at)}}
        case Terminated():
            terminated: Object = {"exitCode": state.exit_code, "reason": state.reason}
            if state.message:
                terminated["message"] = state.message
            terminated["startedAt"] = api_time(state.started_at) if state.started_at else None
            terminated["finishedAt"] = api_time(state.finished_at) if state.finished_at else None
            if state.container_id:
                terminated["containerID"] = state.container_id
            return {"terminated": terminated}
