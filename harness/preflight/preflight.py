"""Intents and a cluster -> all that a preflight found there; nothing was changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from harness.errors import UsageError
from harness.kube.client import Kube
from harness.kube.namespaces import deleted_since
from harness.preflight import rights
from harness.preflight.abilities import unable
from harness.preflight.admission import Rehearsal, rehearse, rehearse_namespace
from harness.preflight.finding import Finding, Weight
from harness.preflight.intent import Intent
from harness.preflight.surroundings import Object, Surroundings, read_surroundings, with_nodes
from harness.preflight.table import findings
from harness.spec.completion import is_complete
from harness.spec.workload import spec_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """What was found, in the order in which it is told. `changes`: what the runs will do, a line each."""

    where: str
    cluster: str = ""
    changes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def told(self) -> tuple[str, ...]:
        """What does not stop the run, a line each."""
        return tuple(found.line for found in self.findings if found.weight is not Weight.BLOCKS)

    def check(self) -> None:
        """Raises UsageError, which says all that stops the run."""
        stops = [found for found in self.findings if found.weight is Weight.BLOCKS]
        if stops:
            raise UsageError(
                f"checking {self.where} before anything is changed",
                "; ".join(found.words for found in stops),
                " ".join(dict.fromkeys(found.mend for found in stops if found.mend)),
            )


Trouble = Callable[[Kube, Object], Awaitable[tuple[str, str]]]
"""Gives what holds up a workload that stands there, and what to do about it; both empty where nothing is known to."""


async def _nothing(_kube: Kube, _workload: Object) -> tuple[str, str]:
    return "", ""


async def preflight(kube: Kube, intents: Iterable[Intent], trouble: Trouble = _nothing) -> Preflight:
    """Look at everything that can be known beforehand of these runs on this cluster.

    `trouble` is asked where an application that is there is not whole.

    Raises:
        ClusterError: the API does not answer, or has not a kind of the manifests.
    """
    intents = tuple(intents)
    version = await kube.version()
    found: list[Finding] = []
    changes: list[str] = []
    around = Surroundings()
    for namespace in dict.fromkeys(intent.namespace for intent in intents):
        mine = tuple(intent for intent in intents if intent.namespace == namespace)
        target = mine[0].application.target
        named = (str(target["apiVersion"]), str(target["kind"]), mine[0].application.name)
        around = await read_surroundings(kube, namespace, named)
        if any(intent.disruption == "drain" for intent in mine):
            around = await with_nodes(kube, around)
        if mine[0].there and around.target is not None and not is_complete(around.target):
            around = replace(around, trouble=await trouble(kube, around.target))
        of_rights = await _of_rights(kube, mine, around)
        found += of_rights
        may = not any(finding.weight is Weight.BLOCKS for finding in of_rights)
        for intent in mine:
            absent = await _of_kinds(kube, intent)
            found += absent
            may = may and not absent
            found += await _of_intent(kube, intent, around, version, may=may)
            changes += _changes(intent, around)
    return Preflight(
        where=_where(kube, around),
        cluster=f"{kube.server}, Kubernetes {version}",
        changes=tuple(dict.fromkeys(changes)),
        findings=tuple(dict.fromkeys(found)),
    )


async def _of_kinds(kube: Kube, intent: Intent) -> list[Finding]:
    """The kinds of its manifests that the cluster does not have, and that no definition among them brings."""
    brought = {
        (spec.get("group"), (spec.get("names") or {}).get("kind"))
        for manifest in intent.application.manifests
        if manifest["kind"] == "CustomResourceDefinition"
        for spec in [spec_of(manifest)]
    }
    kinds = {(m["apiVersion"], m["kind"]): m for m in intent.application.manifests if not intent.there}
    return [
        Finding(
            weight=Weight.BLOCKS,
            words=f"this cluster has no {api_version} {kind}, which {manifest['metadata']['name']} is",
            mend="Install what defines it, or leave it out.",
        )
        for (api_version, kind), manifest in kinds.items()
        if (api_version.rpartition("/")[0], kind) not in brought and await rights.known_kind(kube, manifest) is None
    ]


async def _of_intent(
    kube: Kube, intent: Intent, around: Surroundings, version: str, *, may: bool
) -> tuple[Finding, ...]:
    """`may`: nothing is lacking of what a run needs, so that the API can be asked what it would say."""
    rehearsal = Rehearsal()
    if may and (around.name is None or around.exists is False):
        rehearsal = await rehearse_namespace(kube, around.name)
    elif may and around.name is not None and not deleted_since(around.namespace):
        rehearsal = await rehearse(kube, intent, around.name)
    unknown = () if rehearsal.pods else unable(version, intent.application.target)
    return (*unknown, *rehearsal.found, *findings(intent, around, rehearsal.pods))


def _changes(intent: Intent, around: Surroundings) -> list[str]:
    """What will be done, a line each."""
    application = intent.application
    target = f"{application.kind} {application.name}"
    where = f"namespace {around.name}" if around.name else "a new namespace"
    made = [] if intent.there else [f"{m['kind']} {m['metadata']['name']}" for m in application.manifests]
    made += [_of_load(len(intent.worker_pods))] if intent.worker else []
    made += ["a Service whose endpoints change"] if intent.churn else []
    lines = [f"in {where}: creates {', '.join(made)}, and deletes what it created"] if made else []
    if intent.disruption == "watch":
        return [*lines, f"in {where}: changes nothing of {target}, which others roll"]
    return [*lines, f"in {where}: changes {target} ({intent.disruption})" + ("" if intent.there else ", its own")]


def _of_load(workers: int) -> str:
    return "a Pod and a Secret for the load" if workers == 1 else f"{workers} Pods and as many Secrets for the load"


async def _of_rights(kube: Kube, intents: tuple[Intent, ...], around: Surroundings) -> list[Finding]:
    needed = await rights.needed_rights(kube, intents)
    if around.exists is False and around.name is not None:
        needed = (*needed, *rights.of_new_namespace())
    missing = await rights.lacking(kube, around.name, needed, rights.useful_rights(intents))
    where = f"in namespace {around.name}" if around.name else "in a new namespace"
    found = []
    if missing.unknown:
        found.append(Finding(weight=Weight.MIND, words=f"what this user may do could not be asked ({missing.unknown})"))
    if makes := tuple(right for right in missing.needed if right.resource == "namespaces"):
        found.append(
            Finding(
                weight=Weight.BLOCKS,
                words=f"this user may not {rights.shown(makes)}",
                mend="Give --namespace EXISTING: one that is there, and in which you may.",
            )
        )
    elif missing.needed:
        role = "rbac-there.yaml" if all(intent.there for intent in intents) else "rbac.yaml"
        found.append(
            Finding(
                weight=Weight.BLOCKS,
                words=f"{where} this user may not {rights.shown(missing.needed)}",
                mend=f"Ask for these rights; fixtures/manifests/{role} is a Role with all that a run needs.",
            )
        )
    if missing.useful:
        found.append(
            Finding(
                weight=Weight.MIND,
                words=f"{where} this user may not {rights.shown(missing.useful)}: should the harness be killed, the "
                "load goes on until its planned end",
            )
        )
    if around.unread:
        found.append(
            Finding(
                weight=Weight.MIND,
                words=f"this user may not read {', '.join(around.unread)} {where}: what stands in the way there is not "
                "known",
            )
        )
    return found


def _where(kube: Kube, around: Surroundings) -> str:
    return f"namespace {around.name} of {kube.server}" if around.name else kube.server
