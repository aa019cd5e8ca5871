"""A workload's spec and the Services before it -> what is wrong with it, from one table.

A row says when it holds, what is wrong, which values were found, what cause of lost requests it leads to, and what
mends it. Advice, plan, preflight and errors take their words from here. A new hazard is one row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from harness.model.result import Cause
from harness.model.run import MeasuredService
from harness.spec.readiness import is_probed
from harness.spec.rolling import Strategy
from harness.spec.serving import listens_when_ready
from harness.spec.subject import Subject, subject
from harness.spec.workload import Object

_CONTAINER = "spec.template.spec.containers[]"


class HazardId(StrEnum):
    """The name of each row."""

    RECREATE = "recreate"
    MAX_UNAVAILABLE_ALL = "max-unavailable-all"
    LONE_STATEFUL_POD = "lone-stateful-pod"
    LONE_POD = "lone-pod"
    NO_READINESS_PROBE = "no-readiness-probe"
    PROBE_ON_ANOTHER_PORT = "probe-on-another-port"
    NO_PRESTOP = "no-prestop"
    PRESTOP_OUTLASTS_GRACE = "prestop-outlasts-grace"
    NO_MIN_READY = "no-min-ready"
    PROGRESS_DEADLINE_TOO_SHORT = "progress-deadline-too-short"
    ON_DELETE = "on-delete"
    PAUSED = "paused"
    STATEFUL_MAX_UNAVAILABLE = "stateful-max-unavailable"
    PARTITION = "partition"
    PARTITION_KEEPS_ALL = "partition-keeps-all"
    HEADLESS = "headless"
    HOST_NETWORK = "host-network"
    HOST_PORT = "host-port"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One hazard; the words are format strings over the `Subject` as `it`.

    `wrong`: what is wrong. `found`: the values that make it so. `cause`: of the requests that it loses; None where it
    keeps a rollout from going on. `mend`: what mends it, and `path`: where in the manifest. `gap`: it leaves a moment
    without any pod that serves, which no preStop and no minReadySeconds closes. `blocks`: while it holds, nothing can
    be measured: no pod is replaced, or no request reaches one. `updates`: it is about how an update rolls, which a
    disruption that leaves the pod template as it is does not meet.
    """

    id: HazardId
    holds: Callable[[Subject], bool]
    wrong: str
    found: str
    cause: Cause | None
    mend: str
    path: str
    gap: bool = False
    blocks: bool = False
    updates: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """A row that holds for a spec, in words; see `Row`."""

    id: HazardId
    wrong: str
    found: str
    cause: Cause | None
    mend: str
    path: str
    gap: bool
    blocks: bool

    @property
    def sentence(self) -> str:
        """What is wrong, with the values found."""
        return f"{self.wrong} ({self.found})"


