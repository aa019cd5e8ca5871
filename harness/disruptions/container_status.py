"""The status of a pod's containers, as the API shows it -> the parts of it that tell how a container is doing."""

from __future__ import annotations

from typing import Any

from harness.disruptions.obstacle import LogPlace
from harness.spec.workload import is_sidecar

Pod = dict[str, Any]
Status = dict[str, Any]


def statuses(pod: Pod) -> list[Status]:
    """Of all containers of the pod that have one, init containers first."""
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def state(status: Status, *kinds: str) -> dict[str, Any]:
    """What is told of the first of these states that the container is in; empty where it is in none."""
    found = status.get("state") or {}
    return next((found[kind] for kind in kinds if found.get(kind) is not None), {})


def container_of(pod: Pod, name: str) -> dict[str, Any]:
    """The container of that name as the pod's spec has it; empty where it has none."""
    spec = pod.get("spec") or {}
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    return next((each for each in containers if each.get("name") == name), {})


def has_succeeded(pod: Pod, status: Status) -> bool:
    """Whether the container is an init container that is done: no native sidecar, which is to run on."""
    name, over = str(status.get("name")), state(status, "terminated")
    inits = [each for each in (pod.get("spec") or {}).get("initContainers") or () if each.get("name") == name]
    return over.get("exitCode") == 0 and any(not is_sidecar(each) for each in inits)


def is_running(status: Status) -> bool:
    """Whether the container's program runs."""
    return (status.get("state") or {}).get("running") is not None


def ended(status: Status) -> dict[str, Any]:
    """How the container's newest run that is over ended; empty where none is."""
    last: dict[str, Any] = (status.get("lastState") or {}).get("terminated") or {}
    return state(status, "terminated") or last


def ends(status: Status) -> int:
    """How often the container has ended: once more than it was started again, unless it runs."""
    restarts = int(status.get("restartCount") or 0)
    return restarts if is_running(status) or not ended(status) else restarts + 1


def log_of_end(pod: Pod, status: Status) -> LogPlace:
    """The log of the run that ended last. That of a container that waits is the previous one, as for `kubectl logs`."""
    over = ended(status)
    return LogPlace(
        pod=name(pod),
        container=str(status.get("name")),
        run=str(over.get("containerID") or over.get("finishedAt") or ""),
        previous=not state(status, "terminated"),
    )


def log_of_run(pod: Pod, status: Status) -> LogPlace:
    """The log of the run that is under way."""
    run = str(state(status, "running").get("startedAt") or "")
    return LogPlace(pod=name(pod), container=str(status.get("name")), run=run, previous=False)


def where(pod: Pod, status: Status) -> str:
    """A container by its name and its pod's."""
    return f"container {status.get('name', '?')} of {name(pod)}"


def name(pod: Pod) -> str:
    """The pod's name."""
    return str(pod["metadata"]["name"])


def uid(pod: Pod) -> str:
    """The pod's uid."""
    return str(pod["metadata"]["uid"])
