"""A pod with readiness gates -> of its managedFields those that say who set the conditions of its gates."""

from __future__ import annotations

from typing import Any


def keep_gate_writers(pod: dict[str, Any]) -> None:
    """Shortens them in place; of a pod that waits for no gate nothing is left.

    https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
    """
    metadata = pod.get("metadata") or {}
    entries = metadata.pop("managedFields", None) or ()
    gates = [str(gate.get("conditionType")) for gate in (pod.get("spec") or {}).get("readinessGates") or ()]
    if kept := [entry for entry in entries if any(_sets(entry, gate) for gate in gates)]:
        metadata["managedFields"] = kept


def _sets(entry: dict[str, Any], gate: str) -> bool:
    status = (entry.get("fieldsV1") or {}).get("f:status") or {}
    condition = (status.get("f:conditions") or {}).get(f'k:{{"type":"{gate}"}}') or {}
    return "f:status" in condition
