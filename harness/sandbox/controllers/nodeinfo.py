"""Pods bound to nodes -> what each node has left: pods, cpu, memory and whatever else it counts.

Source: kubernetes `pkg/scheduler/framework/types.go` (NodeInfo) and `component-helpers/resource` (PodRequests): a pod
asks for the sum of its containers and sidecars, or for what one of its init containers needs before them. One that is
being deleted has its place until it is gone; one that ended has none.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from harness.sandbox.apiserver.quantities import amount
from harness.sandbox.controllers.pods import is_finished

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.sandbox.apiclient import Object

_POD_LEVEL = ("cpu", "memory")  # what a pod's own `resources` may ask for instead of its containers


def thousandths(quantities: Mapping[str, str]) -> Counter[str]:
    """Quantities by resource, in whole thousandths, rounded up: so sums are exact.

    >>> thousandths({"cpu": "250m", "memory": "1Ki"})
    Counter({'memory': 1024000, 'cpu': 250})
    """
    return Counter({name: math.ceil(round(amount(str(text)) * 1000, 3)) for name, text in quantities.items()})


def requests(pod: Object) -> Counter[str]:
    """What a pod asks of its node, in thousandths."""
    spec = pod["spec"]
    total = _sum(_asked(container) for container in spec.get("containers") or ())
    sidecars, most = Counter[str](), Counter[str]()
    for container in spec.get("initContainers") or ():
        asked = _asked(container)
        if container.get("restartPolicy") == "Always":
            sidecars += asked
            asked = Counter()
        most |= sidecars + asked
    total = (total + sidecars) | most
    own = {name: asked for name, asked in _asked(spec).items() if name in _POD_LEVEL}
    return Counter({**total, **own}) + thousandths(spec.get("overhead") or {})


@dataclass(slots=True)
class NodeInfo:
    """The pods of one node by uid, and the sum of what they ask for."""

    pods: dict[str, Object] = field(default_factory=dict)
    requested: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, pods: Iterable[Object]) -> Self:
        """That of a node with these pods."""
        info = cls()
        for pod in pods:
            info.add(pod)
        return info

    def add(self, pod: Object) -> None:
        """One pod more."""
        self.pods[pod["metadata"]["uid"]] = pod
        self.requested.update(requests(pod))

    def take(self, pod: Object) -> None:
        """One pod less."""
        del self.pods[pod["metadata"]["uid"]]
        self.requested.subtract(requests(pod))


class NodeInfos:
    """What every node has, those pods too that were bound a moment ago and not seen bound yet."""

    def __init__(self) -> None:
        self._nodes: dict[str, NodeInfo] = {}
        self._places: dict[str, tuple[str, Counter[str]]] = {}

    def of(self, node: str) -> NodeInfo:
        """One node's."""
        return self._nodes.setdefault(node, NodeInfo())

    def has(self, uid: str) -> bool:
        """Whether the pod has a place on a node."""
        return uid in self._places

    def put(self, pod: Object, node: str) -> None:
        """The pod is on that node, as it is now."""
        uid = pod["metadata"]["uid"]
        self.remove(uid)
        if is_finished(pod):
            return
        info, asked = self.of(node), requests(pod)
        info.pods[uid] = pod
        info.requested.update(asked)
        self._places[uid] = (node, asked)

    def remove(self, uid: str) -> None:
        """The pod is on no node."""
        if (place := self._places.pop(uid, None)) is not None:
            node, asked = place
            del self._nodes[node].pods[uid]
            self._nodes[node].requested.subtract(asked)


def _asked(container: Object) -> Counter[str]:
    return thousandths((container.get("resources") or {}).get("requests") or {})


def _sum(parts: Iterable[Counter[str]]) -> Counter[str]:
    total = Counter[str]()
    for part in parts:
        total += part
    return total