HAZARDS: tuple[Row, ...] = (
    Row(
        id=HazardId.RECREATE,
        holds=lambda it: it.rollout.strategy == Strategy.RECREATE,
        wrong="with strategy Recreate all old pods go before a new one comes",
        found="strategy: {it.rollout.strategy}",
        cause=Cause.NO_ENDPOINTS,
        mend="strategy: RollingUpdate",
        path="spec.strategy.type",
        gap=True,
        updates=True,
    ),
    Row(
        id=HazardId.MAX_UNAVAILABLE_ALL,
        holds=lambda it: (
            it.rolls and it.rollout.kind == "Deployment" and it.rollout.max_unavailable >= it.rollout.replicas
        ),
        wrong="maxUnavailable lets all old pods go before a new one is ready",
        found="{it.rollout.max_unavailable} of {it.rollout.replicas} may be unavailable",
        cause=Cause.NO_ENDPOINTS,
        mend="{it.one_more_first}",
        path="spec.strategy.rollingUpdate",
        gap=True,
        updates=True,
    ),
    Row(
        id=HazardId.LONE_STATEFUL_POD,
        holds=lambda it: it.is_lone_stateful and not it.scales,
        wrong="its only pod goes before the new one comes",
        found="replicas: {it.rollout.replicas}",
        cause=Cause.NO_ENDPOINTS,
        mend="more than 1 replica",
        path="spec.replicas",
        gap=True,
    ),
    Row(
        id=HazardId.LONE_POD,
        holds=lambda it: it.rollout.kind == "Deployment" and it.rollout.replicas == 1 and it.takes_pods,
        wrong="its only pod goes before another comes",
        found="replicas: {it.rollout.replicas}",
        cause=Cause.NO_ENDPOINTS,
        mend="more than 1 replica",
        path="spec.replicas",
        gap=True,
    ),
    Row(
        id=HazardId.NO_READINESS_PROBE,
        holds=lambda it: not is_probed(it.pod),
        wrong="without a readiness probe a pod is Ready before it listens",
        found="no container has a readinessProbe",
        cause=Cause.CREATION_RACE,
        mend="a readiness probe on every container",
        path=f"{_CONTAINER}.readinessProbe",
    ),
    Row(
        id=HazardId.PROBE_ON_ANOTHER_PORT,
        holds=lambda it: bool(it.targets) and it.all_probes_connect and not listens_when_ready(it.pod, it.targets),
        wrong="its readiness probe looks at another port than the one that serves",
        found="the probe asks {it.probed}, the Service sends to {it.sent_to}",
        cause=Cause.CREATION_RACE,
        mend="a readiness probe of the port that serves",
        path=f"{_CONTAINER}.readinessProbe",
    ),
    Row(
        id=HazardId.NO_PRESTOP,
        holds=lambda it: bool(it.unhooked),
        wrong="without a preStop hook a pod stops listening while requests are still sent to it",
        found="no preStop in {it.unhooked}",
        cause=Cause.TERMINATION_RACE,
        mend="a preStop hook that sleeps until the network has learnt of it",
        path=f"{_CONTAINER}.lifecycle.preStop",
    ),
    Row(
        id=HazardId.PRESTOP_OUTLASTS_GRACE,
        holds=lambda it: it.hook_s > 0 and it.hook_s >= it.grace_s,
        wrong="its preStop hook leaves nothing of the grace period for the work that is under way",
        found="the hook takes {it.hook_s:g} s, terminationGracePeriodSeconds is {it.grace_s:g}",
        cause=Cause.IN_FLIGHT_KILL,
        mend="terminationGracePeriodSeconds above {it.hook_s:g}",
        path="spec.template.spec.terminationGracePeriodSeconds",
    ),
    Row(
        id=HazardId.NO_MIN_READY,
        holds=lambda it: it.rolls and it.rollout.min_ready_s == 0,
        wrong="an old pod goes as soon as a new one is Ready, before the network has learnt of that one",
        found="minReadySeconds: {it.rollout.min_ready_s:g}",
        cause=Cause.CREATION_RACE,
        mend="minReadySeconds for as long as that takes",
        path="spec.minReadySeconds",
        updates=True,
    ),
    Row(
        id=HazardId.PROGRESS_DEADLINE_TOO_SHORT,
        holds=lambda it: it.rollout.progress_deadline_s is not None and it.rollout.progress_deadline_s <= it.step_s,
        wrong="its progress deadline is over before one step can be",
        found="progressDeadlineSeconds: {it.rollout.progress_deadline_s:g}, a step takes at least {it.step_s:g} s",
        cause=None,
        mend="progressDeadlineSeconds above {it.step_s:g}",
        path="spec.progressDeadlineSeconds",
        updates=True,
    ),
    Row(
        id=HazardId.ON_DELETE,
        holds=lambda it: it.rollout.strategy == Strategy.ON_DELETE,
        wrong="with updateStrategy OnDelete an update replaces no pod until somebody deletes it",
        found="updateStrategy: {it.rollout.strategy}",
        cause=None,
        mend="updateStrategy: RollingUpdate, or a disruption that takes its pods (delete-pod, evict, drain)",
        path="spec.updateStrategy.type",
        blocks=True,
        updates=True,
    ),
    Row(
        id=HazardId.PAUSED,
        holds=lambda it: it.rollout.paused,
        wrong="while it is paused an update replaces no pod",
        found="paused: true",
        cause=None,
        mend="paused: false",
        path="spec.paused",
        blocks=True,
    ),
    # Alpha since 1.24, beta since 1.35 (kubernetes/enhancements#961); a real 1.36.2 had the gate off.
    Row(
        id=HazardId.STATEFUL_MAX_UNAVAILABLE,
        holds=lambda it: it.rolls and it.rollout.stateful_unavailable not in (None, 1),
        wrong="a StatefulSet's maxUnavailable is dropped where the feature gate MaxUnavailableStatefulSet is off, and "
        "one pod is replaced at a time; where it is on, so many go at once",
        found="maxUnavailable: {it.rollout.stateful_unavailable}",
        cause=None,
        mend="maxUnavailable: 1",
        path="spec.updateStrategy.rollingUpdate.maxUnavailable",
        updates=True,
    ),
    Row(
        id=HazardId.PARTITION,
        holds=lambda it: it.rolls and 0 < it.rollout.partition < it.rollout.replicas,
        wrong="ordinals below its partition keep their revision",
        found="partition: {it.rollout.partition}, replicas: {it.rollout.replicas}",
        cause=None,
        mend="partition: 0",
        path="spec.updateStrategy.rollingUpdate.partition",
        updates=True,
    ),
    Row(
        id=HazardId.PARTITION_KEEPS_ALL,
        holds=lambda it: it.rolls and it.rollout.partition >= it.rollout.replicas,
        wrong="an update replaces no pod, for its partition keeps them all",
        found="partition: {it.rollout.partition}, replicas: {it.rollout.replicas}",
        cause=None,
        mend="partition: 0",
        path="spec.updateStrategy.rollingUpdate.partition",
        blocks=True,
        updates=True,
    ),
    Row(
        id=HazardId.HEADLESS,
        holds=lambda it: bool(it.headless),
        wrong="no request can be sent to a ClusterIP that there is not: what a client resolves is the pods themselves",
        found="clusterIP: None in Service {it.headless}",
        cause=None,
        mend="a Service with a ClusterIP",
        path="spec.clusterIP",
        blocks=True,
    ),
    Row(
        id=HazardId.HOST_NETWORK,
        holds=lambda it: bool(it.pod.get("hostNetwork")),
        wrong="on the node's own network a new pod needs the port that an old one holds",
        found="hostNetwork: true",
        cause=None,
        mend="hostNetwork: false",
        path="spec.template.spec.hostNetwork",
    ),
    Row(
        id=HazardId.HOST_PORT,
        holds=lambda it: bool(it.host_ports),
        wrong="on the same node a new pod cannot have the port of the node that an old one holds",
        found="hostPort: {it.host_ports}",
        cause=None,
        mend="no hostPort, but a Service",
        path=f"{_CONTAINER}.ports[].hostPort",
    ),
)
"""All hazards, in the order in which they are told."""


def hazards(
    workload: Object,
    services: Iterable[Object],
    *,
    measured: MeasuredService | None = None,
    replicas: int | None = None,
    disruption: str | None = None,
) -> tuple[Hazard, ...]:
    """What is wrong with a workload behind these Services, in the table's order.

    `measured`: the one port of theirs that counts; without it all do. `replicas`: instead of the workload's own.
    `disruption`: the name of what is done to it, a rolling update where None.
    """
    it = subject(workload, services, measured=measured, replicas=replicas, disruption=disruption)
    return tuple(_told(row, it) for row in HAZARDS if row.holds(it) and not (row.updates and it.keeps_template))


def row(hazard: HazardId) -> Row:
    """The row of that name."""
    return next(row for row in HAZARDS if row.id is hazard)


def _told(row: Row, it: Subject) -> Hazard:
    return Hazard(
        id=row.id,
        wrong=row.wrong.format(it=it),
        found=row.found.format(it=it),
        cause=row.cause,
        mend=row.mend.format(it=it),
        path=row.path,
        gap=row.gap,
        blocks=row.blocks,
    )
