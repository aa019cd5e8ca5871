"""Watches of the application's objects -> a live view of them and the records of the timeline."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import anyio
from anyio.abc import TaskGroup

from harness.errors import ClusterError
from harness.kube.client import Kube
from harness.kube.view import View
from harness.kube.watch import EventType, WatchEvent, watch
from harness.observers.gate_writers import keep_gate_writers

Record = Callable[[str, str, dict[str, Any]], None]
"""Takes kind, type and object of what was just seen. A lost watch comes as kind Mark, type gap."""

_START_TIMEOUT_S = 30.0

_BY_WHOM = ("Deployment", "StatefulSet", "Service")
"""Of these it is kept who changed them; pods and EndpointSlices are changed too often, but for the gates of pods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One kind of objects to watch."""

    api_version: str
    kind: str
    selector: dict[str, str] | str | None = None
    name: str | None = None


def application_objects(*, kind: str, name: str, selector: str, service: str) -> tuple[Watched, ...]:
    """What there is to see of one application in its namespace."""
    revisions = (
        Watched(api_version="apps/v1", kind="ReplicaSet", selector=selector)
        if kind == "Deployment"
        else Watched(api_version="apps/v1", kind="ControllerRevision", selector=selector)
    )
    return (
        Watched(api_version="apps/v1", kind=kind, name=name),
        revisions,
        Watched(api_version="v1", kind="Pod", selector=selector),
        Watched(api_version="v1", kind="Service", name=service),
        Watched(
            api_version="discovery.k8s.io/v1",
            kind="EndpointSlice",
            selector={"kubernetes.io/service-name": service},
        ),
        Watched(api_version="v1", kind="Event"),
    )


async def observe(
    tasks: TaskGroup, kube: Kube, namespace: str, watched: tuple[Watched, ...], *, view: View, record: Record
) -> None:
    """Start one watch a kind in `tasks`; returns when each has listed what exists. They go on until cancelled.

    Raises:
        ClusterError: the API refuses a list, or does not answer within 30 s.
    """
    for each in watched:
        with anyio.move_on_after(_START_TIMEOUT_S):
            await tasks.start(_observe_kind, kube, namespace, each, view, record)
            continue
        raise ClusterError(f"listing {each.kind}s in {namespace}", f"no answer within {_START_TIMEOUT_S:g} s")


async def _observe_kind(
    kube: Kube,
    namespace: str,
    watched: Watched,
    view: View,
    record: Record,
    *,
    task_status: anyio.abc.TaskStatus[None],
) -> None:
    def see(event: WatchEvent) -> None:
        if event.type is EventType.GAP:
            record("Mark", "gap", event.object)
        else:
            if watched.kind == "Pod":
                keep_gate_writers(event.object)
            elif watched.kind not in _BY_WHOM:
                event.object.get("metadata", {}).pop("managedFields", None)
            record(watched.kind, event.type, event.object)
        view.apply(watched.kind, event)

    events = watch(
        kube,
        watched.api_version,
        watched.kind,
        namespace=namespace,
        selector=watched.selector,
        name=watched.name,
        listed=task_status.started,
    )
    async with aclosing(events):
        async for event in events:
            see(event)
