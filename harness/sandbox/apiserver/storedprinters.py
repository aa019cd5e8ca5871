"""Objects that are stored and that nobody acts on -> the cells of their rows in `kubectl get`.

Source: kubernetes `pkg/printers/internalversion/printers.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.selectors import label_text

if TYPE_CHECKING:
    from harness.sandbox.apiserver.printers import Clock
    from harness.sandbox.apiserver.store import Object

Row = tuple[Any, ...]
_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
_NONE, _UNSET = "<none>", "<unset>"


def network_policy(obj: Object, clock: Clock) -> Row:
    metadata = obj["metadata"]
    return (
        metadata["name"],
        label_text(obj["spec"].get("podSelector")) or _NONE,
        clock.age(metadata["creationTimestamp"]),
    )


def limit_range(obj: Object, clock: Clock) -> Row:
    return obj["metadata"]["name"], obj["metadata"]["creationTimestamp"]


def ingress_class(obj: Object, clock: Clock) -> Row:
    metadata, spec = obj["metadata"], obj.get("spec", {})
    parameters = spec.get("parameters") or {}
    group = f".{parameters['apiGroup']}" if parameters.get("apiGroup") else ""
    shown = f"{parameters['kind']}{group}/{parameters['name']}" if parameters else _NONE
    return metadata["name"], spec.get("controller", ""), shown, clock.age(metadata["creationTimestamp"])


def claim(obj: Object, clock: Clock) -> Row:
    """Capacity and modes only of one that is bound."""
    metadata, spec, status = obj["metadata"], obj.get("spec", {}), obj.get("status", {})
    word = "Terminating" if metadata.get("deletionTimestamp") else status.get("phase", "")
    volume = spec.get("volumeName", "")
    modes = ",".join(_MODES[mode] for mode in _MODES if mode in (status.get("accessModes") or ())) if volume else ""
    capacity = (status.get("capacity") or {}).get("storage", "") if volume else ""
    classes = spec.get("storageClassName", ""), spec.get("volumeAttributesClassName") or _UNSET
    age = clock.age(metadata["creationTimestamp"])
    return metadata["name"], word, volume, capacity, modes, *classes, age, spec.get("volumeMode") or _UNSET
