"""The nodes of a cluster with the pods on each -> what a rule about pods beside each other goes by.

Source: kubernetes `pkg/scheduler/framework/types.go` (AffinityTerm): which pods a term of affinity means.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.sandbox.apiserver import selectors
from harness.sandbox.apiserver.selectors import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.nodeinfo import NodeInfo

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Nodes and what each has, by its name; `namespaces`: the labels of each."""

    nodes: Mapping[str, Object]
    infos: Mapping[str, NodeInfo]
    namespaces: Mapping[str, Mapping[str, str]]

    def with_info(self, node: str, info: NodeInfo) -> Surroundings:
        """The same where one node has other pods."""
        return replace(self, infos={**self.infos, node: info})

    def pods(self) -> Iterator[tuple[Object, Object]]:
        """Every pod with its node, those that are leaving too."""
        for name, node in self.nodes.items():
            for pod in self.infos[name].pods.values():
                yield pod, node


def labels_of(obj: Object) -> Mapping[str, str]:
    """An object's labels."""
    return obj["metadata"].get("labels") or {}


def requirements(owner: Object, term: Object) -> tuple[Requirement, ...] | None:
    """What the labels of a pod must be for a term of `owner`; None where the term means no pod.

    `matchLabelKeys` and `mismatchLabelKeys` go by the labels of the owner itself.
    """
    if (selector := term.get("labelSelector")) is None:
        return None
    mine = labels_of(owner)
    equal = [Requirement(key, "in", (mine[key],)) for key in term.get("matchLabelKeys") or () if key in mine]
    other = [Requirement(key, "notin", (mine[key],)) for key in term.get("mismatchLabelKeys") or () if key in mine]
    return (*selectors.of_object(selector), *equal, *other)


def means(owner: Object, term: Object, pod: Object, around: Surroundings) -> bool:
    """Whether a term of affinity of `owner` means that pod: its namespace and its labels."""
    namespace = pod["metadata"]["namespace"]
    if not _in_namespace(owner, term, namespace, around.namespaces.get(namespace) or {}):
        return False
    asked = requirements(owner, term)
    return asked is not None and all(one.matches(labels_of(pod)) for one in asked)


def _in_namespace(owner: Object, term: Object, namespace: str, labels: Mapping[str, str]) -> bool:
    named, selector = term.get("namespaces") or (), term.get("namespaceSelector")
    if not named and selector is None:
        return bool(namespace == owner["metadata"]["namespace"])
    if namespace in named:
        return True
    return selector is not None and all(one.matches(labels) for one in selectors.of_object(selector))
