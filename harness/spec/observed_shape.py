"""An object of a recorded timeline -> where it is of another shape than the API sends, which a damaged record may be.

For the fields that the analysis reads; what else an object has may be anything.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from harness.inputs.shape import ANY, COUNT, FLAG, INTEGER, TEXT, Shape, fitting, map_of, misfits
from harness.spec.shape import POD, spec_shape
from harness.spec.workload import Object

_METADATA: Shape = {
    **dict.fromkeys(("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp"), TEXT),
    "labels": map_of(TEXT),
    "annotations": map_of(ANY),
    "generation": INTEGER,
    "deletionGracePeriodSeconds": COUNT,
    "ownerReferences": [{**dict.fromkeys(("kind", "name", "uid"), TEXT), "controller": FLAG}],
}
_CONDITIONS: Shape = [dict.fromkeys(("type!", "status!", "reason", "message", "lastTransitionTime"), TEXT)]
_STATE: Shape = {
    "running": {"startedAt": TEXT},
    "waiting": {"reason": TEXT, "message": TEXT},
    "terminated": {**dict.fromkeys(("reason", "message", "startedAt", "finishedAt"), TEXT), "exitCode": INTEGER},
}
_CONTAINER_STATUS: Shape = {
    "name": TEXT, "image": TEXT, "ready": FLAG, "started": FLAG, "restartCount": COUNT, "state": _STATE,
    "lastState": _STATE,
}  # fmt: skip
_INVOLVED = dict.fromkeys(("kind", "name", "namespace", "uid", "fieldPath"), TEXT)
_WORKLOAD_STATUS: Shape = {
    "conditions": _CONDITIONS,
    **dict.fromkeys(
        ("replicas", "readyReplicas", "updatedReplicas", "availableReplicas", "unavailableReplicas"), COUNT
    ),
    "observedGeneration": INTEGER,
    "currentRevision": TEXT,
    "updateRevision": TEXT,
}
_ANY_KIND: dict[str, Any] = {
    "metadata": _METADATA,
    "status": {"conditions": _CONDITIONS, "containerStatuses": [_CONTAINER_STATUS]},
}
_KINDS: dict[str, dict[str, Any]] = {
    "Pod": {
        "spec": POD,
        "status": {
            "phase": TEXT, "podIP": TEXT, "podIPs": [{"ip": TEXT}], "hostIP": TEXT, "conditions": _CONDITIONS,
            "containerStatuses": [_CONTAINER_STATUS], "initContainerStatuses": [_CONTAINER_STATUS],
        },
    },
    **{kind: {"spec": spec_shape(kind), "status": _WORKLOAD_STATUS}
       for kind in ("Deployment", "StatefulSet", "ReplicaSet")},
    "Service": {"spec": spec_shape("Service")},
    "EndpointSlice": {
        "addressType": TEXT,
        "endpoints": [
            {"addresses": [TEXT], "conditions": dict.fromkeys(("ready", "serving", "terminating"), FLAG),
             "targetRef": _INVOLVED, "nodeName": TEXT}
        ],
        "ports": [{"name": TEXT, "port": COUNT, "protocol": TEXT}],
    },
    "Event": {
        "involvedObject": _INVOLVED, "regarding": _INVOLVED, "reason": TEXT, "message": TEXT, "note": TEXT,
        "type": TEXT, "count": INTEGER, "series": map_of(ANY),
        **dict.fromkeys(("eventTime", "firstTimestamp", "lastTimestamp"), TEXT),
    },
}  # fmt: skip
_MARK: Shape = {"rollout": COUNT, "generation": INTEGER, "patch": map_of(ANY), "kind": TEXT}


def observed_fault(kind: str, shown: Object) -> str:
    """Where the object is not what the API sends, in words; empty where it may well be."""
    if _fits(kind)(shown):
        return ""
    return str(next(misfits(shown, _shape(kind))))


@lru_cache(64)
def _fits(kind: str) -> Callable[[Object], bool]:
    return fitting(_shape(kind))


@lru_cache(64)
def _shape(kind: str) -> Shape:
    return _MARK if kind == "Mark" else {**_ANY_KIND, **_KINDS.get(kind, {})}
