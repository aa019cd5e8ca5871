"""The timeline's marks -> what we did to the application ourselves, besides changing its pod template."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness.model.disruption_table import row
from harness.model.observation import MarkType, Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One act of a disruption, marked before it was done: which pods (uids) it takes, or how many are to be left.

    `grace_s`: what the pods are given instead of their own grace period, where they are.
    """

    t: float
    disruption: str
    pods: frozenset[str] = frozenset()
    replicas: int | None = None
    grace_s: float | None = None


def deeds(timeline: Iterable[Observation]) -> tuple[Deed, ...]:
    """All acts on record, in the order in which they came."""
    marks = (seen for seen in timeline if seen.kind == "Mark" and seen.type == MarkType.DISRUPTION)
    return tuple(sorted((_deed(mark) for mark in marks), key=lambda deed: deed.t))


def _deed(mark: Observation) -> Deed:
    said, pods = mark.object, mark.object.get("pods")
    replicas, grace_s = said.get("replicas"), said.get("grace_s")
    return Deed(
        t=mark.t,
        disruption=str(said.get("disruption")),
        pods=frozenset(_uids(pods if isinstance(pods, list) else ())),
        replicas=replicas if isinstance(replicas, int) else None,
        grace_s=float(grace_s) if isinstance(grace_s, int | float) else None,
    )


def _uids(pods: Iterable[Any]) -> Iterable[str]:
    return (str(pod.get("uid")) for pod in pods if isinstance(pod, dict))


def commands(timeline: Iterable[Observation]) -> tuple[tuple[float, float], ...]:
    """From when to when each deploy command ran, of a timeline in order; the last without an end where it has none."""
    found: list[tuple[float, float]] = []
    for mark in (seen for seen in timeline if seen.kind == "Mark"):
        if mark.type == MarkType.UPDATE:
            found = [*(_over(one, mark.t) for one in found), *_begun(mark)]
        elif mark.type == MarkType.DISRUPTION and "exit_code" in mark.object:
            found = [_over(one, mark.t) for one in found]
    return tuple(found)


def _begun(update: Observation) -> Iterable[tuple[float, float]]:
    return ((update.t, math.inf),) if update.object.get("disruption") == "command" else ()


def _over(command: tuple[float, float], t: float) -> tuple[float, float]:
    """The same, ended at `t` at the latest."""
    return command[0], min(command[1], t)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An eviction that was not allowed at once: of which pod, for how long, and why in the API's words."""

    pod: str
    seconds: float
    why: str


def held_evictions(timeline: Iterable[Observation]) -> tuple[Held, ...]:
    """All evictions that a PodDisruptionBudget held up for a while, in the order in which they were allowed."""
    said = (seen.object for seen in timeline if seen.kind == "Mark" and seen.type == MarkType.DISRUPTION)
    return tuple(
        Held(pod=str(mark["held"]), seconds=float(mark.get("held_s") or 0.0), why=str(mark.get("held_by") or ""))
        for mark in said
        if "held" in mark
    )


def drained_nodes(timeline: Iterable[Observation]) -> dict[int, str]:
    """Per rollout that was the drain of a node: "node worker-1"."""
    said = (seen.object for seen in timeline if seen.kind == "Mark" and seen.type == MarkType.DISRUPTION)
    return {int(mark.get("rollout") or 0): f"node {mark['node']}" for mark in said if mark.get("node")}


def leaves_template(update: Observation) -> bool:
    """Whether a mark of MarkType.UPDATE begins a disruption that does not touch the pod template."""
    return not row(update.object.get("disruption")).rolls
