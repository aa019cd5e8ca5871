"""A DaemonSet, the nodes and its pods on them -> the one next step, and what its status counts. Pure.

Source: kubernetes `pkg/controller/daemon/daemon_controller.go` (podsShouldBeOnNode, updateDaemonSetStatus) and
`update.go` (rollingUpdate).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from harness.sandbox.apiserver.strategy import TEMPLATE_GENERATION
from harness.sandbox.controllers import pods as podwise
from harness.sandbox.controllers.daemonsetpods import (
    GENERATION_LABEL,
    REVISION_LABEL,
    belongs,
    target_node,
)
from harness.sandbox.controllers.rolling import resolved

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.sandbox.apiclient import Object


@dataclass(slots=True, kw_only=True)
class Step:
    """Nodes that are to get a pod, and pods that are to go; `ended`: those among them that ended by themselves."""

    create: list[str] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)
    ended: list[Object] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.create or self.delete)


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What a sync sees; `revision_hash` is that of the present template."""

    daemon_set: Object
    nodes: tuple[Object, ...]
    pods: tuple[Object, ...]
    revision_hash: str
    now_s: float

    @cached_property
    def by_node(self) -> dict[str, list[Object]]:
        """The pods by the node that they are meant for, bound ones first, then by age."""
        found: dict[str, list[Object]] = {}
        for pod in sorted(self.pods, key=_age):
            if (node := target_node(pod)) is not None:
                found.setdefault(node, []).append(pod)
        return found

    @cached_property
    def wanted(self) -> dict[str, tuple[bool, bool]]:
        """Of each node, whether a pod is to be made there, and whether one may stay."""
        return {node["metadata"]["name"]: belongs(self.daemon_set, node) for node in self.nodes}

    @cached_property
    def rates(self) -> tuple[int, int]:
        """How many pods a rolling update may surge, and how many may be unavailable."""
        strategy = self.daemon_set["spec"]["updateStrategy"].get("rollingUpdate") or {}
        desired = sum(1 for make, _ in self.wanted.values() if make)
        surge = resolved(strategy.get("maxSurge", 0), desired, up=True)
        unavailable = resolved(strategy.get("maxUnavailable", 1), desired, up=True)
        return surge, unavailable if surge or unavailable else 1

    @property
    def surges(self) -> bool:
        """Whether the update makes the new pod of a node before it takes the old one."""
        strategy = self.daemon_set["spec"]["updateStrategy"]
        return strategy["type"] == "RollingUpdate" and self.rates[0] > 0

    @property
    def min_ready_s(self) -> int:
        """How long a pod must be ready before it counts as available."""
        return int(self.daemon_set["spec"].get("minReadySeconds", 0))

    @property
    def available_in_s(self) -> float | None:
        """Seconds until the next ready pod becomes available; None where none is awaited."""
        rests_s = [podwise.available_in_s(pod, self.min_ready_s, self.now_s) for pod in self.pods]
        return min((rest_s for rest_s in rests_s if rest_s is not None and rest_s > 0), default=None)

    def available(self, pod: Object) -> bool:
        """Whether the pod has been ready long enough."""
        return podwise.is_available(pod, self.min_ready_s, self.now_s)

    def updated(self, pod: Object) -> bool:
        """Whether the pod is of the present template."""
        labels = pod["metadata"].get("labels") or {}
        generation = (self.daemon_set["metadata"].get("annotations") or {}).get(TEMPLATE_GENERATION)
        same = generation is not None and labels.get(GENERATION_LABEL) == generation
        return same or labels.get(REVISION_LABEL) == self.revision_hash


def next_step(situation: Situation) -> Step:
    """Pods where they are missing and away with those that should not be; where that is settled, the rolling update."""
    step = Step()
    for node, (make, stay) in situation.wanted.items():
        _settle(situation, node, make, stay, step)
    for node, pods in situation.by_node.items():
        if node not in situation.wanted:  # of pods that were never bound nobody else takes care
            step.delete += [pod for pod in pods if not pod["spec"].get("nodeName") and not podwise.is_terminating(pod)]
    if step or situation.daemon_set["spec"]["updateStrategy"]["type"] != "RollingUpdate":
        return step
    return _surge(situation) if situation.surges else _replace(situation)


