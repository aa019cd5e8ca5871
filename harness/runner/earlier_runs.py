"""The labels of a cluster's objects -> what earlier runs left there, and whether it is safe to remove."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import anyio

from harness.errors import ClusterError
from harness.kube.client import Kube
from harness.kube.errors import ApiRefusal, LeftBehind
from harness.kube.kinds import Kind
from harness.kube.lease import KIND, lease_name, seems_held
from harness.kube.ownership import RUN_LABEL, Ownership, is_running, ownership
from harness.preflight.left_changed import is_left_changed
from harness.runner.clean_up import delete_namespace, delete_objects

_ROLLED = (Kind(api_version="apps/v1", name="Deployment"), Kind(api_version="apps/v1", name="StatefulSet"))
USUAL_KINDS = (Kind(api_version="v1", name="Pod"), Kind(api_version="v1", name="Service"), *_ROLLED)
"""What every run has some of; the other kinds of its manifests stand beside these."""

_AT_A_TIME = 8
_FORBIDDEN, _NOT_FOUND = 403, 404
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


class State(StrEnum):
    """What is known of a run by what it left."""

    RUNNING = "in progress: its process runs on this machine"
    ENDED = "its process has ended"
    EXPIRED = "it should have been over by now"
    MAYBE_RUNNING = "it may be in progress: another machine's, and not expired"
    UNDATED = "it does not say until when it may last"


SAFE = frozenset({State.ENDED, State.EXPIRED})
"""Nobody measures with these any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remnant:
    """One object; `namespace` is None for a namespace itself."""

    api_version: str
    kind: str
    name: str
    namespace: str | None
    created: datetime

    @property
    def named(self) -> str:
        """As people know it: "namespace/rollout-shop", "deployment/web in shop"."""
        return f"{self.kind.lower()}/{self.name}" + (f" in {self.namespace}" if self.namespace else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRun:
    """What one run left; its namespaces stand for all that is in them.

    `ownership`: that of what may last longest. What one process made is one run's, though its scenarios and its Lease
    each have an ownership of their own.
    """

    ownership: Ownership
    remnants: tuple[Remnant, ...]

    @property
    def created(self) -> datetime:
        """When the oldest of it was."""
        return min(remnant.created for remnant in self.remnants)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftChanged:
    """Somebody's workload that a run has changed and not put back; `lease`: of the run that had it last, if any."""

    kind: str
    name: str
    namespace: str
    lease: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All runs that left something, the oldest first; `unseen`: where nothing could be looked up, and why.

    `changed`: the workloads that no run has which is known to go on.
    """

    runs: tuple[EarlierRun, ...]
    unseen: tuple[str, ...] = ()
    changed: tuple[LeftChanged, ...] = ()


@dataclass(slots=True)
class _Search:
    kube: Kube
    namespaces: Sequence[str]
    objects: list[tuple[Ownership, Remnant]] = field(default_factory=list)
    changed: list[LeftChanged] = field(default_factory=list)
    leases: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)  # by namespace and name
    unseen: dict[str, None] = field(default_factory=dict)

    async def kinds(self, kinds: Iterable[Kind]) -> None:
        limit = anyio.CapacityLimiter(_AT_A_TIME)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._own_namespaces)
            for kind in kinds:
                for namespace in self.namespaces or (None,):
                    tasks.start_soon(self._kind, kind, namespace, limit)

    async def _own_namespaces(self) -> None:
        try:
            if self.namespaces:
                listed = [found for name in self.namespaces if (found := await self._namespace(name)) is not None]
            else:
                listed = await self.kube.list("v1", "Namespace", selector=RUN_LABEL)
        except ClusterError as error:
            self.unseen[f"namespaces: {error.seen or error.tried}"] = None
            return
        self._take(Kind(api_version="v1", name="Namespace"), listed)

    async def _namespace(self, name: str) -> dict[str, Any] | None:
        try:
            return await self.kube.get("v1", "Namespace", name)
        except ApiRefusal as refused:
            if refused.status in (_NOT_FOUND, _FORBIDDEN):  # who may work in a namespace need not see the namespace
                return None
            raise

    async def _kind(self, kind: Kind, namespace: str | None, limit: anyio.CapacityLimiter) -> None:
        async with limit:
            try:
                selector = None if kind in _ROLLED else RUN_LABEL  # one of somebody's, changed, has no label of ours
                listed = await self.kube.list(kind.api_version, kind.name, namespace, selector=selector)
            except ClusterError as error:
                self.unseen[f"{kind.name}: {error.seen or error.tried}"] = None
                return
        self._take(kind, listed)

    def _take(self, kind: Kind, listed: Iterable[dict[str, Any]]) -> None:
        for each in listed:
            metadata = each["metadata"]
            owner = ownership(metadata.get("labels"))
            if owner is None and kind in _ROLLED and is_left_changed(each):
                where = {"name": metadata["name"], "namespace": metadata["namespace"]}
                self.changed.append(LeftChanged(kind=kind.name, **where))
            if kind.name == KIND:
                self.leases[metadata["namespace"], metadata["name"]] = each
            if owner is None or any(reference.get("controller") for reference in metadata.get("ownerReferences", ())):
                continue  # made by a controller, from an object whose labels it took over, and gone with that
            remnant = Remnant(
                api_version=kind.api_version,
                kind=kind.name,
                name=metadata["name"],
                namespace=metadata.get("namespace"),
                created=_moment(metadata.get("creationTimestamp")),
            )
            self.objects.append((owner, remnant))


async def earlier_runs(kube: Kube, kinds: Iterable[Kind], *, namespaces: Sequence[str] = ()) -> Found:
    """What carries a run's labels, in all namespaces or only these."""
    search = _Search(kube, namespaces)
    await search.kinds(kinds)
    whole = {remnant.name for _, remnant in search.objects if remnant.namespace is None}
    grouped: dict[str, list[tuple[Ownership, Remnant]]] = defaultdict(list)
    for owner, remnant in search.objects:
        if remnant.namespace not in whole:
            grouped[owner.process or owner.run].append((owner, remnant))
    runs = [_run(left) for left in grouped.values()]
    return Found(
        runs=tuple(sorted(runs, key=lambda run: run.created)),
        unseen=tuple(sorted(search.unseen)),
        changed=tuple(_left_changed(search)),
    )


def _run(left: Iterable[tuple[Ownership, Remnant]]) -> EarlierRun:
    owners, remnants = zip(*left, strict=True)
    lasting = max(owners, key=lambda owner: owner.expiry or _BEFORE_ALL)
    return EarlierRun(
        ownership=lasting, remnants=tuple(sorted(remnants, key=lambda one: (one.created, one.kind, one.name)))
    )


def _left_changed(search: _Search) -> Iterator[LeftChanged]:
    for each in sorted(search.changed, key=lambda one: (one.namespace, one.kind, one.name)):
        lease = search.leases.get((each.namespace, lease_name(each.kind, each.name)))
        if lease is None or not seems_held(lease):
            yield replace(each, lease=lease)


def state(owner: Ownership, now: datetime) -> State:
    """Whether the run still goes on, as far as this machine can tell."""
    running = is_running(owner)
    if running is not None:
        return State.RUNNING if running else State.ENDED
    if owner.expiry is None:
        return State.UNDATED
    return State.EXPIRED if owner.expiry < now else State.MAYBE_RUNNING


async def remove(kube: Kube, run: EarlierRun) -> tuple[LeftBehind, ...]:
    """Delete all that the run left, whatever fails in between; gives what could not be."""
    failed: list[LeftBehind] = []
    inside: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for remnant in run.remnants:
        if remnant.namespace is not None:
            made = {"apiVersion": remnant.api_version, "kind": remnant.kind, "metadata": {"name": remnant.name}}
            inside[remnant.namespace].append(made)
            continue
        try:
            await delete_namespace(kube, remnant.name)
        except LeftBehind as left:
            failed.append(left)
    for namespace, objects in inside.items():
        try:
            await delete_objects(kube, objects, namespace)
        except LeftBehind as left:
            failed.append(left)
    return tuple(failed)


def _moment(text: str | None) -> datetime:
    try:
        return datetime.fromisoformat(text or "")
    except ValueError:
        return _BEFORE_ALL
