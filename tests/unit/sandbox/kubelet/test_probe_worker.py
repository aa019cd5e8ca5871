"""What a probe says of a container, attempt by attempt."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.kubelet.probe_worker import ProbeType, before_first


def results(kind: ProbeType, attempts: str, **probe: Any) -> str:
    """`+` and `-` for attempts in; what the probe says after each out: `+`, `-`, `?` for not known yet."""
    streak, seen = before_first(kind), ""
    for attempt in attempts:
        streak = streak.after(attempt == "+", probe)
        seen += {True: "+", False: "-", None: "?"}[streak.result]
    return seen


@pytest.mark.parametrize(
    ("kind", "attempts", "probe", "seen"),
    [
        (ProbeType.READINESS, "+", {}, "+"),
        (ProbeType.READINESS, "++", {"successThreshold": 2}, "-+"),
        (ProbeType.READINESS, "+---", {}, "+++-"),
        (ProbeType.READINESS, "+--+---", {}, "++++++-"),
        (ProbeType.READINESS, "-", {"failureThreshold": 3}, "-"),
        (ProbeType.LIVENESS, "---", {}, "++-"),
        (ProbeType.LIVENESS, "-", {"failureThreshold": 1}, "-"),
        (ProbeType.STARTUP, "--+", {"failureThreshold": 3}, "??+"),
        (ProbeType.STARTUP, "---", {"failureThreshold": 3}, "??-"),
    ],
)
def test_a_result_changes_when_its_threshold_is_reached(
    kind: ProbeType, attempts: str, probe: dict[str, int], seen: str
) -> None:
    assert results(kind, attempts, **probe) == seen
