"""What controllers ask of pods: which goes first, which is available."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.apiserver.clock import rfc3339
from harness.sandbox.controllers.pods import available_in_s, in_deletion_order

NOW_S = 1_800_000_000.0


def pod(
    name: str, *, node: str = "n1", phase: str = "Running", ready_for_s: float | None = 60.0, **more: Any
) -> dict[str, Any]:
    conditions = []
    if ready_for_s is not None:
        conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": rfc3339(NOW_S - ready_for_s)}]
    annotations = {"controller.kubernetes.io/pod-deletion-cost": str(more["cost"])} if "cost" in more else {}
    created = rfc3339(NOW_S - more.get("age_s", 100.0))
    return {
        "metadata": {"name": name, "uid": name, "creationTimestamp": created, "annotations": annotations},
        "spec": {"nodeName": node},
        "status": {
            "phase": phase,
            "conditions": conditions,
            "containerStatuses": [{"restartCount": more.get("restarts", 0)}],
        },
    }


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (pod("a", node=""), pod("b", phase="Pending", ready_for_s=None)),
        (pod("a", phase="Pending", ready_for_s=None), pod("b", phase="Unknown")),
        (pod("a", ready_for_s=None), pod("b", cost=-5)),
        (pod("a", cost=-5), pod("b")),
        (pod("a", node="crowded"), pod("b", ready_for_s=1.0)),
        (pod("a", ready_for_s=1.0), pod("b", ready_for_s=5000.0, restarts=9)),
        (pod("a", restarts=2), pod("b", restarts=1)),
        (pod("a", age_s=1.0), pod("b", age_s=5000.0)),
    ],
)
def test_pods_are_given_up_in_the_documented_order(first: dict[str, Any], second: dict[str, Any]) -> None:
    ordered = in_deletion_order([second, first], {"crowded": 3, "n1": 1}, NOW_S)
    assert [item["metadata"]["name"] for item in ordered] == ["a", "b"]


def test_availability_counts_from_the_stamp_of_readiness() -> None:
    assert available_in_s(pod("a", ready_for_s=None), 0, NOW_S) is None
    assert available_in_s(pod("a", ready_for_s=0.0), 0, NOW_S) == 0.0
    assert available_in_s(pod("a", ready_for_s=2.0), 5, NOW_S) == 3.0
    assert available_in_s(pod("a", ready_for_s=7.0), 5, NOW_S) == -2.0
