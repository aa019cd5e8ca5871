"""Endpoints packed into slices with as little change as can be."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.controllers.endpoints import Port
from harness.sandbox.controllers.slicepacking import MOST_ENDPOINTS, planned

HTTP = (Port("http", "TCP", 80),)


def endpoint(uid: str) -> dict[str, Any]:
    return {"targetRef": {"uid": uid}}


def group(uids: str) -> dict[str, Any]:
    return {uid: endpoint(uid) for uid in uids}


def a_slice(name: str, uids: str, number: int = 80) -> dict[str, Any]:
    port = Port("http", "TCP", number).as_object()
    return {"metadata": {"name": name}, "ports": [port], "endpoints": [endpoint(uid) for uid in uids]}


def drawn(groups: dict[tuple[Port, ...], dict[str, Any]], *present: Any) -> list[str]:
    """Each plan as `NAME:UIDS`, `new` where it is to be made, `-NAME` where it is dropped."""
    lines = []
    for plan in planned(groups, present):
        name = plan.present["metadata"]["name"] if plan.present else "new"
        uids = "".join(item["targetRef"]["uid"] for item in plan.endpoints)
        lines.append(f"-{name}" if plan.drop else f"{name}:{uids}")
    return lines


@pytest.mark.parametrize(
    ("uids", "present", "plans"),
    [
        ("ab", [], ["new:ab"]),
        ("abc", [a_slice("s", "cb")], ["s:cba"]),
        ("b", [a_slice("s", "ab")], ["s:b"]),
        ("ab", [a_slice("s", "a"), a_slice("t", "b")], ["s:a", "t:b"]),
        ("ab", [a_slice("old", "ab", 8080)], ["old:ab"]),
        ("a", [a_slice("s", "a"), a_slice("empty", "x")], ["s:a", "-empty"]),
        ("", [], ["new:"]),
        ("", [a_slice("s", "a")], ["s:"]),
    ],
)
def test_endpoints_stay_where_they_are(uids: str, present: list[Any], plans: list[str]) -> None:
    assert drawn({HTTP: group(uids)}, *present) == plans


def test_a_full_slice_is_followed_by_another() -> None:
    uids = [f"{n}" for n in range(2 * MOST_ENDPOINTS + 1)]
    plans = planned({HTTP: {uid: endpoint(uid) for uid in uids}}, ())
    assert [len(plan.endpoints) for plan in plans] == [MOST_ENDPOINTS, MOST_ENDPOINTS, 1]
