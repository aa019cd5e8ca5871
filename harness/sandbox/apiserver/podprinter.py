"""A Pod -> its row in `kubectl get pods`: how many containers are ready, one word of status, restarts.

The word is the phase or the reason that hides behind it, by the rules of kubernetes
`pkg/printers/internalversion/printers.go` (`printPod`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.sandbox.apiserver.printers import Clock
    from harness.sandbox.apiserver.store import Object


def pod_row(pod: Object, clock: Clock) -> tuple[Any, ...]:
    """Name, Ready, Status, Restarts, Age; IP, Node, Nominated Node, Readiness Gates."""
    spec, status = pod["spec"], pod.get("status", {})
    statuses = status.get("containerStatuses", ())
    ready = sum(1 for item in statuses if item.get("ready"))
    gates = [gate.get("conditionType") for gate in spec.get("readinessGates", ())]
    return (
        pod["metadata"]["name"],
        f"{ready}/{len(spec.get('containers', ()))}",
        _word(pod),
        _restarts(pod, clock),
        clock.age(pod["metadata"].get("creationTimestamp")),
        status.get("podIP") or "<none>",
        spec.get("nodeName") or "<none>",
        status.get("nominatedNodeName") or "<none>",
        f"{_passed(status, gates)}/{len(gates)}" if gates else "<none>",
    )


def _passed(status: Object, gates: list[Any]) -> int:
    true = {item["type"] for item in status.get("conditions", ()) if item.get("status") == "True"}
    return sum(1 for gate in gates if gate in true)


def _word(pod: Object) -> str:
    status, metadata = pod.get("status", {}), pod["metadata"]
    word = status.get("reason") or status.get("phase", "Unknown")
    conditions = {item["type"]: item for item in status.get("conditions", ())}
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("reason") == "SchedulingGated":
        word = "SchedulingGated"
    word = _initializing(pod) or _of_containers(status, conditions, word)
    if metadata.get("deletionTimestamp"):
        if status.get("reason") == "NodeLost":
            return "Unknown"
        if status.get("phase") not in ("Succeeded", "Failed"):
            return "Terminating"
    return str(word)


def _initializing(pod: Object) -> str:
    """`Init:1/2` or `Init:REASON` while init containers have not all ended well, else nothing."""
    inits, statuses = pod["spec"].get("initContainers", ()), pod.get("status", {}).get("initContainerStatuses", ())
    sidecars = {item["name"] for item in inits if item.get("restartPolicy") == "Always"}
    for n, item in enumerate(statuses):
        state = item.get("state", {})
        if (ended := state.get("terminated")) and ended.get("exitCode") == 0:
            continue
        if item.get("name") in sidecars and item.get("started"):
            continue
        if ended:
            return f"Init:{_ending(ended)}"
        waiting = state.get("waiting", {}).get("reason")
        if waiting and waiting != "PodInitializing":
            return f"Init:{waiting}"
        return f"Init:{n}/{len(inits)}"
    return ""


def _of_containers(status: Object, conditions: dict[str, Object], word: str) -> str:
    running = False
    for item in reversed(status.get("containerStatuses", ())):
        state = item.get("state", {})
        if reason := state.get("waiting", {}).get("reason"):
            word = reason
        elif ended := state.get("terminated"):
            word = _ending(ended)
        elif item.get("ready") and "running" in state:
            running = True
    if word == "Completed" and running:
        return "Running" if conditions.get("Ready", {}).get("status") == "True" else "NotReady"
    return word


def _ending(ended: Object) -> str:
    if ended.get("reason"):
        return str(ended["reason"])
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode')}"


def _restarts(pod: Object, clock: Clock) -> str:
    status = pod.get("status", {})
    statuses = status.get("initContainerStatuses", ()) if _initializing(pod) else status.get("containerStatuses", ())
    count = sum(item.get("restartCount", 0) for item in statuses)
    ends = [item.get("lastState", {}).get("terminated", {}).get("finishedAt") for item in statuses]
    last = max((end for end in ends if end), default=None)
    return f"{count} ({clock.age(last)} ago)" if count and last else str(count)
