"""A workload's spec and the Services before it -> what is wrong with it, from one table.

A row says when it holds, what is wrong, which values were found, what cause of lost requests it leads to, and what
mends it. Advice, plan, preflight, `check` and errors take their words from here. A new hazard is one row.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.model.result import Cause
from harness.model.run import MeasuredService
from harness.spec import hazards_by_manifest
from harness.spec.around import Around
from harness.spec.gates import learns_late
from harness.spec.hazard import Hazard, HazardId, Row, Severity, Where, told
from harness.spec.readiness import is_probed
from harness.spec.rolling import Strategy
from harness.spec.serving import listens_when_ready
from harness.spec.subject import subject
from harness.spec.workload import Object

__all__ = ["HAZARDS", "Hazard", "HazardId", "Row", "Severity", "hazards", "row"]

_CONTAINER = "spec.template.spec.containers[]"

HAZARDS: tuple[Row, ...] = (
    Row(
        id=HazardId.RECREATE,
        severity=Severity.ERROR,
        holds=lambda it: it.rollout.strategy == Strategy.RECREATE,
        wrong="with strategy Recreate all old pods go before a new one comes",
        found="strategy: {it.rollout.strategy}",
        cause=Cause.NO_ENDPOINTS,
        mend="strategy: RollingUpdate",
        path="spec.strategy.type",
        why="Between the end of the last old pod and the first Ready new one no endpoint is there, and every call is "
        "refused. No preStop and no minReadySeconds closes that gap.",
        gap=True,
        updates=True,
    ),
    Row(
        id=HazardId.MAX_UNAVAILABLE_ALL,
        severity=Severity.ERROR,
        holds=lambda it: (
            it.rolls and it.rollout.kind == "Deployment" and it.rollout.max_unavailable >= it.rollout.replicas
        ),
        wrong="maxUnavailable lets all old pods go before a new one is ready",
        found="{it.rollout.max_unavailable} of {it.rollout.replicas} may be unavailable",
        cause=Cause.NO_ENDPOINTS,
        mend="{it.one_more_first}",
        path="spec.strategy.rollingUpdate",
        why="A number as large as replicas allows it, and so does a percentage that rounds to all of them, or "
        "maxSurge and maxUnavailable that both come to 0 with one replica: Kubernetes then takes maxUnavailable "
        "for 1.",
        gap=True,
        updates=True,
    ),
    Row(
        id=HazardId.LONE_STATEFUL_POD,
        severity=Severity.ERROR,
        holds=lambda it: it.is_lone_stateful and not it.scales,
        wrong="its only pod goes before the new one comes",
        found="replicas: {it.rollout.replicas}",
        cause=Cause.NO_ENDPOINTS,
        mend="more than 1 replica",
        path="spec.replicas",
        why="A StatefulSet has no maxSurge: a pod goes before the one of the same name comes. With one replica nobody "
        "serves meanwhile.",
        gap=True,
    ),
    Row(
        id=HazardId.LONE_POD,
        severity=Severity.WARNING,
        holds=lambda it: (
            it.rollout.kind == "Deployment" and it.rollout.replicas == 1 and (it.takes_pods or it.around is not None)
        ),
        wrong="an eviction or a crash takes its only pod before another comes",
        found="replicas: {it.rollout.replicas}",
        cause=Cause.NO_ENDPOINTS,
        mend="more than 1 replica",
        path="spec.replicas",
        why="A rolling update with maxSurge brings the new pod first. An eviction, a drain of its node or a crash "
        "does not: until another is Ready nobody serves.",
        source="https://kubernetes.io/docs/concepts/workloads/pods/disruptions/",
        gap=True,
    ),
    Row(
        id=HazardId.NO_READINESS_PROBE,
        severity=Severity.ERROR,
        holds=lambda it: not is_probed(it.pod),
        wrong="without a readiness probe a pod is Ready before it listens",
        found="no container has a readinessProbe",
        cause=Cause.CREATION_RACE,
        mend="a readiness probe on every container",
        path=f"{_CONTAINER}.readinessProbe",
        why="Without one a pod counts as Ready as soon as its containers run. Calls are sent to it while it still "
        "starts, and old pods go for it.",
    ),
    Row(
        id=HazardId.PROBE_ON_ANOTHER_PORT,
        severity=Severity.ERROR,
        holds=lambda it: bool(it.targets) and it.all_probes_connect and not listens_when_ready(it.pod, it.targets),
        wrong="its readiness probe looks at another port than the one that serves",
        found="the probe asks {it.probed}, the Service sends to {it.sent_to}",
        cause=Cause.CREATION_RACE,
        mend="a readiness probe of the port that serves",
        path=f"{_CONTAINER}.readinessProbe",
        why="Ready then says that another port answers. The one that serves may open later, and calls to it are "
        "refused until then.",
    ),
    Row(
        id=HazardId.NO_PRESTOP,
        severity=Severity.ERROR,
        holds=lambda it: bool(it.unhooked),
        wrong="without a preStop hook a pod stops listening while requests are still sent to it",
        found="no preStop in {it.unhooked}",
        cause=Cause.TERMINATION_RACE,
        mend="a preStop hook that sleeps until the network has learnt of it",
        path=f"{_CONTAINER}.lifecycle.preStop",
        containers=lambda it: it.without_hook,
        why="The stop signal and the news of it set out at the same time. Most servers close their listener at once; "
        "kube-proxy, an ingress or a balancer goes on sending until it has learnt of it. A hook that sleeps keeps "
        "the listener open for that long.",
    ),
    Row(
        id=HazardId.PRESTOP_OUTLASTS_GRACE,
        severity=Severity.ERROR,
        holds=lambda it: it.hook_s > 0 and it.hook_s >= it.grace_s,
        wrong="its preStop hook leaves nothing of the grace period for the work that is under way",
        found="the hook takes {it.hook_s:g} s, terminationGracePeriodSeconds is {it.grace_s:g}",
        cause=Cause.IN_FLIGHT_KILL,
        mend="terminationGracePeriodSeconds above {it.hook_s:g}",
        path="spec.template.spec.terminationGracePeriodSeconds",
        why="The countdown of the grace period starts before the hook does. When it is over the hook is cut off, and "
        "the process is killed 2 s after its stop signal, with the calls that it has in hand.",
    ),
    Row(
        id=HazardId.NO_MIN_READY,
        severity=Severity.WARNING,
        holds=lambda it: it.rolls and it.rollout.min_ready_s == 0 and not learns_late(it),
        wrong="an old pod goes as soon as a new one is Ready, before the network has learnt of that one",
        found="minReadySeconds: {it.rollout.min_ready_s:g}",
        cause=Cause.CREATION_RACE,
        mend="minReadySeconds for as long as that takes",
        path="spec.minReadySeconds",
        why="Through a ClusterIP the news of the new pod and of the old one's end mostly come in one sync, and "
        "preStop covers both. Where they do not, on a busy cluster or through anything else that learns of pods "
        "by itself, the new pod is not known yet when the old one stops.",
        source="https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#min-ready-seconds",
        updates=True,
    ),
    Row(
        id=HazardId.PROGRESS_DEADLINE_TOO_SHORT,
        severity=Severity.ERROR,
        holds=lambda it: it.rollout.progress_deadline_s is not None and it.rollout.progress_deadline_s <= it.step_s,
        wrong="its progress deadline is over before one step can be",
        found="progressDeadlineSeconds: {it.rollout.progress_deadline_s:g}, a step takes at least {it.step_s:g} s",
        cause=None,
        mend="progressDeadlineSeconds above {it.step_s:g}",
        path="spec.progressDeadlineSeconds",
        why="`kubectl rollout status` fails with `exceeded its progress deadline`, and so does the pipeline, however "
        "well the rollout goes.",
        source="https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#progress-deadline-seconds",
        updates=True,
    ),
    Row(
        id=HazardId.ON_DELETE,
        severity=Severity.WARNING,
        holds=lambda it: it.rollout.strategy == Strategy.ON_DELETE,
        wrong="with updateStrategy OnDelete an update replaces no pod until somebody deletes it",
        found="updateStrategy: {it.rollout.strategy}",
        cause=None,
        mend="updateStrategy: RollingUpdate, or a disruption that takes its pods (delete-pod, evict, drain)",
        path="spec.updateStrategy.type",
        why="What is rolled out is not what runs: pods keep their revision until somebody, or an eviction, deletes "
        "them.",
        source="https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#update-strategies",
        blocks=True,
        updates=True,
    ),
    Row(
        id=HazardId.PAUSED,
        severity=Severity.WARNING,
        holds=lambda it: it.rollout.paused,
        wrong="while it is paused an update replaces no pod",
        found="paused: true",
        cause=None,
        mend="paused: false",
        path="spec.paused",
        why="Changes of the pod template are collected and not rolled out.",
        source="https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#pausing-and-resuming-a-deployment",
        blocks=True,
    ),
    # Alpha since 1.24, beta since 1.35 (kubernetes/enhancements#961); a real 1.36.2 had the gate off.
    Row(
        id=HazardId.STATEFUL_MAX_UNAVAILABLE,
        severity=Severity.NOTE,
        holds=lambda it: it.rolls and it.rollout.stateful_unavailable not in (None, 1),
        wrong="a StatefulSet's maxUnavailable is dropped where the feature gate MaxUnavailableStatefulSet is off, and "
        "one pod is replaced at a time; where it is on, so many go at once",
        found="maxUnavailable: {it.rollout.stateful_unavailable}",
        cause=None,
        mend="maxUnavailable: 1",
        path="spec.updateStrategy.rollingUpdate.maxUnavailable",
        why="The same manifest rolls differently on two clusters.",
        source="https://github.com/kubernetes/enhancements/issues/961",
        updates=True,
    ),
    Row(
        id=HazardId.PARTITION,
        severity=Severity.NOTE,
        holds=lambda it: it.rolls and 0 < it.rollout.partition < it.rollout.replicas,
        wrong="ordinals below its partition keep their revision",
        found="partition: {it.rollout.partition}, replicas: {it.rollout.replicas}",
        cause=None,
        mend="partition: 0",
        path="spec.updateStrategy.rollingUpdate.partition",
        why="Two revisions serve side by side until the partition is taken away.",
        source="https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#partitions",
        updates=True,
    ),
    Row(
        id=HazardId.PARTITION_KEEPS_ALL,
        severity=Severity.WARNING,
        holds=lambda it: it.rolls and it.rollout.partition >= it.rollout.replicas,
        wrong="an update replaces no pod, for its partition keeps them all",
        found="partition: {it.rollout.partition}, replicas: {it.rollout.replicas}",
        cause=None,
        mend="partition: 0",
        path="spec.updateStrategy.rollingUpdate.partition",
        why="An update changes nothing of what runs.",
        source="https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#partitions",
        blocks=True,
        updates=True,
    ),
    Row(
        id=HazardId.HEADLESS,
        severity=Severity.NOTE,
        holds=lambda it: bool(it.headless),
        wrong="no request can be sent to a ClusterIP that there is not: what a client resolves is the pods themselves",
        found="clusterIP: None in Service {it.headless}",
        cause=None,
        mend="a Service with a ClusterIP",
        path="spec.clusterIP",
        where=Where.SERVICE,
        why="Clients resolve the addresses of pods and keep them as long as they like, for which no setting of the "
        "workload makes up.",
        source="https://kubernetes.io/docs/concepts/services-networking/service/#headless-services",
        blocks=True,
    ),
    Row(
        id=HazardId.HOST_NETWORK,
        severity=Severity.WARNING,
        holds=lambda it: bool(it.pod.get("hostNetwork")),
        wrong="on the node's own network a new pod needs the port that an old one holds",
        found="hostNetwork: true",
        cause=None,
        mend="hostNetwork: false",
        path="spec.template.spec.hostNetwork",
        why="With maxSurge the new pod waits for a node on which no old one runs, and the rollout with it.",
        source="https://kubernetes.io/docs/concepts/configuration/overview/#services",
    ),
    Row(
        id=HazardId.HOST_PORT,
        severity=Severity.WARNING,
        holds=lambda it: bool(it.host_ports),
        wrong="on the same node a new pod cannot have the port of the node that an old one holds",
        found="hostPort: {it.host_ports}",
        cause=None,
        mend="no hostPort, but a Service",
        path=f"{_CONTAINER}.ports[].hostPort",
        why="With maxSurge the new pod waits for a node on which no old one runs, and the rollout with it.",
        source="https://kubernetes.io/docs/concepts/configuration/overview/#services",
    ),
    *hazards_by_manifest.ROWS,
)
"""All hazards, in the order in which they are told."""


def hazards(
    workload: Object,
    services: Iterable[Object],
    *,
    measured: MeasuredService | None = None,
    replicas: int | None = None,
    disruption: str | None = None,
    around: Around | None = None,
) -> tuple[Hazard, ...]:
    """What is wrong with a workload behind these Services, in the table's order.

    `measured`: the one port of theirs that counts; without it all do. `replicas`: instead of the workload's own.
    `disruption`: the name of what is done to it, a rolling update where None. `around`: where it is judged by its
    manifest alone, what is known of its surroundings.
    """
    it = subject(workload, services, measured=measured, replicas=replicas, disruption=disruption, around=around)
    return tuple(told(row, it) for row in HAZARDS if row.holds(it) and not (row.updates and it.keeps_template))


def row(hazard: HazardId) -> Row:
    """The row of that name."""
    return next(row for row in HAZARDS if row.id is hazard)
