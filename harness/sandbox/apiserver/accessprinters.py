"""An object of those around pods -> the cells of its row in `kubectl get`, one function a kind.

Source: kubernetes `pkg/printers/internalversion/printers.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.sandbox.apiserver.printers import Clock
    from harness.sandbox.apiserver.store import Object

Row = tuple[Any, ...]
_MOST_ADDRESSES = 3


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def _age(obj: Object, clock: Clock) -> str:
    return clock.age(obj["metadata"].get("creationTimestamp"))


def endpoints(obj: Object, clock: Clock) -> Row:
    """Ready addresses with their ports, three of them."""
    listed = [
        f"{address['ip']}:{port['port']}" if port else str(address["ip"])
        for subset in obj.get("subsets") or ()
        for port in subset.get("ports") or (None,)
        for address in subset.get("addresses") or ()
    ]
    more = f" + {len(listed) - _MOST_ADDRESSES} more..." if len(listed) > _MOST_ADDRESSES else ""
    shown = ",".join(listed[:_MOST_ADDRESSES]) + more if obj.get("subsets") else "<none>"
    return _name(obj), shown, _age(obj, clock)


def role(obj: Object, clock: Clock) -> Row:
    """A Role or ClusterRole."""
    return _name(obj), obj["metadata"].get("creationTimestamp", "")


def binding(obj: Object, clock: Clock) -> Row:
    """A RoleBinding or ClusterRoleBinding."""
    reference, subjects = obj.get("roleRef") or {}, obj.get("subjects") or ()
    by_kind: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for subject in subjects:
        name = str(subject.get("name", ""))
        account = subject.get("kind") == "ServiceAccount"
        by_kind.setdefault(str(subject.get("kind")), []).append(
            f"{subject.get('namespace', '')}/{name}" if account else name
        )
    wide = (", ".join(by_kind[kind]) for kind in ("User", "Group", "ServiceAccount"))
    return _name(obj), f"{reference.get('kind')}/{reference.get('name')}", _age(obj, clock), *wide


def priority_class(obj: Object, clock: Clock) -> Row:
    """A PriorityClass."""
    policy = obj.get("preemptionPolicy", "PreemptLowerPriority")
    return _name(obj), obj.get("value", 0), bool(obj.get("globalDefault")), _age(obj, clock), policy


def runtime_class(obj: Object, clock: Clock) -> Row:
    """A RuntimeClass."""
    return _name(obj), obj.get("handler", ""), _age(obj, clock)
