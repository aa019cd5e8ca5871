"""An application that is there -> the manifests that would have made it, and itself while it is rolled."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread

from harness.clusters.cluster import Cluster
from harness.errors import ClusterError, UsageError
from harness.inputs.shown import shown
from harness.kube.client import Kube
from harness.kube.errors import ApiRefusal, LeftBehind, is_not_found
from harness.kube.lease import API, KIND, check_unclaimed, lease_name
from harness.manifests.application import KINDS, Application
from harness.manifests.read import Manifest
from harness.model.duration import seconds
from harness.model.experiment import Experiment, ServiceRef
from harness.model.target_kinds import not_a_target
from harness.preflight.left_changed import how_to_restore, is_left_changed
from harness.runner.changes import Changes
from harness.runner.choice import Asked
from harness.runner.from_cluster import called
from harness.runner.undos import recorded, restores

_MOST_NAMED = 10
_OF_THE_SERVER = frozenset(
    ("creationTimestamp", "generation", "managedFields", "ownerReferences", "resourceVersion", "selfLink", "uid")
)
"""What the API server or a controller writes into an object's metadata, and no manifest holds."""


async def how_to_put_back(kube: Kube, experiment: Experiment, cluster: str) -> str:
    """What puts back what an earlier run has changed of the target, as a sentence; empty where none has.

    `cluster`: as `--cluster` names it.

    Raises:
        ClusterError: the API does not let it be read, or does not answer.
    """
    kind, name, namespace = kind_of(experiment.target), experiment.target.partition("/")[2], str(experiment.namespace)
    workload = await kube.find("apps/v1", kind, name, namespace)
    if workload is None or not is_left_changed(workload):
        return ""
    found = await to_thread.run_sync(recorded)
    commands = restores(found, cluster=cluster, kind=kind, name=name, namespace=namespace)
    try:
        lease = await kube.find(API, KIND, lease_name(kind, name), namespace)
    except ApiRefusal:
        lease = None
    return how_to_restore(lease, commands)


async def as_it_stands(kube: Kube, experiment: Experiment) -> tuple[Experiment, tuple[Manifest, ...]]:
    """The experiment with what its file leaves open and the cluster makes clear, and the manifests of what is there.

    What the file says stays. An experiment that brings its manifests stays as it is, and needs none.

    Raises:
        UsageError: there is no such target, or what the file leaves open is not clear.
        ClusterError: the API does not let it be read, or does not answer.
    """
    if not experiment.is_there:
        return experiment, ()
    manifests = await manifests_there(kube, str(experiment.namespace), experiment.target)
    given, known = experiment.model_fields_set, experiment.request.model_fields_set
    service = None if experiment.service_ is None else f"{experiment.service_.name}:{experiment.service_.port}"
    found = called(manifests, Asked(experiment.target, service, "`{}: {}` in the experiment"))
    changes: dict[str, Any] = {"service_": ServiceRef.model_validate(found.service)}
    open_ = {key: value for key, value in found.request.items() if key not in known}
    changes["request"] = experiment.request.model_copy(update=open_)
    if "rollout_timeout_s" not in given:
        changes["rollout_timeout_s"] = seconds(found.rollout_timeout)
    return experiment.model_copy(update=changes), manifests


def kind_of(target: str) -> str:
    """The kind of a target.

    >>> kind_of("deployment/shop")
    'Deployment'

    Raises:
        UsageError: it names none, or no name.
    """
    kind, _, name = target.lower().rpartition("/")
    if kind not in KINDS or not name:
        raise UsageError(
            f"reading the target {shown(target)}",
            not_a_target(target) or "it is no deployment/NAME and no statefulset/NAME",
            f"Give deployment/{name or 'NAME'}, or statefulset/{name or 'NAME'}.",
        )
    return KINDS[kind]


async def manifests_there(kube: Kube, namespace: str, target: str) -> tuple[Manifest, ...]:
    """The workload ("deployment/shop"), and the Services and Ingresses of its namespace, as manifests would say them.

    Raises:
        UsageError: there is no such workload.
        Taken: another run has it: what stands there is that run's doing.
        ClusterError: the API does not let them be read, or does not answer.
    """
    kind, name = kind_of(target), target.partition("/")[2]
    await check_unclaimed(kube, kind, name, namespace)
    try:
        workload = await kube.get("apps/v1", kind, name, namespace)
    except ClusterError as error:
        if not is_not_found(error):
            raise
        raise UsageError(
            f"looking for {target} in namespace {namespace}",
            f"{kube.server} has none ({error.seen})",
            await _what_is_there(kube, namespace),
        ) from None
    services = await kube.list("v1", "Service", namespace)
    return (
        as_manifest(workload),
        *_listed("v1", "Service", services),
        *_listed("networking.k8s.io/v1", "Ingress", await _ingresses(kube, namespace)),
    )


async def _what_is_there(kube: Kube, namespace: str) -> str:
    """What could have been meant in the namespace."""
    show = f"{kube.kubectl} -n {namespace} get deployments,statefulsets"
    try:
        names = [
            f"{kind.lower()}/{each['metadata']['name']}"
            for kind in dict.fromkeys(KINDS.values())
            for each in await kube.list("apps/v1", kind, namespace)
        ]
    except ClusterError:
        return f"Those that are there: {show}"
    if not names:
        return f"Nothing can be rolled there; namespaces that are there: {kube.kubectl} get namespaces"
    return (
        f"Those that are there: {', '.join(names[:_MOST_NAMED])}{', ...' if len(names) > _MOST_NAMED else ''} ({show})"
    )


def _listed(api_version: str, kind: str, items: Iterable[dict[str, Any]]) -> Iterator[Manifest]:
    """The items of a list, which leaves out of each what it says itself."""
    return ({"apiVersion": api_version, "kind": kind, **as_manifest(item)} for item in items)


async def _ingresses(kube: Kube, namespace: str) -> list[dict[str, Any]]:
    """Those of a namespace; none where they may not be read, for all that they tell is a host."""
    try:
        return await kube.list("networking.k8s.io/v1", "Ingress", namespace)
    except ApiRefusal:
        return []


def as_manifest(found: dict[str, Any]) -> Manifest:
    """An object of the API without what the server and the controllers have added to say how it is.

    >>> as_manifest({"kind": "Service", "metadata": {"name": "web", "uid": "1"}, "spec": {}, "status": {}})
    {'kind': 'Service', 'metadata': {'name': 'web'}, 'spec': {}}
    """
    metadata = {key: value for key, value in found["metadata"].items() if key not in _OF_THE_SERVER}
    return {**{key: value for key, value in found.items() if key != "status"}, "metadata": metadata}


@asynccontextmanager
async def standing(
    cluster: Cluster, application: Application, namespace: str, folder: Path
) -> AsyncIterator[tuple[dict[str, Any], Changes]]:
    """The workload as the API has it now, and the changes that the block makes of it, which are taken back at its end.

    Nothing is created, and nothing deleted. `folder`: the scenario's.

    Raises:
        ClusterError: it is gone, or the API does not answer.
        LeftBehind: what was changed is not as it was before; says why, and what to do.
    """
    found = await cluster.kube.get("apps/v1", application.kind, application.name, namespace)
    changes = Changes(cluster.kube, found, cluster=cluster.facts.kind, folder=folder)
    try:
        yield found, changes
    except BaseException as error:
        with anyio.CancelScope(shield=True):
            try:
                await changes.end()
            except LeftBehind as left:  # what went wrong first must be said first
                error.add_note(str(left))
        raise
    with anyio.CancelScope(shield=True):
        await changes.end()
