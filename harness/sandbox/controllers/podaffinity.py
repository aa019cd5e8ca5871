"""A pod, a node and the pods around -> why required affinity or anti-affinity between pods keeps it from the node.

Source: kubernetes `pkg/scheduler/framework/plugins/interpodaffinity/filtering.go`. A pod that is leaving counts until
it is gone. Preferences do not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.controllers.surroundings import REQUIRED, labels_of, means

if TYPE_CHECKING:
    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.surroundings import Surroundings

AFFINITY = "node(s) didn't match pod affinity rules"
ANTI_AFFINITY = "node(s) didn't match pod anti-affinity rules"
OF_OTHERS = "node(s) didn't satisfy existing pods anti-affinity rules"


def required_terms(pod: Object, kind: str) -> list[Object]:
    """The terms of `podAffinity` or `podAntiAffinity` that must hold."""
    return list(((pod["spec"].get("affinity") or {}).get(kind) or {}).get(REQUIRED) or ())


def apart(pod: Object, node: Object, around: Surroundings) -> str:
    """Why the pods around keep the pod from the node, in the scheduler's words; empty where they do not."""
    if not _has_its_company(pod, node, around):
        return AFFINITY
    for term in required_terms(pod, "podAntiAffinity"):
        if any(_same_place(term, node, there) and means(pod, term, other, around) for other, there in around.pods()):
            return ANTI_AFFINITY
    for other, there in around.pods():
        for term in required_terms(other, "podAntiAffinity"):
            if _same_place(term, node, there) and means(other, term, pod, around):
                return OF_OTHERS
    return ""


def _has_its_company(pod: Object, node: Object, around: Surroundings) -> bool:
    """Whether for every term a pod that all terms mean is in the node's domain.

    The first of a group that seeks itself has none yet, and is taken.
    """
    terms = required_terms(pod, "podAffinity")
    if any(term["topologyKey"] not in labels_of(node) for term in terms):
        return False
    company = [there for other, there in around.pods() if all(means(pod, term, other, around) for term in terms)]
    if all(any(_same_place(term, node, there) for there in company) for term in terms):
        return True
    placed = any(term["topologyKey"] in labels_of(there) for there in company for term in terms)
    return not placed and all(means(pod, term, pod, around) for term in terms)


def _same_place(term: Object, one: Object, other: Object) -> bool:
    key = term["topologyKey"]
    return key in labels_of(one) and labels_of(one)[key] == labels_of(other).get(key)
