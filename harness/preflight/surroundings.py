"""A namespace of a cluster -> what there is in it that concerns a run, read before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import anyio

from harness.errors import ClusterError
from harness.kube.client import Kube
from harness.kube.errors import is_not_found
from harness.kube.lease import API, KIND, lease_name

Object = dict[str, Any]

KINDS: tuple[tuple[str, str, str], ...] = (
    ("v1", "ResourceQuota", "resourcequotas"),
    ("v1", "LimitRange", "limitranges"),
    ("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
)
"""Version, kind and plural of what may stand in a run's way beside its own objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """A namespace and what is in it. `name`: None where a new one will be made.

    `namespace`: the object; None where there is none or it may not be read. `exists`: whether it is there, None where
    that cannot be known. `objects`: by kind. `target`: the workload that is there already under the target's name.
    `nodes`: of the cluster, where they matter and may be read. `trouble`: what holds the workload up, and what to do
    about it. `lease`: that of the run that has it. `unread`: what could not be looked at, as resources.
    """

    name: str | None = None
    namespace: Object | None = None
    exists: bool | None = False
    objects: Mapping[str, tuple[Object, ...]] = field(default_factory=lambda: MappingProxyType({}))
    target: Object | None = None
    nodes: tuple[Object, ...] | None = None
    trouble: tuple[str, str] = ("", "")
    lease: Object | None = None
    unread: tuple[str, ...] = ()

    def of(self, kind: str) -> tuple[Object, ...]:
        """All objects of that kind that were seen."""
        return self.objects.get(kind, ())


async def read_surroundings(kube: Kube, namespace: str | None, target: tuple[str, str, str]) -> Surroundings:
    """What there is in the namespace; `target`: version, kind and name of the workload.

    A new namespace has nothing in it. What may not be read is told, and is no error.

    Raises:
        ClusterError: the API does not answer.
    """
    if namespace is None:
        return Surroundings()
    objects: dict[str, tuple[Object, ...]] = {}
    unread: list[str] = []
    found = await _namespace(kube, namespace, unread)
    if found is None and not unread:
        return Surroundings(name=namespace)

    async def read(api_version: str, kind: str, plural: str) -> None:
        try:
            listed = await kube.list(api_version, kind, namespace)
        except ClusterError as error:
            if not is_not_found(error):
                unread.append(plural)
            return
        objects[kind] = tuple(listed)

    async with anyio.create_task_group() as tasks:
        for row in KINDS:
            tasks.start_soon(read, *row)
    try:
        workload = await kube.find(*target, namespace)
    except ClusterError:
        workload = None
    try:
        lease = await kube.find(API, KIND, lease_name(*target[1:]), namespace)
    except ClusterError:  # that it may not be read is told as a lacking right
        lease = None
    return Surroundings(
        name=namespace,
        namespace=found,
        exists=True if found else None,
        objects=objects,
        target=workload,
        lease=lease,
        unread=tuple(sorted(unread)),
    )


async def _namespace(kube: Kube, name: str, unread: list[str]) -> Object | None:
    try:
        return await kube.find("v1", "Namespace", name)
    except ClusterError:
        unread.append("namespaces")
        return None


async def with_nodes(kube: Kube, around: Surroundings) -> Surroundings:
    """The same with the cluster's nodes; without where they may not be read, which the lacking right tells."""
    try:
        return replace(around, nodes=tuple(await kube.list("v1", "Node")))
    except ClusterError:
        return around
