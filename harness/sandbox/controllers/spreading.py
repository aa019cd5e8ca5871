"""A pod, a node and the pods around -> why a required spread over domains keeps the pod from the node.

Source: kubernetes `pkg/scheduler/framework/plugins/podtopologyspread` (filtering.go, common.go). A pod that is leaving
does not count. Constraints that are wishes (`ScheduleAnyway`) do not count.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.sandbox.controllers.pods import is_terminating
from harness.sandbox.controllers.surroundings import labels_of, requirements
from harness.sandbox.controllers.taints import untolerated

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.surroundings import Surroundings

UNEVEN = "node(s) didn't match pod topology spread constraints"
NO_DOMAIN = f"{UNEVEN} (missing required label)"


def hard_constraints(pod: Object) -> list[Object]:
    """The constraints that must hold."""
    all_of_them = pod["spec"].get("topologySpreadConstraints") or ()
    return [one for one in all_of_them if one.get("whenUnsatisfiable") == "DoNotSchedule"]


def uneven(pod: Object, node: Object, around: Surroundings, selected: Callable[[Object, Object], bool]) -> str:
    """Why the spread keeps the pod from the node, in the scheduler's words; empty where it does not.

    `selected`: whether a node is one of those that a pod's node selector and affinity ask for.
    """
    constraints = hard_constraints(pod)
    keys = [one["topologyKey"] for one in constraints]
    for constraint in constraints:
        key = constraint["topologyKey"]
        if key not in labels_of(node):
            return NO_DOMAIN
        domains = _domains(pod, constraint, keys, around, selected)
        least = min(domains.values(), default=0) if len(domains) >= (constraint.get("minDomains") or 1) else 0
        itself = int(_counts(pod, constraint, pod))
        if domains[labels_of(node)[key]] + itself - least > constraint["maxSkew"]:
            return UNEVEN
    return ""


def _domains(
    pod: Object, constraint: Object, keys: list[str], around: Surroundings, selected: Callable[[Object, Object], bool]
) -> Counter[str]:
    """How many pods that the constraint counts are in each domain that the pod may be in."""
    found: Counter[str] = Counter()
    for name, node in around.nodes.items():
        if not all(key in labels_of(node) for key in keys) or not _included(pod, node, constraint, selected):
            continue
        there = around.infos[name].pods.values()
        counted = sum(1 for one in there if not is_terminating(one) and _counts(pod, constraint, one))
        found[labels_of(node)[constraint["topologyKey"]]] += counted
    return found


def _included(pod: Object, node: Object, constraint: Object, selected: Callable[[Object, Object], bool]) -> bool:
    if constraint.get("nodeAffinityPolicy", "Honor") == "Honor" and not selected(pod, node):
        return False
    repelling = [one for one in node.get("spec", {}).get("taints") or () if one["effect"] != "PreferNoSchedule"]
    honoured = constraint.get("nodeTaintsPolicy", "Ignore") == "Honor"
    return not (honoured and untolerated(pod["spec"].get("tolerations") or (), repelling))


def _counts(owner: Object, constraint: Object, pod: Object) -> bool:
    asked = requirements(owner, constraint)
    same = owner["metadata"]["namespace"] == pod["metadata"]["namespace"]
    return same and asked is not None and all(one.matches(labels_of(pod)) for one in asked)
