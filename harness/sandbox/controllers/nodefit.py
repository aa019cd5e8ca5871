"""A pod and a node with what it has -> why the node does not take the pod, and the scheduler's words about all nodes.

The filters and their order are those of kube-scheduler's default profile (`pkg/scheduler/framework/plugins`): cordon,
taints, node selector and required node affinity, host ports, resources, spread over domains, affinity between pods. The
first that refuses speaks for its node.
Source of the words: `pkg/scheduler/framework/types.go` (FitError), `framework/preemption/preemption.go`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.sandbox.controllers.nodeinfo import requests, thousandths
from harness.sandbox.controllers.podaffinity import AFFINITY, apart
from harness.sandbox.controllers.pods import condition
from harness.sandbox.controllers.spreading import NO_DOMAIN, uneven
from harness.sandbox.controllers.surroundings import REQUIRED
from harness.sandbox.controllers.taints import untolerated

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.nodeinfo import NodeInfo
    from harness.sandbox.controllers.surroundings import Surroundings

_REPELLING = ("NoSchedule", "NoExecute")
_ANY = "0.0.0.0"
_UNSCHEDULABLE = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
_NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a node does not take a pod. `lasting`: it would not either if other pods left it."""

    reasons: tuple[str, ...]
    lasting: bool = True


def obstacle(pod: Object, node: Object, around: Surroundings) -> Obstacle | None:
    """What keeps the pod from the node; None where it fits."""
    info = around.infos[node["metadata"]["name"]]
    for test in (_cordon, _taints, _selection, _host_ports, _resources):
        if (found := test(pod, node, info)) is not None:
            return found
    if said := uneven(pod, node, around, selected) or apart(pod, node, around):
        return Obstacle((said,), lasting=said in (NO_DOMAIN, AFFINITY))
    return None


def unschedulable(pod: Object, obstacles: Sequence[Obstacle], *, waits: bool = False, preempts: bool = False) -> str:
    """What is said of a pod that none of the nodes takes, one obstacle a node.

    `preempts`: others leave a node for it now; `waits`: they do so already.

    >>> unschedulable({"spec": {}}, [Obstacle(("Too many pods",), lasting=False)])[:46]
    '0/1 nodes are available: 1 Too many pods. no n'
    """
    if not obstacles:
        return "no nodes available to schedule pods"
    nodes = f"0/{len(obstacles)} nodes are available:"
    told = _counted(reason for found in obstacles for reason in found.reasons)
    if preempts:
        return f"{nodes} {told}."
    if waits:
        preemption = "not eligible due to terminating pod on the nominated node."
    elif pod["spec"].get("preemptionPolicy") == "Never":
        preemption = "not eligible due to preemptionPolicy=Never."
    else:
        hopes = _counted(
            "Preemption is not helpful for scheduling"
            if found.lasting
            else "No preemption victims found for incoming pod"
            for found in obstacles
        )
        preemption = f"{nodes} {hopes}."
    return f"{nodes} {told}. no new claims to deallocate, preemption: {preemption}"


def _counted(reasons: Iterable[str]) -> str:
    return ", ".join(sorted(f"{count} {reason}" for reason, count in Counter(reasons).items()))


def _cordon(pod: Object, node: Object, _: NodeInfo) -> Obstacle | None:
    cordoned = node.get("spec", {}).get("unschedulable")
    if cordoned and untolerated(pod["spec"].get("tolerations") or (), [_UNSCHEDULABLE]):
        return Obstacle(("node(s) were unschedulable",))
    return None


def _taints(pod: Object, node: Object, _: NodeInfo) -> Obstacle | None:
    """Also the taint of a node that is not ready, which here nobody writes on it."""
    taints = [taint for taint in node.get("spec", {}).get("taints") or () if taint.get("effect") in _REPELLING]
    if (condition(node, "Ready") or {}).get("status") != "True":
        taints.append(_NOT_READY)
    if untolerated(pod["spec"].get("tolerations") or (), taints):
        return Obstacle(("node(s) had untolerated taint(s)",))
    return None


def _selection(pod: Object, node: Object, _: NodeInfo) -> Obstacle | None:
    return None if selected(pod, node) else Obstacle(("node(s) didn't match Pod's node affinity/selector",))


def selected(pod: Object, node: Object) -> bool:
    """Whether the node is one of those that the pod's node selector and required node affinity ask for."""
    labels = node["metadata"].get("labels") or {}
    wanted = (pod["spec"].get("nodeSelector") or {}).items()
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get(REQUIRED)
    return wanted <= labels.items() and (required is None or _any_term(required, node))


def _any_term(selector: Object, node: Object) -> bool:
    """A node selector's terms are alternatives; one that asks for nothing matches nothing."""
    labels, fields = node["metadata"].get("labels") or {}, {"metadata.name": node["metadata"]["name"]}
    for term in selector.get("nodeSelectorTerms") or ():
        tests = [(labels, one) for one in term.get("matchExpressions") or ()]
        tests += [(fields, one) for one in term.get("matchFields") or ()]
        if tests and all(_holds(having.get(one["key"]), one) for having, one in tests):
            return True
    return False


def _holds(value: str | None, expression: Object) -> bool:
    values = list(expression.get("values") or ())
    match expression["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case operator:
            return _compares(value, str(values[0]), operator)


def _compares(value: str | None, bound: str, operator: str) -> bool:
    try:
        return int(value or "") > int(bound) if operator == "Gt" else int(value or "") < int(bound)
    except ValueError:
        return False


def _host_ports(pod: Object, _: Object, info: NodeInfo) -> Obstacle | None:
    wanted = _ports(pod)
    if wanted and any(
        _conflict(one, other) for there in info.pods.values() for other in _ports(there) for one in wanted
    ):
        return Obstacle(("node(s) didn't have free ports for the requested pod ports",), lasting=False)
    return None


def _ports(pod: Object) -> list[tuple[str, str, int]]:
    """What a pod takes of its node's own ports: protocol, address, number."""
    containers = pod["spec"].get("containers") or ()
    ports = [port for container in containers for port in container.get("ports") or () if port.get("hostPort")]
    return [(port.get("protocol", "TCP"), port.get("hostIP") or _ANY, port["hostPort"]) for port in ports]


def _conflict(one: tuple[str, str, int], other: tuple[str, str, int]) -> bool:
    same = (one[0], one[2]) == (other[0], other[2])
    return same and (one[1] == other[1] or _ANY in (one[1], other[1]))


def _resources(pod: Object, node: Object, info: NodeInfo) -> Obstacle | None:
    """A node that says nothing of what it can take takes all."""
    offered = node.get("status", {}).get("allocatable")
    if offered is None:
        return None
    room = thousandths(offered)
    reasons, lasting = [], False
    if (len(info.pods) + 1) * 1000 > room["pods"]:
        reasons.append("Too many pods")
    for name, asked in requests(pod).items():
        if asked > room[name] - info.requested[name]:
            reasons.append(f"Insufficient {name}")
            lasting = lasting or asked > room[name]
    return Obstacle(tuple(reasons), lasting) if reasons else None
