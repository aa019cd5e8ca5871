"""What a run would create in a namespace that is there -> what the API says of it, asked by a dry run on the server.

So everything has its say that would have it later, without a change: validation, quotas, limits, Pod Security, webhooks
and policies; and what they would change can be seen.
https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.kube.client import Kube
from harness.kube.errors import ApiRefusal
from harness.kube.in_cluster import IN_CLUSTER
from harness.manifests.patch import in_namespace
from harness.preflight.finding import Finding, Weight
from harness.preflight.intent import Intent
from harness.preflight.rights import known_kind
from harness.spec.readback import changed, pod_changed
from harness.spec.workload import Object, pod_spec, spec_of

_NEW = "rollout-harness-preflight"
_CONFLICT, _BAD_REQUEST = 409, 400
_NO_DRY_RUN = "dry run"
_NOT_YET = ("error looking up service account", "no PriorityClass with name", "RuntimeClass")
"""Refusals of a lone pod for want of what may stand among the manifests."""


@dataclass(slots=True)
class Rehearsal:
    """What was found. `pods`: the application's and the worker's as the API would make them."""

    found: list[Finding] = field(default_factory=list)
    pods: dict[str, Object] = field(default_factory=dict)


async def rehearse(kube: Kube, intent: Intent, namespace: str) -> Rehearsal:
    """Send everything that the run would create, and a pod of its template, as a dry run.

    Raises:
        ClusterError: the API does not answer.
    """
    rehearsal = Rehearsal()
    target = intent.application.target
    if not intent.there:
        for manifest in intent.application.manifests:
            await _manifest(kube, manifest, namespace, intent, rehearsal)
    pod = _pod_of(target)
    made = await _pod(kube, pod, namespace, f"a pod of {target['kind']} {intent.application.name}", rehearsal)
    if made is not None:
        rehearsal.pods["application"] = made
        if not intent.there:
            said = tuple(pod_changed(pod["spec"], made["spec"]))
            rehearsal.found += list(_told(f"a pod of {target['kind']} {intent.application.name}", said))
    for worker in intent.worker_pods[:1]:  # the others differ by their names
        made = await _pod(kube, dict(worker), namespace, "the load worker's Pod", rehearsal)
        if made is not None:
            rehearsal.pods["worker"] = made
    return rehearsal


async def rehearse_namespace(kube: Kube, name: str | None) -> Rehearsal:
    """Ask for a new namespace in the same way; nothing can be rehearsed in one that is not there.

    Raises:
        ClusterError: the API does not answer.
    """
    rehearsal = Rehearsal()
    metadata = {"name": name or _NEW, "labels": {"app.kubernetes.io/managed-by": "rollout-harness"}}
    try:
        await _created(kube, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}, "")
    except ApiRefusal as refused:
        if not _says_nothing(refused):
            rehearsal.found.append(_refused("a new namespace", refused))
    return rehearsal


async def _manifest(kube: Kube, manifest: Object, namespace: str, intent: Intent, rehearsal: Rehearsal) -> None:
    named = f"{manifest['kind']} {manifest['metadata']['name']}"
    if await known_kind(kube, manifest) is None:
        return  # a definition among the manifests brings it
    try:
        made = await _created(kube, in_namespace(manifest, namespace, intent.application.manifests), namespace)
    except ApiRefusal as refused:
        if refused.status == _CONFLICT:
            rehearsal.found.append(
                Finding(
                    weight=Weight.BLOCKS,
                    words=f"{named} is there already in namespace {namespace}",
                    mend="Name another namespace, or roll what is there.",
                )
            )
        elif not _says_nothing(refused):
            rehearsal.found.append(_refused(named, refused))
        return
    rehearsal.found += list(_told(named, changed(manifest, made)))


async def _pod(kube: Kube, pod: Object, namespace: str, named: str, rehearsal: Rehearsal) -> Object | None:
    try:
        return await _created(kube, pod, namespace)
    except ApiRefusal as refused:
        if refused.reason == "AlreadyExists":
            rehearsal.found.append(
                Finding(
                    weight=Weight.BLOCKS,
                    words=f"{named} of another run is there already in namespace {namespace}",
                    mend=f"Wait for that run to end. Of one that was killed: {_cleaning(kube, namespace)}",
                )
            )
        elif not _says_nothing(refused) and not any(word in refused.message for word in _NOT_YET):
            rehearsal.found.append(_refused(named, refused))
        return None


def _cleaning(kube: Kube, namespace: str) -> str:
    """The command that removes what a killed run left in the namespace."""
    cluster = shlex.quote(f"context:{kube.access.context or IN_CLUSTER}")
    return f"rollout-harness clean --cluster {cluster} --namespace {namespace} --yes"


def _refused(named: str, refused: ApiRefusal) -> Finding:
    return Finding(weight=Weight.BLOCKS, words=f"{named} would be refused: {refused.message}", mend=refused.do)


def _says_nothing(refused: ApiRefusal) -> bool:
    """Whether it is about the dry run itself: a webhook with effects of its own does not take part in one."""
    return refused.status == _BAD_REQUEST and _NO_DRY_RUN in refused.message


def _told(named: str, differences: Sequence[str]) -> Iterator[Finding]:
    if differences:
        yield Finding(
            weight=Weight.MIND,
            words=f"this cluster changes {named}: {'; '.join(differences)}",
            mend="The verdict is about what stands, not about what is written.",
        )


def _pod_of(workload: Object) -> dict[str, Any]:
    metadata: Object = (spec_of(workload).get("template") or {}).get("metadata") or {}
    kept = {key: metadata[key] for key in ("labels", "annotations") if metadata.get(key)}
    name = f"{str(workload['metadata']['name'])[:40].rstrip('-.')}-preflight"
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**kept, "name": name}, "spec": dict(pod_spec(workload))}


async def _created(kube: Kube, manifest: Object, namespace: str) -> Object:
    resource = await kube.resource(manifest["apiVersion"], manifest["kind"])
    query = {"dryRun": "All", "fieldValidation": "Warn"}
    return await kube.request("POST", resource.path(namespace), query=query, body=dict(manifest), changes=False)
