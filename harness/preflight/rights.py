"""What a run does with a cluster's API -> the rights that it needs there, and those that its user lacks.

Asked by SelfSubjectAccessReview, all at once; every authenticated user may create them (ClusterRole system:basic-user):
https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import anyio

from harness.errors import ClusterError
from harness.kube.client import Kube, Resource
from harness.kube.errors import ApiRefusal, NoAnswer, is_not_found
from harness.model.disruption_table import row
from harness.preflight.intent import Intent
from harness.spec.workload import Object

_AT_A_TIME = 8
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Right:
    """One verb on one resource: `resource` is the plural, with its subresource after a slash. `cluster`: not in a
    namespace."""

    group: str
    resource: str
    verb: str
    cluster: bool = False

    @property
    def named(self) -> str:
        """As `kubectl auth can-i` takes it: "create pods", "get pods/log", "patch deployments.apps"."""
        plural, slash, subresource = self.resource.partition("/")
        qualified = f"{plural}.{self.group}" if self.group else plural
        return f"{self.verb} {qualified}{slash}{subresource}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """Rights that the user has not; `unknown`: why they could not be asked for, empty where they were."""

    needed: tuple[Right, ...] = ()
    useful: tuple[Right, ...] = ()
    unknown: str = ""


@dataclass(slots=True)
class _Rights:
    found: dict[Right, None] = field(default_factory=dict)

    def add(self, api_version: str, resource: str, verbs: str, *, cluster: bool = False) -> None:
        group = api_version.rpartition("/")[0]
        for verb in verbs.split():
            self.found[Right(group=group, resource=resource, verb=verb, cluster=cluster)] = None


async def needed_rights(kube: Kube, intents: Iterable[Intent]) -> tuple[Right, ...]:
    """What the runs cannot do without; of kinds that the cluster does not have, nothing.

    Raises:
        ClusterError: the API does not answer.
    """
    rights, intents = _Rights(), tuple(intents)
    for intent in intents:
        await _of_application(kube, intent, rights)
        _of_watches(intent, rights)
        _of_load(intent, rights)
        if intent.namespace is not None:
            rights.add("coordination.k8s.io/v1", "leases", "create get patch delete")
    made = of_new_namespace() if any(intent.namespace is None for intent in intents) else ()
    return (*rights.found, *made)


def of_new_namespace() -> tuple[Right, ...]:
    """What making a namespace needs, and taking it away again."""
    rights = _Rights()
    rights.add("v1", "namespaces", "create get delete", cluster=True)
    return tuple(rights.found)


async def _of_application(kube: Kube, intent: Intent, rights: _Rights) -> None:
    target = intent.application.target
    resource = (await kube.resource(target["apiVersion"], target["kind"])).plural
    if intent.there:
        rights.add(target["apiVersion"], resource, "get")
    else:
        for manifest in intent.application.manifests:
            if (known := await known_kind(kube, manifest)) is not None:
                rights.add(manifest["apiVersion"], known.plural, "create delete", cluster=not known.namespaced)
    if row(intent.disruption).patches or (intent.disruption == "scale" and intent.there):  # owners are put back there
        rights.add(target["apiVersion"], resource, "patch")
    if intent.disruption == "scale":
        rights.add(target["apiVersion"], f"{resource}/scale", "patch")
        rights.add(target["apiVersion"], resource, "get")
    if intent.disruption == "delete-pod":
        rights.add("v1", "pods", "delete")
    if row(intent.disruption).evicts:
        rights.add("v1", "pods/eviction", "create")
    if intent.disruption == "drain":
        rights.add("v1", "nodes", "list patch", cluster=True)


async def known_kind(kube: Kube, manifest: Object) -> Resource | None:
    """How the cluster addresses the manifest's kind; None where it does not have it.

    Raises:
        ClusterError: the API does not answer.
    """
    try:
        return await kube.resource(manifest["apiVersion"], manifest["kind"])
    except NoAnswer:
        raise
    except ClusterError as error:
        if isinstance(error, ApiRefusal) and not is_not_found(error):
            raise
        return None


def _of_watches(intent: Intent, rights: _Rights) -> None:
    for api_version, resource in (
        ("apps/v1", "deployments" if intent.application.kind == "Deployment" else "statefulsets"),
        ("apps/v1", "replicasets" if intent.application.kind == "Deployment" else "controllerrevisions"),
        ("v1", "pods"),
        ("v1", "services"),
        ("discovery.k8s.io/v1", "endpointslices"),
        ("v1", "events"),
    ):
        rights.add(api_version, resource, "list watch")


def _of_load(intent: Intent, rights: _Rights) -> None:
    rights.add("v1", "services", "get")
    if intent.worker:
        rights.add("v1", "secrets", "create delete")
        rights.add("v1", "pods", "create get delete")
        rights.add("v1", "pods/log", "get")
        if len(intent.worker_pods) > 1:  # that is how they are told when to begin
            rights.add("v1", "pods/proxy", "get")
    if intent.churn:
        rights.add("v1", "services", "create delete")
        rights.add("discovery.k8s.io/v1", "endpointslices", "create patch delete")


def useful_rights(intents: Iterable[Intent]) -> tuple[Right, ...]:
    """What a run goes on without, and says so: the sign of life of a worker that is alone."""
    rights = _Rights()
    if any(len(intent.worker_pods) == 1 for intent in intents):
        rights.add("v1", "pods/proxy", "get")
    return tuple(rights.found)


async def lacking(kube: Kube, namespace: str | None, needed: Iterable[Right], useful: Iterable[Right] = ()) -> Lacking:
    """Those of the rights that this user has not in the namespace; None: in every namespace, for a new one.

    Raises:
        ClusterError: the API does not answer.
    """
    needed, useful = tuple(needed), tuple(useful)
    answers: dict[Right, bool] = {}
    refused: list[str] = []
    limit = anyio.CapacityLimiter(_AT_A_TIME)

    async def ask(right: Right) -> None:
        async with limit:
            try:
                answers[right] = not refused and await _may(kube, namespace, right)
            except ApiRefusal as refusal:
                refused.append(refusal.seen)

    async with anyio.create_task_group() as tasks:
        for right in dict.fromkeys((*needed, *useful)):
            tasks.start_soon(ask, right)
    if refused:
        return Lacking(unknown=refused[0])
    return Lacking(
        needed=tuple(right for right in needed if not answers[right]),
        useful=tuple(right for right in useful if not answers[right]),
    )


async def _may(kube: Kube, namespace: str | None, right: Right) -> bool:
    plural, _, subresource = right.resource.partition("/")
    attributes = {"group": right.group, "resource": plural, "verb": right.verb}
    attributes |= {"subresource": subresource} if subresource else {}
    attributes |= {"namespace": namespace} if namespace and not right.cluster else {}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    status = (await kube.request("POST", _REVIEWS, body=review, changes=False)).get("status") or {}
    return bool(status.get("allowed"))


def shown(rights: Iterable[Right]) -> str:
    """Rights for people, those of one resource together: "create and delete secrets, get pods/log".

    >>> read = [Right(group="apps", resource="deployments", verb=verb) for verb in ("list", "watch")]
    >>> shown(read)
    'list and watch deployments.apps'
    """
    verbs: dict[str, list[str]] = {}
    for right in rights:
        verbs.setdefault(right.named.partition(" ")[2], []).append(right.verb)
    return ", ".join(f"{_and(words)} {resource}" for resource, words in verbs.items())


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
