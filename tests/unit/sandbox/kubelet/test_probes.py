"""Thresholds of probes, and the waits between restarts."""

from __future__ import annotations

import doctest
from typing import Any

import pytest

from harness.sandbox import proxyrules
from harness.sandbox.kubelet import backoff, probes
from harness.sandbox.kubelet.backoff import LONGEST_S, BackOff
from harness.sandbox.kubelet.probes import Kind, before_first
from harness.sandbox.kubelet.probing import port_number


def results(kind: Kind, attempts: str, **probe: Any) -> str:
    """`+` and `-` for attempts in; what the probe says after each out: `+`, `-`, `?` for not known yet."""
    streak, seen = before_first(kind), ""
    for attempt in attempts:
        streak = streak.after(attempt == "+", probe)
        seen += {True: "+", False: "-", None: "?"}[streak.result]
    return seen


@pytest.mark.parametrize(
    ("kind", "attempts", "probe", "seen"),
    [
        (Kind.READINESS, "+", {}, "+"),
        (Kind.READINESS, "++", {"successThreshold": 2}, "-+"),
        (Kind.READINESS, "+---", {}, "+++-"),
        (Kind.READINESS, "+--+---", {}, "++++++-"),
        (Kind.READINESS, "-", {"failureThreshold": 3}, "-"),
        (Kind.LIVENESS, "---", {}, "++-"),
        (Kind.LIVENESS, "-", {"failureThreshold": 1}, "-"),
        (Kind.STARTUP, "--+", {"failureThreshold": 3}, "??+"),
        (Kind.STARTUP, "---", {"failureThreshold": 3}, "??-"),
    ],
)
def test_a_result_changes_when_its_threshold_is_reached(
    kind: Kind, attempts: str, probe: dict[str, int], seen: str
) -> None:
    assert results(kind, attempts, **probe) == seen


def test_ports_are_found_by_name_or_number() -> None:
    container = {"ports": [{"name": "http", "containerPort": 8080}]}
    assert port_number("http", container) == 8080
    assert port_number(80, container) == 80
    assert port_number("80", container) == 80
    with pytest.raises(ValueError, match="couldn't find port: admin"):
        port_number("admin", container)


def test_the_first_restart_is_immediate_and_the_waits_double_up_to_five_minutes() -> None:
    back, waits, now = BackOff(), [], 0.0
    for _ in range(8):
        waits.append(back.until(now) - now)
        now = back.until(now)
        back = back.next(now)
    assert waits == [0, 10, 20, 40, 80, 160, 300, 300]


def test_a_long_time_in_peace_is_forgiven() -> None:
    back = BackOff().next(0.0).next(20.0)
    assert back.next(20.0 + 2 * LONGEST_S + 1).wait_s == 10.0


@pytest.mark.parametrize("module", [backoff, probes, proxyrules])
def test_the_examples_in_the_documentation_hold(module: Any) -> None:
    assert doctest.testmod(module).failed == 0
