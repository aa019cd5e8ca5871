"""Little objects of the API, and a view that has been shown them."""

from __future__ import annotations

from typing import Any

from harness.disruptions.workload import Workload
from harness.kube.view import View
from harness.kube.watch import EventType, WatchEvent

WEB = Workload(kind="Deployment", name="web", namespace="shop")
DATABASE = Workload(kind="StatefulSet", name="db", namespace="shop")
TEMPLATE = {"spec": {"containers": [{"name": "nginx", "image": "nginx:1.28.0"}]}}


def deployment(*, seen: int = 2, updated: int = 3, total: int = 3, available: int = 3, wanted: int = 3) -> Any:
    """web in generation 2, of which the controller has seen `seen`."""
    status = {
        "observedGeneration": seen,
        "updatedReplicas": updated,
        "replicas": total,
        "availableReplicas": available,
    }
    return an_object("web", kind="Deployment", spec={"replicas": wanted, "template": TEMPLATE}, status=status)


def stateful_set(*, updated: int = 3, ready: int = 3, current: str = "new") -> Any:
    status = {
        "observedGeneration": 2,
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": 0,  # kubectl does not wait for the last pod's minReadySeconds
        "currentRevision": current,
        "updateRevision": "new",
    }
    spec: dict[str, Any] = {"replicas": 3}
    if current == "new":  # as the API fills it in; without it, the revision decides
        spec["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
    return an_object("db", kind="StatefulSet", spec=spec, status=status)


def pod(name: str, *, going: bool = False, owner: str = "uid-web-1", **status: Any) -> Any:
    found = an_object(name, kind="Pod", status=status)
    found["metadata"]["ownerReferences"] = [{"uid": owner, "controller": True}]
    if going:
        found["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return found


def an_object(name: str, **fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": f"uid-{name}"}, **fields}


def replica_set(name: str = "web-1", owner: str = "uid-web") -> Any:
    found = an_object(name, kind="ReplicaSet")
    found["metadata"]["ownerReferences"] = [{"uid": owner, "controller": True}]
    return found


def shown(*objects: Any) -> View:
    view = View()
    show(view, replica_set())
    for each in objects:
        show(view, each)
    return view


def show(view: View, each: Any) -> None:
    view.apply(each["kind"], WatchEvent(type=EventType.MODIFIED, object=each))


def serving(name: str, *, node: str = "node-1", born: int = 0, owner: str = "uid-web-1") -> Any:
    """A pod that is Ready, on that node, created so many seconds past the minute."""
    found = pod(name, owner=owner, conditions=[{"type": "Ready", "status": "True"}])
    found["metadata"]["creationTimestamp"] = f"2026-01-01T00:00:{born:02}Z"
    return found | {"spec": {"nodeName": node}}


def gone(view: View, each: Any) -> None:
    view.apply(each["kind"], WatchEvent(type=EventType.DELETED, object=each))


def event(about: Any, reason: str, message: str, *, count: int = 1, container: str = "", at: int = 0) -> Any:
    """An Event about an object of the view, `at` seconds past the minute."""
    involved = {"uid": about["metadata"]["uid"], "kind": about["kind"], "name": about["metadata"]["name"]}
    if container:
        involved["fieldPath"] = f"spec.containers{{{container}}}"
    found = an_object(f"{about['metadata']['name']}.{reason}.{at}", kind="Event", involvedObject=involved)
    return found | {
        "reason": reason,
        "message": message,
        "count": count,
        "lastTimestamp": f"2026-01-01T00:00:{at:02}Z",
    }
