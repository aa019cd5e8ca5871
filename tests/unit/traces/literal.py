"""A mini-language for little histories: one line is one change, `SECONDS WHAT ...`, in the order of the store.

0.0 mark create                     0.5 slice a=ready b=starting c=terminating     (all that the slice holds)
0.0 deployment replicas=2 surge=1   0.5 event a Killing
0.1 deployment progressing=Reason   0.1 rs r1 size=2 available=1
0.1 pod a r1 grace=10 prestop=3     0.9 pod a deleting | ended | zero | gone
0.2 pod a scheduled | preparing | prepared | running | ready | unready | pulling | backoff
0.1 statefulset replicas=2 partition=1                          0.1 pod web-0 r1
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from harness.traces.trace import Trace, parse_trace

Object = dict[str, Any]

STRATEGY = {"surge": "maxSurge", "unavailable": "maxUnavailable", "partition": "partition"}
SPEC = {
    "replicas": "replicas",
    "minready": "minReadySeconds",
    "deadline": "progressDeadlineSeconds",
    "paused": "paused",
}
STATUS = ("updated", "available", "unavailable", "terminating", "count")
NOT_READY = {"status": "False", "reason": "ContainersNotReady"}
WAITING = {"waiting": {"reason": "ContainerCreating"}}


def trace(text: str, name: str = "literal") -> Trace:
    """The trace that the lines tell."""
    return parse_trace(name, [json.dumps(row).encode() for row in rows(text)])


def rows(text: str) -> list[Object]:
    """What a recorder would have written of it."""
    world = _World()
    for at, what, *words in (line.split() for line in text.strip().splitlines() if line.strip()):
        world.at = float(at)
        getattr(world, what)(*words)
    return world.rows


class _World:
    """The objects as they are, and the rows that told of them."""

    def __init__(self) -> None:
        self.rows: list[Object] = []
        self.objects: dict[str, Object] = {}
        self.at = 0.0

    def mark(self, type_: str) -> None:
        self.rows.append({"t": self.at, "kind": "Mark", "type": type_, "object": None})

    def deployment(self, *words: str) -> None:
        self._workload("Deployment", "strategy", words)

    def statefulset(self, *words: str) -> None:
        self._workload("StatefulSet", "updateStrategy", words)

    def rs(self, revision: str, *words: str) -> None:
        new = {"metadata": {"name": f"web-{revision}hash", "labels": {"pod-template-hash": f"{revision}hash"}}}
        obj = self._object("ReplicaSet", revision, new)
        for key, value in _pairs(words):
            if key == "size":
                _to(obj, "spec", "replicas", int(value))
            else:
                _to(obj, "status", f"{key}Replicas", int(value))
        self._tell(obj, gone="gone" in words)

    def pod(self, name: str, *words: str) -> None:
        key = f"pod-{name}"
        if key in self.objects and words and words[0] == "again":  # a StatefulSet's next one of that name
            del self.objects[key]
            words = words[1:]
        if key not in self.objects:
            self.objects[key] = _new_pod(name, len(self.rows), *words)
        else:
            POD[words[0]](self.objects[key])
        self._tell(self.objects[key], gone="gone" in words)

    def controllerrevision(self, revision: str) -> None:
        metadata = {"name": f"web-{revision}", "labels": {"controller.kubernetes.io/hash": revision}}
        self._tell(self._object("ControllerRevision", f"cr-{revision}", {"metadata": metadata}))

    def slice(self, *words: str) -> None:
        obj = self._object("EndpointSlice", "web-abcde", {"metadata": {"name": "web-abcde", "generateName": "web-"}})
        obj["endpoints"] = [self._endpoint(name, state) for name, state in _pairs(words)]
        self._tell(obj, gone="gone" in words)

    def event(self, name: str, reason: str) -> None:
        about = self.objects[f"pod-{name}" if f"pod-{name}" in self.objects else name]
        uid = f"event-{len(self.rows)}"
        involved = {"kind": about["kind"], "name": about["metadata"]["name"], "uid": about["metadata"]["uid"]}
        event = {"metadata": {"name": uid, "uid": uid}, "involvedObject": involved, "reason": reason}
        self._tell({"kind": "Event", "type": "Normal", "reportingComponent": "kubelet", **event})

    def _workload(self, kind: str, strategy: str, words: tuple[str, ...]) -> None:
        obj = self._object(kind, kind, {"metadata": {"name": "web"}})
        for key, value in _pairs(words):
            if key in STRATEGY:
                obj["spec"].setdefault(strategy, {}).setdefault("rollingUpdate", {})[STRATEGY[key]] = int(value)
            elif key == "start":
                obj["spec"]["ordinals"] = {"start": int(value)}
            elif key == "strategy":
                obj["spec"][strategy] = {"type": value}
            elif key in SPEC:
                obj["spec"][SPEC[key]] = value == "true" if key == "paused" else int(value)
            elif key in ("progressing", "available-condition"):
                kind_ = "Progressing" if key == "progressing" else "Available"
                _condition(obj, kind_, status="True", reason=value, lastUpdateTime=str(self.at))
            elif key in ("generation", "observed"):
                where, field = ("metadata", "generation") if key == "generation" else ("status", "observedGeneration")
                _to(obj, where, field, int(value))
            else:
                _to(obj, "status", "replicas" if key == "count" else f"{key}Replicas", int(value))
        self._tell(obj, gone="gone" in words)

    def _object(self, kind: str, key: str, new: Object) -> Object:
        return self.objects.setdefault(key, {"kind": kind, "spec": {}, **copy.deepcopy(new)})

    def _endpoint(self, name: str, state: str) -> Object:
        ready, serving, terminating = {
            "starting": (False, False, False),
            "ready": (True, True, False),
            "terminating": (False, True, True),
            "silent": (False, False, True),
            "both": (True, True, True),
        }[state]
        conditions = {"ready": ready, "serving": serving, "terminating": terminating}
        target = {"kind": "Pod", "uid": self.objects[f"pod-{name}"]["metadata"]["uid"]}
        return {"conditions": conditions, "targetRef": target}

    def _tell(self, obj: Object, *, gone: bool = False) -> None:
        metadata = obj["metadata"]
        metadata.setdefault("uid", metadata["name"])
        first = not any(
            row["kind"] == obj["kind"] and row["object"]["metadata"]["uid"] == metadata["uid"]
            for row in self.rows
            if row["object"]
        )
        metadata["resourceVersion"] = str(len(self.rows) + 1)
        type_ = "DELETED" if gone else "ADDED" if first else "MODIFIED"
        self.rows.append({"t": self.at, "kind": obj["kind"], "type": type_, "object": copy.deepcopy(obj)})


def _pairs(words: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(key, value) for key, is_, value in (word.partition("=") for word in words) if is_]


def _to(obj: Object, where: str, key: str, value: object) -> None:
    obj.setdefault(where, {})[key] = value


def _condition(obj: Object, kind: str, **fields: str) -> None:
    conditions = obj.setdefault("status", {}).setdefault("conditions", [])
    obj["status"]["conditions"] = [c for c in conditions if c["type"] != kind] + [{"type": kind, **fields}]


def _new_pod(name: str, number: int, revision: str, *words: str) -> Object:
    options = dict(_pairs(words))
    container: Object = {"name": "nginx", "readinessProbe": {"periodSeconds": int(options.get("period", 1))}}
    if "delay" in options:
        container["readinessProbe"]["initialDelaySeconds"] = int(options["delay"])
    if "prestop" in options:
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": int(options["prestop"])}}}
    spec = {"containers": [container], "terminationGracePeriodSeconds": int(options.get("grace", 30))}
    if name.startswith("web-"):
        metadata: Object = {
            "name": name,
            "generateName": "web-",
            "labels": {"controller-revision-hash": f"web-{revision}"},
        }
    else:
        metadata = {"name": f"web-{revision}hash-{name * 5}", "generateName": f"web-{revision}hash-"}
        metadata["labels"] = {"pod-template-hash": f"{revision}hash"}
    metadata["uid"] = f"{name}-{number}"
    return {"kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": "Pending"}}


def _state(pod: Object, state: Object, **more: bool) -> None:
    pod["status"]["containerStatuses"] = [{"name": "nginx", "ready": False, "state": state, **more}]


def _scheduled(pod: Object) -> None:
    pod["spec"]["nodeName"] = "node1"
    _condition(pod, "PodScheduled", status="True")


def _preparing(pod: Object) -> None:
    _condition(pod, "PodReadyToStartContainers", status="False")
    _condition(pod, "Ready", **NOT_READY)
    _state(pod, WAITING)


def _prepared(pod: Object) -> None:
    _preparing(pod)
    _condition(pod, "PodReadyToStartContainers", status="True")


def _running(pod: Object) -> None:
    pod["status"] |= {"phase": "Running", "podIP": "10.0.0.1"}
    _condition(pod, "PodReadyToStartContainers", status="True")
    _condition(pod, "Ready", **NOT_READY)
    _state(pod, {"running": {}}, started=True)


def _ready(pod: Object) -> None:
    _running(pod)
    _condition(pod, "Ready", status="True")
    _state(pod, {"running": {}}, started=True, ready=True)


def _waiting(reason: str) -> Callable[[Object], None]:
    return lambda pod: _state(pod, {"waiting": {"reason": reason}})


def _deleting(pod: Object) -> None:
    grace = pod["spec"]["terminationGracePeriodSeconds"]
    pod["metadata"] |= {"deletionTimestamp": "later", "deletionGracePeriodSeconds": grace}


def _ended(pod: Object) -> None:
    pod["status"]["phase"] = "Succeeded"
    _condition(pod, "Ready", status="False", reason="PodCompleted")
    _state(pod, {"terminated": {"reason": "Completed", "exitCode": 0}})


def _zero(pod: Object) -> None:
    pod["metadata"]["deletionGracePeriodSeconds"] = 0


def _nothing(_: Object) -> None:
    pass


POD: dict[str, Callable[[Object], None]] = {
    "scheduled": _scheduled,
    "preparing": _preparing,
    "prepared": _prepared,
    "running": _running,
    "ready": _ready,
    "unready": _running,
    "pulling": _waiting("ErrImagePull"),
    "backoff": _waiting("ImagePullBackOff"),
    "deleting": _deleting,
    "ended": _ended,
    "zero": _zero,
    "gone": _nothing,
}
