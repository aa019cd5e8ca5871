"""The next step of a StatefulSet, and its status.

A history is one word an ordinal: `-` no pod, `1` or `2` a healthy pod of that revision, with `?` not ready, with `x` on
its way out, with `!` finished.
"""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.controllers.statefulsetstatus import status
from harness.sandbox.controllers.statefulsetsteps import REVISION_LABEL, Situation, next_step, ordinal_of

COUNTS = ("replicas", "readyReplicas", "currentReplicas", "updatedReplicas")


def situation(words: str, replicas: int, *, policy: str = "OrderedReady", partition: int = 0) -> Situation:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}
    spec = {"replicas": replicas, "podManagementPolicy": policy, "updateStrategy": strategy}
    pods = (pod(n, word) for n, word in enumerate(words.split()) if word != "-")
    return Situation(
        stateful_set={"metadata": {"name": "db", "generation": 2}, "spec": spec},
        pods=tuple(pods),
        current={"metadata": {"name": "1"}},
        update={"metadata": {"name": "2"}},
        now_s=2_000_000_000.0,
    )


def pod(ordinal: int, word: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": f"db-{ordinal}", "labels": {REVISION_LABEL: word[0]}}
    if "x" in word:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    ready = {"type": "Ready", "status": "False" if set(word) & set("?!") else "True"}
    phase = "Failed" if "!" in word else "Running"
    conditions = [{**ready, "lastTransitionTime": "2026-01-01T00:00:00Z"}]
    return {"metadata": metadata, "status": {"phase": phase, "conditions": conditions}}


def drawn(at: Situation) -> str:
    step = next_step(at)
    created = [f"+{ordinal}" for ordinal in step.create]
    deleted = [f"-{ordinal_of(at.stateful_set, item)}" for item in step.delete]
    return " ".join([*created, *deleted, *(["outdated"] if step.outdated else [])])


@pytest.mark.parametrize(
    ("words", "replicas", "policy", "partition", "step"),
    [
        ("- -", 2, "OrderedReady", 0, "+0"),
        ("2? -", 2, "OrderedReady", 0, ""),
        ("2 -", 2, "OrderedReady", 0, "+1"),
        ("- 2 -", 3, "Parallel", 0, "+0 +2"),
        ("2! -", 2, "Parallel", 0, "-0"),
        ("2 2 2 2", 2, "OrderedReady", 0, "-3"),
        ("2 2 2 2x", 2, "OrderedReady", 0, ""),
        ("2 2 2 2", 2, "Parallel", 0, "-3 -2"),
        ("1 1 1", 3, "OrderedReady", 0, "-2 outdated"),
        ("1 1 2?", 3, "Parallel", 0, ""),
        ("1 1 2", 3, "OrderedReady", 2, ""),
        ("1 1 2", 3, "OrderedReady", 1, "-1 outdated"),
        ("2 2 2", 3, "OrderedReady", 0, ""),
    ],
)
def test_the_next_step_follows_the_documented_order(
    words: str, replicas: int, policy: str, partition: int, step: str
) -> None:
    assert drawn(situation(words, replicas, policy=policy, partition=partition)) == step


@pytest.mark.parametrize(
    ("words", "current", "counts"),
    [
        ("1 1 2", "1", {"replicas": 3, "readyReplicas": 3, "currentReplicas": 1, "updatedReplicas": 1}),
        ("2 2 2", "2", {"replicas": 3, "readyReplicas": 3, "currentReplicas": 3, "updatedReplicas": 3}),
        ("2 2 2?", "1", {"replicas": 3, "readyReplicas": 2, "updatedReplicas": 3}),
    ],
)
def test_the_update_revision_becomes_the_current_one_when_all_are_ready(
    words: str, current: str, counts: dict[str, int]
) -> None:
    at = situation(words, 3)
    written = status(at, next_step(at))
    assert written["currentRevision"] == current
    assert {key: value for key, value in written.items() if key in COUNTS} == counts
