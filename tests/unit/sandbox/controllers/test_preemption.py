"""Who leaves which node for a pod that finds no room.

A node is one word: a digit a pod, which is its priority and asks for one of four processors; `p` after it: a budget
allows no disruption of it; `x`: it is on its way out.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from harness.sandbox.controllers.nodeinfo import NodeInfo
from harness.sandbox.controllers.preemption import preemption, waits_for_room
from harness.sandbox.controllers.surroundings import Surroundings

Object = dict[str, Any]


def pod(name: str, priority: int, cpu: int = 1, *, marks: str = "", age: int = 0) -> Object:
    metadata: Object = {
        "name": name,
        "uid": name,
        "namespace": "shop",
        "labels": {"app": "db" if "p" in marks else "web"},
    }
    if "x" in marks:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    containers = [{"name": "c", "resources": {"requests": {"cpu": str(cpu)}}}]
    started = f"2026-01-01T00:00:{59 - age:02d}Z"
    return {
        "metadata": metadata,
        "spec": {"priority": priority, "containers": containers},
        "status": {"startTime": started},
    }


def cluster(words: str) -> tuple[dict[str, Object], dict[str, NodeInfo]]:
    nodes, infos = {}, {}
    for n, word in enumerate(words.split()):
        status = {"conditions": [{"type": "Ready", "status": "True"}], "allocatable": {"cpu": "4", "pods": "9"}}
        nodes[f"n{n}"] = {"metadata": {"name": f"n{n}", "labels": {}}, "spec": {}, "status": status}
        there = re.findall(r"(\d)(p?x?)", word)
        infos[f"n{n}"] = NodeInfo.of(
            pod(f"{n}{m}", int(each), marks=marks, age=m) for m, (each, marks) in enumerate(there)
        )
    return nodes, infos


BUDGET = {
    "metadata": {"uid": "b", "namespace": "shop"},
    "spec": {"selector": {"matchLabels": {"app": "db"}}},
    "status": {"disruptionsAllowed": 0},
}


@pytest.mark.parametrize(
    ("words", "cpu", "victims"),
    [
        ("1111", 1, "n0 00"),  # of equals the one that started last
        ("1234", 1, "n0 00"),  # the least important
        ("1234", 2, "n0 01 00"),
        ("1115", 4, None),  # one as important stays, and there is no room beside it
        ("5555", 1, None),
        ("4444 1111", 1, "n1 10"),  # where the victims matter least
        ("1111 1222", 1, "n0 00"),
        ("22 2211", 3, "n0 00"),  # fewer of them
        ("1p111", 1, "n0 01"),  # not whom a budget protects, as long as another will do
        ("1p1p1p1p 3333", 1, "n1 10"),  # rather more important ones than one who is protected
        ("1p1p1p1p", 1, "n0 00"),  # but if it must be, that too
    ],
)
def test_who_leaves(words: str, cpu: int, victims: str | None) -> None:
    nodes, infos = cluster(words)
    found = preemption(pod("new", 5, cpu), nodes, Surroundings(nodes, infos, {}), [BUDGET])
    drawn = None if found is None else " ".join([found.node, *(one["metadata"]["name"] for one in found.victims)])
    assert drawn == victims


def test_a_pod_whose_node_is_being_cleared_waits() -> None:
    _, infos = cluster("1x22")
    new = pod("new", 5)
    assert not waits_for_room(new, infos)
    new["status"]["nominatedNodeName"] = "n0"
    assert waits_for_room(new, infos)
    assert not waits_for_room(new, cluster("122")[1])
