"""An intent and its surroundings -> what is in its way there, from one table: a row says when it holds, and its words.

What is wrong with the workload itself is `harness.spec.hazards`; here is what its namespace does to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from harness.kube.lease import seems_held, who
from harness.kube.namespaces import deleted_since, kept_by
from harness.model.disruption_table import row
from harness.model.run import MeasuredService
from harness.preflight import policies, quota
from harness.preflight.finding import Finding, Weight
from harness.preflight.intent import Intent
from harness.preflight.left_changed import left_changed
from harness.preflight.mesh import mesh
from harness.preflight.owners import owner_of
from harness.preflight.surroundings import Object, Surroundings
from harness.spec.completion import is_complete, is_observed
from harness.spec.nodes import SECOND_NODE, undrainable
from harness.spec.rolling import wanted_replicas
from harness.spec.selector import matches
from harness.spec.serving import target_ports
from harness.spec.workload import containers, pod_spec, spec_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a row looks at. `pods`: the application's and the worker's, as the API would make them where it said so."""

    intent: Intent
    around: Surroundings
    pods: Mapping[str, Object] = field(default_factory=dict)

    @property
    def workload(self) -> Object:
        """The one that is rolled: as it stands, where it is there."""
        return (self.around.target if self.intent.there else None) or self.intent.application.target

    @property
    def named(self) -> str:
        """As people know it."""
        return f"{self.intent.application.kind} {self.intent.application.name}"

    @property
    def template(self) -> Object:
        """Of its pods."""
        return spec_of(self.workload).get("template") or {}

    @property
    def labels(self) -> Mapping[str, str]:
        """Of its pods."""
        return (self.template.get("metadata") or {}).get("labels") or {}


Row = Callable[[Scene], Iterator[Finding]]


def _terminating(scene: Scene) -> Iterator[Finding]:
    namespace = scene.around.namespace or {}
    if since := deleted_since(namespace):
        why = kept_by(namespace)
        rest = f" ({why})" if why else ""
        yield Finding(
            weight=Weight.BLOCKS,
            words=f"namespace {scene.around.name} is being deleted since {since}{rest}",
            mend="Wait until it is gone, or use another namespace.",
        )


def _claimed(scene: Scene) -> Iterator[Finding]:
    lease = scene.around.lease
    if lease is not None and seems_held(lease):
        yield Finding(
            weight=Weight.BLOCKS,
            words=f"another run of the harness has {scene.named}: {who(lease)}",
            mend="Wait until it is over: both would disturb each other.",
        )


def _left_changed(scene: Scene) -> Iterator[Finding]:
    intent, around = scene.intent, scene.around
    if intent.there and around.target is not None:
        found = left_changed(around.target, scene.named, around.lease, intent.restores)
        yield from () if found is None else (found,)


def _no_replicas(scene: Scene) -> Iterator[Finding]:
    if wanted_replicas(spec_of(scene.workload)) == 0:
        yield Finding(
            weight=Weight.BLOCKS, words=f"{scene.named} has no pod to roll (replicas: 0)", mend="Scale it up before."
        )


def _rolling(scene: Scene) -> Iterator[Finding]:
    """One that is on its way, and one that is not: its pods may lack as much as they do in a rollout."""
    target = scene.around.target
    if not scene.intent.there or target is None or is_complete(target):
        return
    status, wanted = target.get("status") or {}, wanted_replicas(spec_of(scene.workload))
    updated, available = status.get("updatedReplicas") or 0, status.get("availableReplicas") or 0
    seen, mend = scene.around.trouble
    if not is_observed(target) or not updated == wanted == (status.get("replicas") or 0):
        state, otherwise = "is rolling already", "Wait until that rollout is complete, or undo it."
    else:
        state, otherwise = "is not up", "Its pods must be up before they are rolled."
    yield Finding(
        weight=Weight.BLOCKS,
        words=f"{scene.named} {state}: {updated} of {wanted} pods updated, {available} available"
        + (f"; {seen}" if seen else ""),
        mend=" ".join(filter(None, (mend, otherwise))),
    )


