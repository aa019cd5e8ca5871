"""The rows of the table of hazards about how many pods there are, and how an update replaces them."""

from __future__ import annotations

from harness.model.result import Cause
from harness.spec.gates import learns_late
from harness.spec.hazard import HazardId, Row, Severity
from harness.spec.rolling import Strategy

ROWS: tuple[Row, ...] = (
    Row(
        id=HazardId.RECREATE,
        severity=Severity.ERROR,
        holds=lambda it: it.rollout.strategy == Strategy.RECREATE,
        wrong="with strategy Recreate all old pods go before a new one comes",
        found="strategy: {it.rollout.strategy}",
        cause=Cause.NO_ENDPOINTS,
        mend="{it.rolled_instead}",
        path="spec.strategy.type",
        why="Between the end of the last old pod and the first Ready new one no endpoint is there, and every call is "
        "refused. No preStop and no minReadySeconds closes that gap.",
        gap=True,
        updates=True,
        stays=lambda it: it.claims.stays("strategy"),
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
        stays=lambda it: it.claims.stays("maxUnavailable"),
    ),
    Row(
        id=HazardId.LONE_STATEFUL_POD,
        severity=Severity.ERROR,
        holds=lambda it: it.is_lone_stateful and not it.scales,
        wrong="its only pod goes before the new one comes",
        found="{it.count}",
        cause=Cause.NO_ENDPOINTS,
        mend="{it.another_pod}",
        path="spec.replicas",
        why="A StatefulSet has no maxSurge: a pod goes before the one of the same name comes. With one replica nobody "
        "serves meanwhile.",
        gap=True,
        stays=lambda it: it.claims.stays("the number of replicas"),
    ),
    Row(
        id=HazardId.LONE_POD,
        severity=Severity.WARNING,
        holds=lambda it: (
            it.rollout.kind == "Deployment" and it.rollout.replicas == 1 and (it.takes_pods or it.around is not None)
        ),
        wrong="an eviction or a crash takes its only pod before another comes",
        found="{it.count}",
        cause=Cause.NO_ENDPOINTS,
        mend="{it.another_pod}",
        path="spec.replicas",
        why="A rolling update with maxSurge brings the new pod first. An eviction, a drain of its node or a crash "
        "does not: until another is Ready nobody serves.",
        source="https://kubernetes.io/docs/concepts/workloads/pods/disruptions/",
        gap=True,
        stays=lambda it: it.claims.stays("the number of replicas"),
    ),
    Row(
        id=HazardId.NO_MIN_READY,
        severity=Severity.WARNING,
        holds=lambda it: it.rolls and it.rollout.min_ready_s == 0 and not learns_late(it),
        wrong="the next old pod goes as soon as a new one is Ready, before the network has learnt of that one",
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
)
