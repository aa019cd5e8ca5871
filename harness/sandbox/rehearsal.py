"""Pods that are to come, one after another, and a number of empty nodes -> whether each finds its place.

With the scheduler's own filters and the nodes as the kubelets will register them, and without either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.controllers.nodefit import obstacle, unschedulable
from harness.sandbox.controllers.nodeinfo import NodeInfo
from harness.sandbox.controllers.surroundings import Surroundings
from harness.sandbox.kubelet.node_status import CAPACITY, node_object
from harness.sandbox.netns import node_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.sandbox.apiclient import Object


def unplaced(pods: Iterable[Object], nodes: int) -> tuple[int, str] | None:
    """The first pod that no node takes: how many came before it, and what the scheduler will say; None where none is.

    Each goes where the fewest are, as the scheduler has it.
    """
    names = [node_name(number) for number in range(1, nodes + 1)]
    status = {"conditions": [{"type": "Ready", "status": "True"}], "allocatable": CAPACITY}
    registered = {name: node_object(name) | {"status": status} for name in names}
    around = Surroundings(registered, {name: NodeInfo() for name in names}, {})
    for before, pod in enumerate(pods):
        found = {name: obstacle(pod, node, around) for name, node in registered.items()}
        fitting = [name for name, why in found.items() if why is None]
        if not fitting:
            return before, unschedulable(pod, [why for why in found.values() if why is not None])
        around.infos[min(fitting, key=lambda name: len(around.infos[name].pods))].add(pod)
    return None
