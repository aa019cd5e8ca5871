"""A kind cluster that answers -> one whose nodes are Ready and whose kube-proxy runs, or what keeps it.

kind itself waits for the control plane alone, and calls it success when the time is over
(pkg/cluster/internal/create/actions/waitforready).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import anyio

from harness.errors import ClusterError
from harness.kube.client import Kube
from harness.kube.errors import NoSuchKind

READY_S = 180.0
_LOOK_S = 0.5


async def until_ready(kube: Kube, name: str, *, within_s: float | None = None) -> None:
    """Return when every node is Ready, and kube-proxy runs on all of them where there is one.

    Raises:
        ClusterError: not within `READY_S`; it says the last condition that was seen.
    """
    limit_s = READY_S if within_s is None else within_s
    waiting = "nothing was seen of its nodes"
    with anyio.move_on_after(limit_s):
        while waiting:
            waiting = await _awaited(kube, waiting)
            if not waiting:
                return
            await anyio.sleep(_LOOK_S)
    raise ClusterError(
        f"waiting for kind cluster {name}",
        f"not ready within {limit_s:g} s; last seen: {waiting}",
        "Is the machine busy, or its disk full? See https://kind.sigs.k8s.io/docs/user/known-issues.",
    )


async def _awaited(kube: Kube, before: str) -> str:
    """What is still waited for, in words; empty where nothing is."""
    proxy: dict[str, Any] | None = None
    try:
        nodes = await kube.list("v1", "Node")
        with suppress(NoSuchKind):
            proxy = await kube.find("apps/v1", "DaemonSet", "kube-proxy", "kube-system")
    except ClusterError as error:  # its API server is only just coming up
        return error.seen or before
    return not_ready(nodes) or not_running(proxy)


def not_ready(nodes: Iterable[Mapping[str, Any]]) -> str:
    """The first node that is not Ready, with the condition that says so.

    >>> not_ready([{"metadata": {"name": "a"}, "status": {"conditions": [
    ...     {"type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": "no CNI yet"}]}}])
    'node a: Ready=False, KubeletNotReady: no CNI yet'
    """
    for node in nodes:
        conditions = (node.get("status") or {}).get("conditions") or ()
        ready = next((each for each in conditions if each.get("type") == "Ready"), None)
        if ready is None:
            return f"node {node['metadata']['name']} has no condition Ready"
        if ready.get("status") != "True":
            said = ": ".join(filter(None, (ready.get("reason"), ready.get("message"))))
            return f"node {node['metadata']['name']}: Ready={ready.get('status')}, {said}"
    return ""


def not_running(proxy: Mapping[str, Any] | None) -> str:
    """On how many nodes kube-proxy does not run, in words; empty without one."""
    if proxy is None:
        return ""
    status = proxy.get("status") or {}
    wanted, ready = status.get("desiredNumberScheduled", 0), status.get("numberReady", 0)
    return "" if wanted and ready >= wanted else f"kube-proxy is ready on {ready} of {wanted} nodes"