def _autoscaled(scene: Scene) -> Iterator[Finding]:
    for hpa in scene.around.of("HorizontalPodAutoscaler"):
        spec = spec_of(hpa)
        target = spec.get("scaleTargetRef") or {}
        least, most = spec.get("minReplicas") or 1, spec.get("maxReplicas") or 1
        named = (target.get("kind"), target.get("name"))
        if named == (scene.intent.application.kind, scene.intent.application.name) and least < most:
            yield Finding(
                weight=Weight.MIND,
                words=f"HorizontalPodAutoscaler {hpa['metadata']['name']} scales {scene.named} ({least} to {most}): "
                "the load may make it, and pods that it takes away in the middle of a rollout are not the rollout's",
                mend="Set minReplicas and maxReplicas alike for the run.",
            )


def _quota(scene: Scene) -> Iterator[Finding]:
    yield from quota.too_small(scene.intent, scene.around, scene.pods)


def _network(scene: Scene) -> Iterator[Finding]:
    application = scene.intent.application
    declared = (port for each in containers(pod_spec(scene.workload)) for port in each.get("ports") or ())
    named = {port.get("name"): port.get("containerPort") for port in declared}
    targets = target_ports(
        (application.service,), MeasuredService(name=application.service_name, port=application.port)
    )
    ports = [port for target in targets for port in (target, named.get(target)) if isinstance(port, int | str)]
    namespace: Object = (scene.around.namespace or {}).get("metadata") or {}
    for worker in scene.intent.worker_pods[:1]:
        yield from policies.in_the_way(
            scene.around.of("NetworkPolicy"),
            scene.labels,
            worker["metadata"].get("labels") or {},
            namespace=namespace.get("labels") or {},
            ports=ports,
        )


def _owned(scene: Scene) -> Iterator[Finding]:
    if scene.intent.there and (found := owner_of(scene.around.target)):
        owner, name = found
        yield Finding(
            weight=Weight.MIND,
            words=f"{scene.named} is {owner.tool}'s ({name}): {owner.reverts}",
            mend="Suspend it for the run, where it would.",
        )


def _meshed(scene: Scene) -> Iterator[Finding]:
    name = mesh(scene.around.namespace, scene.template, scene.pods.get("application"))
    if name:
        yield Finding(
            weight=Weight.MIND,
            words=f"its pods are in {name}'s mesh, whose proxies may send a failed request again: a verdict is about "
            "what the mesh's clients see",
            mend="Take it out of the mesh to measure the application alone.",
        )


def _undrainable(scene: Scene) -> Iterator[Finding]:
    if scene.intent.disruption != "drain" or scene.around.nodes is None:
        return
    if words := undrainable(scene.around.nodes, scene.intent.node, there=scene.intent.there):
        yield Finding(weight=Weight.BLOCKS, words=words, mend=SECOND_NODE)


def _budgeted(scene: Scene) -> Iterator[Finding]:
    for budget in scene.around.of("PodDisruptionBudget"):
        if not matches(spec_of(budget).get("selector") or {}, dict(scene.labels)):
            continue
        name, allowed = budget["metadata"]["name"], (budget.get("status") or {}).get("disruptionsAllowed")
        if not row(scene.intent.disruption).evicts:
            yield Finding(weight=Weight.NOTE, words=f"PodDisruptionBudget {name} changes nothing: no rollout asks it")
        elif scene.intent.there and allowed == 0:
            yield Finding(
                weight=Weight.MIND,
                words=f"PodDisruptionBudget {name} allows no disruption now: it holds up every eviction",
                mend="Start more pods, or ask for less availability in it.",
            )


ROWS: tuple[Row, ...] = (
    _terminating,
    _claimed,
    _left_changed,
    _no_replicas,
    _rolling,
    _quota,
    _autoscaled,
    _owned,
    _meshed,
    _network,
    _budgeted,
    _undrainable,
)
"""In the order in which they are told."""


def findings(intent: Intent, around: Surroundings, pods: Mapping[str, Object]) -> tuple[Finding, ...]:
    """All that the table has to say."""
    scene = Scene(intent=intent, around=around, pods=pods)
    return tuple(found for row in ROWS for found in row(scene))
