"""A namespace that is being deleted -> what keeps it, in the words of its controller."""

from __future__ import annotations

from typing import Any


def deleted_since(namespace: dict[str, Any] | None) -> str:
    """When its deletion was asked for; empty where it was not, or there is no such namespace."""
    return str(((namespace or {}).get("metadata") or {}).get("deletionTimestamp") or "")


def kept_by(namespace: dict[str, Any]) -> str:
    """What its conditions say that is in the way, such as finalizers that nobody takes off; empty where they do not.

    Source: pkg/controller/namespace/deletion/status_condition_utils.go: each condition that is true is a hindrance.
    """
    conditions = (namespace.get("status") or {}).get("conditions") or ()
    said = (str(each.get("message") or each.get("reason")) for each in conditions if each.get("status") == "True")
    return "; ".join(said)
