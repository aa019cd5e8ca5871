"""A node's name -> the node, unschedulable for as long as a block lasts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from harness.disruptions.stage import Stage
from harness.errors import RolloutError
from harness.kube.client import MERGE
from harness.kube.field_owners import MANAGER
from harness.spec.nodes import NO_OTHER_NODE, SECOND_NODE, takes_pods


@asynccontextmanager
async def cordoned(stage: Stage, node: str) -> AsyncIterator[None]:
    """Let nothing be scheduled there, and all again at the end, whatever happens; one that was cordoned stays so.

    Raises:
        RolloutError: there is no such node, or no other to which its pods could go; nothing was changed.
        ClusterError: the API refused it or did not answer.
    """
    nodes = {found["metadata"]["name"]: found for found in await stage.kube.list("v1", "Node")}
    tried = f"draining node {node}"
    if node not in nodes:
        raise RolloutError(tried, "there is no such node", f"There is {', '.join(sorted(nodes)) or 'none'}.")
    if not any(name != node and takes_pods(found) for name, found in nodes.items()):
        raise RolloutError(tried, NO_OTHER_NODE, SECOND_NODE)
    before = bool(nodes[node]["spec"].get("unschedulable"))
    stage.mark({"node": node, "cordoned_before": before})
    if before:
        yield
        return
    uid = str(nodes[node]["metadata"].get("uid"))
    stage.cordoning(node, uid, False)
    try:
        await _set(stage, node, True)
        yield
    finally:
        with anyio.CancelScope(shield=True):
            await _set(stage, node, None)
            stage.cordoning(node, uid, True)


async def _set(stage: Stage, node: str, unschedulable: bool | None) -> None:
    patch = {"spec": {"unschedulable": unschedulable}}
    await stage.kube.patch("v1", "Node", node, patch, content_type=MERGE, field_manager=MANAGER)
