"""A workload on a cluster that is not whole -> what holds it up there, with what its containers said last."""

from __future__ import annotations

from typing import Any

from harness.disruptions.last_words import LastWords, Logs
from harness.disruptions.obstacle import Obstacle
from harness.disruptions.obstacles import obstacles
from harness.disruptions.workload import Workload
from harness.errors import ClusterError
from harness.kube.client import Kube
from harness.kube.view import View
from harness.kube.watch import EventType, WatchEvent

_KINDS = (("v1", "Pod"), ("apps/v1", "ReplicaSet"), ("v1", "Event"))


async def held_up(kube: Kube, found: dict[str, Any], logs: Logs) -> tuple[Obstacle, ...]:
    """What holds the workload up now, as the API has it; nothing where its pods may not be read."""
    metadata, view = found["metadata"], View()
    view.apply(found["kind"], WatchEvent(type=EventType.ADDED, object=found))
    for api_version, kind in _KINDS:
        try:
            listed = await kube.list(api_version, kind, metadata["namespace"])
        except ClusterError:
            continue
        for each in listed:
            view.apply(kind, WatchEvent(type=EventType.ADDED, object=each))
    workload = Workload(kind=found["kind"], name=metadata["name"], namespace=metadata["namespace"])
    return await LastWords(logs).added(obstacles(view, workload, rolls=False))
