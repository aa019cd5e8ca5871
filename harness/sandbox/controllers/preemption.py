"""A pod that no node takes, the nodes with what they have, and budgets -> the node to clear for it, and of which pods.

Pure. Source: kubernetes `pkg/scheduler/framework/preemption/preemption.go` and
`plugins/defaultpreemption/default_preemption.go`: of the pods of lower priority as few go as possible, the least
important ones, and of the nodes the one where it hurts least.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.sandbox.apiserver import selectors
from harness.sandbox.apiserver.clock import seconds
from harness.sandbox.controllers.nodefit import obstacle
from harness.sandbox.controllers.nodeinfo import NodeInfo
from harness.sandbox.controllers.pods import is_terminating

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.surroundings import Surroundings

_LOWEST = -(2**31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preemption:
    """The pods that are to leave a node, the most important first; `violations`: of how many a budget says no."""

    node: str
    victims: tuple[Object, ...]
    violations: int

    @property
    def harm(self) -> tuple[float, ...]:
        """By what the nodes are compared: less is better."""
        priorities = [priority(pod) for pod in self.victims]
        first = [pod for pod in self.victims if priority(pod) == max(priorities)]
        return (
            self.violations,
            max(priorities),
            sum(each - _LOWEST for each in priorities),
            len(self.victims),
            -min(_started(pod) for pod in first),
        )


def priority(pod: Object) -> int:
    """A pod's number."""
    return int(pod["spec"].get("priority") or 0)


def waits_for_room(pod: Object, infos: Mapping[str, NodeInfo]) -> bool:
    """Whether pods already leave the node that was cleared for this one: then it is not cleared once more."""
    info = infos.get((pod.get("status") or {}).get("nominatedNodeName") or "")
    return info is not None and any(is_terminating(one) for one in _lower(pod, info))


def preemption(pod: Object, names: Iterable[str], around: Surroundings, budgets: Iterable[Object]) -> Preemption | None:
    """The least harmful one on any of the nodes of these names; None where none would help."""
    known = list(budgets)
    found = (_on_node(pod, name, around, known) for name in names)
    return min((one for one in found if one is not None), key=lambda one: one.harm, default=None)


def _on_node(pod: Object, name: str, around: Surroundings, budgets: list[Object]) -> Preemption | None:
    node, info = around.nodes[name], around.infos[name]
    lower = sorted(_lower(pod, info), key=lambda one: (-priority(one), _started(one)))
    staying = NodeInfo.of(one for one in info.pods.values() if priority(one) >= priority(pod))
    around = around.with_info(name, staying)
    if not lower or obstacle(pod, node, around) is not None:
        return None
    protected = _protected(lower, budgets)
    victims: list[Object] = []
    for one in (*protected, *(one for one in lower if one not in protected)):
        staying.add(one)
        if obstacle(pod, node, around) is not None:
            staying.take(one)
            victims.append(one)
    victims.sort(key=lambda one: (-priority(one), _started(one)))
    violations = sum(1 for one in victims if one in protected)
    return Preemption(node=name, victims=tuple(victims), violations=violations)


def _protected(pods: list[Object], budgets: list[Object]) -> list[Object]:
    """Those whose going a budget would not allow, the more important ones counted first."""
    left = {
        budget["metadata"]["uid"]: int((budget.get("status") or {}).get("disruptionsAllowed", 0)) for budget in budgets
    }
    found = []
    for pod in pods:
        mine = [budget for budget in budgets if _covers(budget, pod)]
        for budget in mine:
            left[budget["metadata"]["uid"]] -= 1
        if any(left[budget["metadata"]["uid"]] < 0 for budget in mine):
            found.append(pod)
    return found


def _covers(budget: Object, pod: Object) -> bool:
    selector = (budget.get("spec") or {}).get("selector")
    if not selector or budget["metadata"]["namespace"] != pod["metadata"]["namespace"]:
        return False
    disrupted = (budget.get("status") or {}).get("disruptedPods") or {}
    labels = pod["metadata"].get("labels") or {}
    return pod["metadata"]["name"] not in disrupted and all(
        term.matches(labels) for term in selectors.of_object(selector)
    )


def _lower(pod: Object, info: NodeInfo) -> list[Object]:
    return [one for one in info.pods.values() if priority(one) < priority(pod)]


def _started(pod: Object) -> float:
    stamp = (pod.get("status") or {}).get("startTime")
    return seconds(stamp) if stamp else 0.0
