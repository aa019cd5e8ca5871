"""Pods in view -> those whose readiness gates are closed, and the patch that opens them."""

from __future__ import annotations

from typing import Any

from harness.kube.view import View

Object = dict[str, Any]


def gated(view: View) -> tuple[Object, ...]:
    """The pods that wait for a readiness gate, in the order in which they were made."""
    waiting = [pod for pod in view.objects("Pod") if "deletionTimestamp" not in pod["metadata"] and closed_gates(pod)]
    return tuple(sorted(waiting, key=lambda pod: (pod["metadata"].get("creationTimestamp", ""), _version(pod))))


def closed_gates(pod: Object) -> tuple[str, ...]:
    """The condition types of its readiness gates that are not True."""
    known = {c["type"]: c["status"] for c in (pod.get("status") or {}).get("conditions") or ()}
    gates = (str(gate["conditionType"]) for gate in (pod.get("spec") or {}).get("readinessGates") or ())
    return tuple(gate for gate in gates if known.get(gate) != "True")


def opened(pod: Object, told: Object | None) -> Object:
    """The strategic merge patch of its status that opens its gates; of those the one that `told` names, if it does."""
    named = (told or {}).get("conditionType") or (told or {}).get("type")
    gates = [gate for gate in closed_gates(pod) if named in (None, gate)]
    return {"status": {"conditions": [{"type": gate, "status": "True"} for gate in gates]}}


def _version(pod: Object) -> int:
    version = str(pod["metadata"].get("resourceVersion", ""))
    return int(version) if version.isdigit() else 0
