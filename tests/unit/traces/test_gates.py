"""The mark `gate-true` opens the readiness gates of the pods that wait for them, and of those alone."""

from __future__ import annotations

from typing import Any

from harness.kube.view import View
from harness.kube.watch import EventType, WatchEvent
from harness.traces.gates import closed_gates, gated, opened


def pod(name: str, *gates: str, version: int = 1, going: bool = False, **conditions: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "uid": name, "resourceVersion": str(version)}
    if going:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {
        "metadata": metadata,
        "spec": {"readinessGates": [{"conditionType": gate} for gate in gates]},
        "status": {"conditions": [{"type": kind, "status": status} for kind, status in conditions.items()]},
    }


def view(*pods: dict[str, Any]) -> View:
    seen = View()
    for each in pods:
        seen.apply("Pod", WatchEvent(type=EventType.ADDED, object=each))
    return seen


def test_a_gate_is_closed_until_its_condition_is_true() -> None:
    assert closed_gates(pod("a", "lb")) == ("lb",)
    assert closed_gates(pod("a", "lb", lb="False")) == ("lb",)
    assert closed_gates(pod("a", "lb", lb="True")) == ()
    assert closed_gates({"metadata": {}}) == ()


def test_pods_that_wait_come_in_the_order_in_which_they_were_made() -> None:
    waiting = (pod("late", "lb", version=9), pod("early", "lb", version=3))
    others = (pod("open", "lb", lb="True"), pod("plain"), pod("goes", "lb", going=True))
    assert [each["metadata"]["name"] for each in gated(view(*waiting, *others))] == ["early", "late"]


def test_the_patch_opens_all_gates_or_the_one_that_is_named() -> None:
    both = pod("a", "lb", "mesh")
    assert opened(both, None)["status"]["conditions"] == [
        {"type": "lb", "status": "True"},
        {"type": "mesh", "status": "True"},
    ]
    assert opened(both, {"conditionType": "mesh"})["status"]["conditions"] == [{"type": "mesh", "status": "True"}]
