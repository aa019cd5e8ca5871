"""What a PodDisruptionBudget's status says of its pods."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.apiserver.clock import rfc3339
from harness.sandbox.controllers.disruption import status_of

NOW_S = 1_800_000_000.0


def pods(text: str) -> list[dict[str, Any]]:
    """`a b? c-`: ready, not ready, ending."""
    found = []
    for word in text.split():
        metadata = {"name": word.rstrip("?-")} | ({"deletionTimestamp": "x"} if word.endswith("-") else {})
        ready = "False" if word.endswith("?") else "True"
        found.append({"metadata": metadata, "status": {"conditions": [{"type": "Ready", "status": ready}]}})
    return found


def budget(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "b", "generation": 2}, "spec": {}, "status": status}


@pytest.mark.parametrize(
    ("there", "expected", "desired", "healthy", "allowed"),
    [("a b c", 3, 2, 3, 1), ("a b c?", 3, 2, 2, 0), ("a b c-", 3, 2, 2, 0), ("a", 3, 2, 1, 0), ("", 0, 0, 0, 0)],
)
def test_as_many_may_go_as_are_healthy_beyond_what_must_be(
    there: str, expected: int, desired: int, healthy: int, allowed: int
) -> None:
    status = status_of(budget(), pods(there), expected, desired, NOW_S)
    assert (status["currentHealthy"], status["disruptionsAllowed"]) == (healthy, allowed)
    assert status["observedGeneration"] == 2
    (condition,) = status["conditions"]
    wanted = ("True", "SufficientPods") if allowed else ("False", "InsufficientPods")
    assert (condition["status"], condition["reason"]) == wanted


def test_an_eviction_that_was_allowed_counts_until_its_pod_ends_or_two_minutes_are_over() -> None:
    before = budget(disruptedPods={"a": rfc3339(NOW_S - 119), "b": rfc3339(NOW_S - 121), "c": rfc3339(NOW_S)})
    status = status_of(before, pods("a b c- d"), 4, 2, NOW_S)
    assert status["disruptedPods"] == {"a": rfc3339(NOW_S - 119)}
    assert status["currentHealthy"] == 2  # b and d: a is allowed to go, c goes


def test_a_condition_keeps_its_time_while_it_stays() -> None:
    first = status_of(budget(), pods("a b"), 2, 1, NOW_S)
    later = status_of(budget(**first), pods("a b"), 2, 1, NOW_S + 60)
    assert later == first
    changed = status_of(budget(**first), pods("a"), 2, 1, NOW_S + 60)
    assert changed["conditions"][0]["lastTransitionTime"] == rfc3339(NOW_S + 60)