def _settle(situation: Situation, node: str, make: bool, stay: bool, step: Step) -> None:
    pods = situation.by_node.get(node, [])
    if make and not pods:
        step.create.append(node)
        return
    there = [pod for pod in pods if not podwise.is_terminating(pod)]
    if not stay:
        step.delete += there
        return
    step.ended += [pod for pod in there if podwise.is_finished(pod)]
    step.delete += [pod for pod in there if podwise.is_finished(pod)]
    running = [pod for pod in there if not podwise.is_finished(pod)]
    if not situation.surges:
        step.delete += running[1:]
    elif not running and make:
        step.create.append(node)
    elif len(running) > 1:
        step.delete += _outlived(situation, running)


def _outlived(situation: Situation, running: list[Object]) -> list[Object]:
    """Of several pods on a node those that are not kept: two may be there while the new one is not available yet."""
    new = [pod for pod in running if situation.updated(pod)]
    old = [pod for pod in running if not situation.updated(pod)]
    superseded = new and old and (not podwise.is_ready(old[0]) or situation.available(new[0]))
    return [*new[1:], *(old if superseded else old[1:])]


def _replace(situation: Situation) -> Step:
    """Old pods that may go so that no more than maxUnavailable are unavailable; unavailable ones go at once."""
    _, most = situation.rates
    unavailable, replaced, candidates = 0, [], []
    for new, old, single in _pairs(situation):
        if not single or (new is None) == (old is None):
            unavailable += 1  # the node is not settled yet
        elif new is not None:
            unavailable += not situation.available(new)
        elif old is not None and not situation.available(old):
            replaced.append(old)
            unavailable += 1
        elif old is not None:
            candidates.append(old)
    return Step(delete=replaced + candidates[: max(most - unavailable, 0)])


def _surge(situation: Situation) -> Step:
    """Nodes that may get a second pod, and old pods whose successor is available or that are not any more."""
    most, _ = situation.rates
    surging, step = 0, Step()
    replaced: list[str] = []
    candidates: list[str] = []
    for node, (new, old, single) in zip(_nodes(situation), _pairs(situation), strict=True):
        if not single:
            surging += 1
        elif old is None:
            continue
        elif new is None:
            (candidates if situation.available(old) else replaced).append(node)
        elif not situation.available(old) or situation.available(new):
            step.delete.append(old)
        else:
            surging += 1
    step.create = [*replaced, *candidates[: max(most - surging, 0)]]
    return step


def _nodes(situation: Situation) -> list[str]:
    """Those with pods, and those that should have one."""
    missing = [node for node, (make, _) in situation.wanted.items() if make and node not in situation.by_node]
    return [*situation.by_node, *missing]


def _pairs(situation: Situation) -> Iterable[tuple[Object | None, Object | None, bool]]:
    """Of each node its new pod, its old one, and whether there is at most one of each."""
    for node in _nodes(situation):
        there = [pod for pod in situation.by_node.get(node, ()) if not podwise.is_terminating(pod)]
        new = [pod for pod in there if situation.updated(pod)]
        old = [pod for pod in there if not situation.updated(pod)]
        yield next(iter(new), None), next(iter(old), None), len(new) <= 1 and len(old) <= 1


def status(situation: Situation, *, observed: bool) -> Object:
    """The next status; `observed`: whether the sync acted on this generation. Of a node its oldest pod counts."""
    counts = dict.fromkeys(("desiredNumberScheduled", "currentNumberScheduled", "numberMisscheduled", "numberReady"), 0)
    counts |= {"updatedNumberScheduled": 0, "numberAvailable": 0}
    for node, (make, _) in situation.wanted.items():
        pods = situation.by_node.get(node)
        counts["desiredNumberScheduled"] += make
        counts["numberMisscheduled"] += bool(pods) and not make
        if make and pods:
            counts["currentNumberScheduled"] += 1
            counts["numberReady"] += podwise.is_ready(pods[0])
            counts["numberAvailable"] += situation.available(pods[0])
            counts["updatedNumberScheduled"] += situation.updated(pods[0])
    counts["numberUnavailable"] = counts["desiredNumberScheduled"] - counts["numberAvailable"]
    always = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")
    found: Object = {key: count for key, count in counts.items() if count or key in always}
    old = situation.daemon_set.get("status", {})
    generation = situation.daemon_set["metadata"]["generation"] if observed else old.get("observedGeneration")
    if generation:
        found["observedGeneration"] = generation
    return found | {key: old[key] for key in ("conditions", "collisionCount") if old.get(key)}


def _age(pod: Object) -> tuple[bool, str, str]:
    return not pod["spec"].get("nodeName"), pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]
