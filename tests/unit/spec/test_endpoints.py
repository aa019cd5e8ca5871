"""Which endpoints a proxy sends traffic to."""

from __future__ import annotations

from typing import Any

import pytest

from harness.spec.endpoints import EndpointConditions, conditions, usable

READY: dict[str, Any] = {"ready": True, "serving": True, "terminating": False}
STARTING: dict[str, Any] = {"ready": False, "serving": False, "terminating": False}
DRAINING: dict[str, Any] = {"ready": False, "serving": True, "terminating": True}
ENDING: dict[str, Any] = {"ready": False, "serving": False, "terminating": True}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (None, (True, True, False)),
        ({}, (True, True, False)),
        ({"ready": None, "serving": None, "terminating": None}, (True, True, False)),
        ({"ready": False}, (False, False, False)),
        ({"ready": False, "terminating": True}, (False, False, True)),
        (DRAINING, (False, True, True)),
    ],
)
def test_what_is_not_said_has_a_meaning(said: Any, meant: tuple[bool, bool, bool]) -> None:
    ready, serving, terminating = meant
    assert conditions({"conditions": said}) == EndpointConditions(ready=ready, serving=serving, terminating=terminating)


@pytest.mark.parametrize(
    ("endpoints", "used"),
    [
        ({"a": READY, "b": STARTING, "c": DRAINING}, {"a"}),
        ({"b": STARTING, "c": DRAINING, "d": ENDING}, {"c"}),
        ({"b": STARTING, "d": ENDING}, set()),
        ({}, set()),
    ],
)
def test_those_that_drain_are_used_only_where_none_is_ready(endpoints: dict[str, Any], used: set[str]) -> None:
    assert usable((name, conditions({"conditions": said})) for name, said in endpoints.items()) == used
