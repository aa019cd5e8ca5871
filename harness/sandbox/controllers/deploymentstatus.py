"""A Deployment, its ReplicaSets and the clock -> the Deployment's next status, with its conditions.

Source: kubernetes `pkg/controller/deployment/progress.go`, `sync.go` (calculateStatus), `util/deployment_util.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiserver.clock import rfc3339, seconds
from harness.sandbox.controllers.pods import condition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.rolling import Bounds

AVAILABLE, PROGRESSING, FAILURE = "Available", "Progressing", "ReplicaFailure"
NEW_SET, FOUND_SET, UPDATED = "NewReplicaSetCreated", "FoundNewReplicaSet", "ReplicaSetUpdated"
COMPLETE, TIMED_OUT = "NewReplicaSetAvailable", "ProgressDeadlineExceeded"
PAUSED, RESUMED = "DeploymentPaused", "DeploymentResumed"
_NO_DEADLINE = 2**31 - 1


def has_deadline(deployment: Object) -> bool:
    """Whether progress is judged at all."""
    return deployment["spec"].get("progressDeadlineSeconds") not in (None, _NO_DEADLINE)


def new_condition(kind: str, status: str, reason: str, message: str, now_s: float) -> Object:
    """A condition that changed now."""
    stamp = rfc3339(now_s)
    order = {"type": kind, "status": status, "lastUpdateTime": stamp, "lastTransitionTime": stamp}
    return order | {"reason": reason, "message": message}


def with_condition(status: Object, new: Object) -> Object:
    """The status with `new` in place of the one of its type; one of the same status and reason stays as it is."""
    present = condition({"status": status}, new["type"])
    if present is not None and (present["status"], present["reason"]) == (new["status"], new["reason"]):
        return status
    if present is not None and present["status"] == new["status"]:
        new = {**new, "lastTransitionTime": present["lastTransitionTime"]}
    return {**status, "conditions": [*without(status, new["type"]).get("conditions", []), new]}


def without(status: Object, kind: str) -> Object:
    """The status without the condition of this type."""
    kept = [item for item in status.get("conditions", []) if item["type"] != kind]
    rest = {key: value for key, value in status.items() if key != "conditions"}
    return {**rest, "conditions": kept} if kept else rest


def counted(deployment: Object, at: Bounds, new: Object | None, sets: Sequence[Object], now_s: float) -> Object:
    """The status with the sets counted and the condition Available; zero counts are left out, as the API does."""

    def total(field: str) -> int:
        return sum(item.get("status", {}).get(field, 0) for item in sets)

    available = total("availableReplicas")
    counts = {
        "replicas": total("replicas"),
        "updatedReplicas": (new or {}).get("status", {}).get("replicas", 0),
        "readyReplicas": total("readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(sum(item["spec"]["replicas"] for item in sets) - available, 0),
    }
    old = deployment.get("status", {})
    status = {"observedGeneration": deployment["metadata"]["generation"]}
    status |= {key: value for key, value in counts.items() if value}
    status |= {"terminatingReplicas": total("terminatingReplicas")}
    status |= {key: old[key] for key in ("collisionCount", "conditions") if key in old}
    if available >= at.replicas - at.max_unavailable:
        text = "Deployment has minimum availability."
        return with_condition(status, new_condition(AVAILABLE, "True", "MinimumReplicasAvailable", text, now_s))
    text = "Deployment does not have minimum availability."
    return with_condition(status, new_condition(AVAILABLE, "False", "MinimumReplicasUnavailable", text, now_s))


def with_progress(
    deployment: Object, status: Object, new: Object | None, sets: Sequence[Object], now_s: float
) -> Object:
    """The status with Progressing and ReplicaFailure brought up to date."""
    present = condition({"status": status}, PROGRESSING)
    if not has_deadline(deployment):
        status = without(status, PROGRESSING)
    elif not (
        present is not None
        and present["reason"] == COMPLETE
        and status.get("replicas", 0) == status.get("updatedReplicas", 0)
    ):
        status = _judged(deployment, status, new, present, now_s)
    failures = [item for item in map(_failure, _newest_first(new, sets)) if item is not None]
    return with_condition(status, failures[0]) if failures else without(status, FAILURE)


def is_complete(deployment: Object, status: Object) -> bool:
    """Whether all pods are new and available, and this generation was seen."""
    wanted = deployment["spec"]["replicas"]
    fields = ("updatedReplicas", "replicas", "availableReplicas")
    counts = all(status.get(field, 0) == wanted for field in fields)
    return counts and status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]


def deadline_in_s(deployment: Object, status: Object, now_s: float) -> float | None:
    """Seconds until a rollout without progress has failed; None where nothing is awaited."""
    present = condition({"status": status}, PROGRESSING)
    if not has_deadline(deployment) or present is None:
        return None
    if is_complete(deployment, status) or present["reason"] in (TIMED_OUT, COMPLETE):
        return None
    return seconds(present["lastUpdateTime"]) + float(deployment["spec"]["progressDeadlineSeconds"]) - now_s


def _judged(deployment: Object, status: Object, new: Object | None, present: Object | None, now_s: float) -> Object:
    subject = f'ReplicaSet "{new["metadata"]["name"]}"' if new else f'Deployment "{deployment["metadata"]["name"]}"'
    if is_complete(deployment, status):
        text = f"{subject} has successfully progressed."
        return with_condition(status, new_condition(PROGRESSING, "True", COMPLETE, text, now_s))
    if _moved(deployment.get("status", {}), status):
        moved = new_condition(PROGRESSING, "True", UPDATED, f"{subject} is progressing.", now_s)
        if present is not None and present["status"] == "True":
            moved["lastTransitionTime"] = present["lastTransitionTime"]
        return with_condition(without(status, PROGRESSING), moved)
    if present is not None and _timed_out(deployment, present, now_s):
        text = f"{subject} has timed out progressing."
        return with_condition(status, new_condition(PROGRESSING, "False", TIMED_OUT, text, now_s))
    return status


def _moved(old: Object, new: Object) -> bool:
    def former(status: Object) -> int:
        return int(status.get("replicas", 0) - status.get("updatedReplicas", 0))

    rising = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return former(new) < former(old) or any(new.get(field, 0) > old.get(field, 0) for field in rising)


def _timed_out(deployment: Object, present: Object, now_s: float) -> bool:
    if present["reason"] in (COMPLETE, TIMED_OUT):
        return bool(present["reason"] == TIMED_OUT)
    deadline_s = seconds(present["lastUpdateTime"]) + deployment["spec"]["progressDeadlineSeconds"]
    return bool(deadline_s < now_s)


def _newest_first(new: Object | None, sets: Sequence[Object]) -> list[Object]:
    return ([new] if new is not None else []) + [item for item in sets if item is not new]


def _failure(replica_set: Object) -> Object | None:
    present = condition(replica_set, FAILURE)
    if present is None:
        return None
    stamps = dict.fromkeys(("lastUpdateTime", "lastTransitionTime"), present["lastTransitionTime"])
    return {**{key: present[key] for key in ("type", "status", "reason", "message")}, **stamps}
