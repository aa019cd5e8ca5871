"""A Pod -> what controllers ask of it: active, ready, available, in which order to delete.

Source: kubernetes `pkg/api/v1/pod/util.go`, `pkg/controller/controller_utils.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.clock import seconds
from harness.sandbox.controllers.owners import reference_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.sandbox.apiclient import Object

_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}
_DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"


def condition(obj: Object, kind: str) -> Object | None:
    """The status condition of this type."""
    for item in obj.get("status", {}).get("conditions") or ():  # no generator: it is asked of every pod at every sync
        if item.get("type") == kind:
            found: Object = item
            return found
    return None


def is_terminating(pod: Object) -> bool:
    """Whether its deletion has been asked for."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def is_finished(pod: Object) -> bool:
    """Whether it ended by itself, well or badly."""
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def is_active(pod: Object) -> bool:
    """Whether it counts as a replica."""
    return not is_finished(pod) and not is_terminating(pod)


def is_ready(pod: Object) -> bool:
    """Whether its condition Ready is true."""
    ready = condition(pod, "Ready")
    return ready is not None and ready.get("status") == "True"


def available_in_s(pod: Object, min_ready_s: int, now_s: float) -> float | None:
    """Seconds until a pod that stays ready counts as available: 0 or less where it does, None where it is not ready."""
    ready = condition(pod, "Ready")
    if ready is None or ready.get("status") != "True":
        return None
    if not min_ready_s:
        return 0.0
    since = ready.get("lastTransitionTime")
    return seconds(since) + min_ready_s - now_s if since else None


def is_available(pod: Object, min_ready_s: int, now_s: float) -> bool:
    """Whether it has been ready for `min_ready_s` seconds."""
    rest_s = available_in_s(pod, min_ready_s, now_s)
    return rest_s is not None and rest_s <= 0


def from_template(template: Object, owner: Object) -> Object:
    """A new Pod for a controller: named by the server after its owner."""
    metadata: Object = {"generateName": f"{owner['metadata']['name']}-", "ownerReferences": [reference_to(owner)]}
    given = template.get("metadata") or {}
    for key in ("labels", "annotations", "finalizers"):
        if given.get(key):
            metadata[key] = given[key]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def in_deletion_order(pods: Iterable[Object], neighbours: Mapping[str, int], now_s: float) -> list[Object]:
    """Pods in the order in which a ReplicaSet gives them up; `neighbours` counts related pods by node.

    Unassigned first, then pending, unready, cheap to delete, crowded, ready for a shorter time, restarted more often,
    younger. Times are compared on a logarithmic scale and ties go by uid, so that old pods do not always survive.
    """

    def rank(pod: Object) -> tuple[Any, ...]:
        spec, status, metadata = pod["spec"], pod.get("status", {}), pod["metadata"]
        ready, ready_for = is_ready(pod), None
        if ready and (since := (condition(pod, "Ready") or {}).get("lastTransitionTime")):
            ready_for = now_s - seconds(since)
        statuses = (*status.get("containerStatuses", ()), *status.get("initContainerStatuses", ()))
        restarts = max((item.get("restartCount", 0) for item in statuses), default=0)
        return (
            1 if spec.get("nodeName") else 0,
            _PHASES.get(status.get("phase", ""), 1),
            1 if ready else 0,
            _cost(metadata),
            -neighbours.get(spec.get("nodeName", ""), 0),
            _log_rank(ready_for) if ready else 0,
            -restarts,
            _log_rank(now_s - seconds(metadata["creationTimestamp"])),
            metadata["uid"],
        )

    return sorted(pods, key=rank)


def _cost(metadata: Object) -> int:
    try:
        return int((metadata.get("annotations") or {}).get(_DELETION_COST, "0"))
    except ValueError:
        return 0


def _log_rank(span_s: float | None) -> int:
    """How many binary orders of magnitude of nanoseconds; longer is higher."""
    return int(max(span_s or 0.0, 0.0) * 1e9).bit_length()
