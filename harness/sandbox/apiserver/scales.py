"""An object that can be scaled -> its Scale, and a number of replicas put where its kind has it.

Source: kubernetes `pkg/registry/apps/*/storage`, apiextensions-apiserver `pkg/registry/customresource/etcd.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.selectors import label_text

if TYPE_CHECKING:
    from harness.sandbox.apiserver.resources import Resource

Object = dict[str, Any]


def scale_of(resource: Resource, obj: Object) -> Object:
    """The Scale of an object. Raises: StatusError (500) where a custom object has no number of replicas."""
    metadata = obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    wanted, present, selector = _built_in(obj) if resource.custom is None else _custom(resource, obj)
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in kept if key in metadata},
        "spec": {"replicas": wanted},
        "status": {"replicas": present, "selector": selector},
    }


def replicas_path(resource: Resource) -> list[str]:
    """The keys that lead to the number where the kind of the object has it."""
    paths = (resource.custom.scale if resource.custom is not None else None) or {"specReplicasPath": ".spec.replicas"}
    return _steps(paths["specReplicasPath"])


def set_replicas(resource: Resource, obj: Object, replicas: int) -> None:
    """Writes the number where the kind of the object has it."""
    *parents, last = replicas_path(resource)
    for step in parents:
        obj = obj.setdefault(step, {})
    obj[last] = replicas


def _built_in(obj: Object) -> tuple[int, int, str]:
    spec = obj.get("spec", {})
    return spec.get("replicas", 0), obj.get("status", {}).get("replicas", 0), label_text(spec.get("selector"))


def _custom(resource: Resource, obj: Object) -> tuple[int, int, str]:
    paths = (resource.custom.scale if resource.custom is not None else None) or {}
    wanted, present = _at(obj, paths["specReplicasPath"]), _at(obj, paths["statusReplicasPath"])
    if wanted is None:
        why = f'the spec replicas field "{paths["specReplicasPath"]}" does not exist'
        raise api_errors.StatusError(500, "InternalError", f"Internal error occurred: {why}")
    selector = _at(obj, paths["labelSelectorPath"]) if paths.get("labelSelectorPath") else None
    return wanted, present or 0, selector or ""


def _at(obj: Object, path: str) -> Any:
    value: Any = obj
    for step in _steps(path):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _steps(path: str) -> list[str]:
    return path.removeprefix(".").split(".")
