"""A cluster's nodes -> whether they take pods, and whether one can be drained into the others."""

from __future__ import annotations

from collections.abc import Iterable

from harness.spec.workload import Object

NO_OTHER_NODE = "no other node takes pods, so that none of its pods could come back elsewhere"
SECOND_NODE = "Needed: a second node that is Ready and not cordoned (in the sandbox: nodes: 2). `evict` needs none."


def takes_pods(node: Object) -> bool:
    """Whether it is Ready and not cordoned."""
    if (node.get("spec") or {}).get("unschedulable"):
        return False
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


def undrainable(nodes: Iterable[Object], wanted: str | None, *, there: bool = False) -> str:
    """Why the node, or whichever has most of the pods (None), cannot be drained; empty where it can.

    `there`: the pods are there already, perhaps on a node that takes no more.

    >>> ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    >>> undrainable([{"metadata": {"name": "a"}, "status": ready}], "b")
    'there is no node b, but a'
    """
    taking = {str(node["metadata"]["name"]): takes_pods(node) for node in nodes}
    if wanted is not None and wanted not in taking:
        return f"there is no node {wanted}, but {', '.join(sorted(taking)) or 'none'}"
    others = [name for name, takes in taking.items() if takes and name != wanted]
    if wanted is not None:
        return "" if others else f"node {wanted} cannot be drained: {NO_OTHER_NODE}"
    # Without a name it is one that has pods: the one that takes them, where only one does.
    if len(others) > 1 or (there and len(others) == 1 and len(taking) > 1):
        return ""
    return f"no node can be drained: {NO_OTHER_NODE}"
