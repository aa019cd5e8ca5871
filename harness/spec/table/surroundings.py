"""The rows of the table of hazards about what is around a workload, from its Service to the pipeline that rolls it."""

from __future__ import annotations

from harness.model.duration import duration
from harness.model.quantity import things
from harness.model.result import Cause
from harness.spec.around import GATES_LABEL, Targets
from harness.spec.gates import (
    balancer_name,
    counts_on_gates,
    has_targets,
    learns_late,
    waits_for_nobody,
)
from harness.spec.hazard import HazardId, Row, Severity, Where
from harness.spec.serving import named_ports
from harness.spec.subject import Subject

_CONTAINER = "spec.template.spec.containers[]"
_SEED_S = 30.0
_USUAL_PERIOD_S = 1.0
_GATES_PAGE = "https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/pod_readiness_gate/"


def _behind_slow_proxy(it: Subject) -> bool:
    period_s = it.around.proxy_period_s if it.around is not None else None
    return period_s is not None and period_s > _USUAL_PERIOD_S and it.held_s <= period_s


def _proxy_words(it: Subject) -> str:
    assert it.around is not None
    return f"minSyncPeriod {duration(it.around.proxy_period_s or 0.0)}, preStop {it.held_s:g} s"


def _is_cut_off(it: Subject) -> bool:
    around = it.around
    if around is None or around.ci_timeout_s is None or around.rollout_s is None:
        return False
    return around.ci_timeout_s < around.rollout_s


def _time_words(it: Subject) -> str:
    assert it.around is not None
    limit, wanted = it.around.ci_timeout_s or 0.0, it.around.rollout_s or 0.0
    return f"{limit:g} s are given, about {wanted:.0f} s needed: {things(it.rollout.steps, 'step')}"


def _sets_back(it: Subject) -> bool:
    """Whether each apply sets the number of pods to what is written, and an autoscaler to another again."""
    scaler = it.around.autoscaler if it.around is not None else None
    return (
        scaler is not None and it.around is not None and it.around.replicas is not None and scaler.least < scaler.most
    )


def _leaves_gap(it: Subject) -> bool:
    """Whether its autoscaler may leave it with so few pods that none is left while one is replaced."""
    fewest = it.fewest
    if fewest is None or not 0 < fewest.replicas < it.rollout.replicas:
        return False
    return fewest.replicas == 1 or fewest.max_unavailable >= fewest.replicas


def _gap_words(it: Subject) -> str:
    assert it.fewest is not None
    surge = f", of which {it.fewest.max_unavailable} may be unavailable" if it.fewest.max_unavailable else ""
    return f"minReplicas: {it.fewest.replicas}{surge}"


def _fewest(it: Subject) -> int:
    return (it.fewest or it.rollout).replicas


def _is_held(it: Subject) -> bool:
    budget = it.around.budget if it.around is not None else None
    return budget is not None and _fewest(it) > 0 and not budget.evictable(_fewest(it))


def _budget_words(it: Subject) -> str:
    assert it.around is not None
    assert it.around.budget is not None
    budget, pods = it.around.budget, _fewest(it)
    rounded = f", which is {budget.number(pods)}" if isinstance(budget.value, str) else ""
    return f"{budget.field}: {budget.value} of {things(pods, 'pod')}{rounded}"


ROWS: tuple[Row, ...] = (
    Row(
        id=HazardId.TARGET_PORT_UNNAMED,
        severity=Severity.ERROR,
        holds=lambda it: it.around is not None and bool(it.unnamed),
        wrong="its Service sends to a port by a name that none of its containers gives to a TCP port",
        found=lambda it: f"targetPort: {it.unnamed_in}, named are {', '.join(named_ports(it.pod)) or 'none'}",
        cause=None,
        mend="that name at a port of the container that serves, or the number of the port",
        path="spec.ports",
        where=Where.SERVICE,
        why="A targetPort by name is looked up in each pod. A pod that does not know the name is no endpoint of that "
        "port, however Ready it is, and nothing is sent to it, in a rollout or without one.",
        source="https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports",
    ),
    Row(
        id=HazardId.BALANCER_LEARNS_LATE,
        severity=Severity.ERROR,
        holds=lambda it: learns_late(it) and has_targets(it, Targets.IP),
        wrong="the next old pod goes as soon as a new one is Ready, long before the balancer sends to that one",
        found=lambda it: f"minReadySeconds: 0, no readiness gates, {balancer_name(it)}",
        cause=Cause.CREATION_RACE,
        mend=f"minReadySeconds: 30, and the label {GATES_LABEL}: enabled on its namespace, where the AWS controller "
        "makes the balancer",
        path="spec.minReadySeconds",
        why="A balancer registers a target and checks its health before it sends to it, which takes tens of seconds. A "
        "rollout that does not wait leaves it with targets that are not healthy yet and targets that are gone.",
        source=_GATES_PAGE,
        updates=True,
    ),
    Row(
        id=HazardId.BALANCER_MAY_LEARN_LATE,
        severity=Severity.WARNING,
        holds=lambda it: learns_late(it) and has_targets(it, Targets.UNKNOWN),
        wrong="the next old pod goes as soon as a new one is Ready, of which a balancer learns late where it sends to "
        "pods itself",
        found=lambda it: f"minReadySeconds: 0, no readiness gates, {balancer_name(it)} does not say its targets",
        cause=Cause.CREATION_RACE,
        mend="minReadySeconds: 30, or 5 where its balancer's targets are known to be nodes",
        path="spec.minReadySeconds",
        why="Which targets a balancer has is up to the cloud where its Service does not say it. Mostly they are nodes, "
        "whose kube-proxy sends on: a new pod is reached as soon as that knows it. Where they are pods, the balancer "
        "registers each and checks its health first, which takes tens of seconds.",
        source="https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer",
        updates=True,
    ),
    Row(
        id=HazardId.PRESTOP_SHORT_FOR_BALANCER,
        severity=Severity.WARNING,
        holds=lambda it: it.around is not None and it.around.balancer is not None and 0 < it.held_s < _SEED_S,
        wrong="its preStop hook is shorter than a balancer may take to forget a pod",
        found=lambda it: f"preStop {it.held_s:g} s behind {balancer_name(it)}",
        cause=Cause.TERMINATION_RACE,
        mend="preStop: sleep 30, and a grace period of 60, unless a run shows that less will do",
        path=f"{_CONTAINER}.lifecycle.preStop",
        why="There is no gate for the end of a pod: a balancer goes on sending until its target is deregistered or "
        "unhealthy.",
        source="https://github.com/kubernetes/kubernetes/issues/89263",
    ),
    Row(
        id=HazardId.GATES_BY_INSTANCE,
        severity=Severity.ERROR,
        holds=lambda it: has_targets(it, Targets.INSTANCE) and bool(counts_on_gates(it)),
        wrong="its readiness gates never come, for the balancer's targets are nodes and not pods",
        found=lambda it: f"{counts_on_gates(it)}, {balancer_name(it)} with targets by instance",
        cause=Cause.CREATION_RACE,
        mend="targets by ip (target-type: ip)",
        path="metadata.annotations",
        where=Where.BALANCER,
        why="The AWS controller gives gates only to pods that are targets themselves. By instance it says nothing and "
        "gives none: what the manifest counts on is not there, and a pod that names such a gate itself is never Ready.",
        source=_GATES_PAGE,
    ),
    Row(
        id=HazardId.GATES_WITHOUT_LABEL,
        severity=Severity.ERROR,
        holds=waits_for_nobody,
        wrong="it counts on readiness gates, and its namespace is not labelled for them",
        found=lambda it: f"{counts_on_gates(it)}, no {GATES_LABEL}: enabled on its namespace",
        cause=Cause.CREATION_RACE,
        mend=f"the label {GATES_LABEL}: enabled on its namespace, and no readinessGates in the template",
        path="metadata.labels",
        where=Where.NAMESPACE,
        why="Gates are given to new pods of labelled namespaces, with names that the controller makes. One that is "
        "written by hand waits for a condition that nobody may ever set.",
        source=_GATES_PAGE,
    ),
    Row(
        id=HazardId.SLOW_PROXY,
        severity=Severity.ERROR,
        holds=_behind_slow_proxy,
        wrong="kube-proxy may go on sending to a pod for longer than its preStop hook keeps it serving",
        found=_proxy_words,
        cause=Cause.TERMINATION_RACE,
        mend="a preStop hook that sleeps for more than that period",
        path=f"{_CONTAINER}.lifecycle.preStop",
        why="kube-proxy collects changes for its minSyncPeriod (1 s by default) before it programs the next ones. It "
        "is read from the cluster that `--context` names, or given by `--proxy-period`.",
    ),
    Row(
        id=HazardId.CI_TIMEOUT_TOO_SHORT,
        severity=Severity.ERROR,
        holds=_is_cut_off,
        wrong="what waits for the rollout gives up before it can be complete",
        found=_time_words,
        cause=None,
        mend="a longer time limit, or fewer steps (maxSurge)",
        path="spec.minReadySeconds",
        why="minReadySeconds counts once a step, and a StatefulSet's or Recreate's preStop too. `kubectl rollout "
        "status --timeout`, `helm --wait --timeout` and the pipeline's own limit have to outlast the sum.",
        source="https://kubernetes.io/docs/reference/kubectl/generated/kubectl_rollout/kubectl_rollout_status/",
        updates=True,
    ),
    Row(
        id=HazardId.SURGE_ON_ONE_CLAIM,
        severity=Severity.WARNING,
        holds=lambda it: it.around is not None and it.rolls and it.rollout.max_surge > 0 and bool(it.claims.once),
        wrong="its update starts a new pod beside the old one, on a claim that one node or one pod has at a time",
        found=lambda it: f"maxSurge comes to {it.rollout.max_surge}, {', '.join(it.claims.once)}",
        cause=None,
        mend="strategy: Recreate, with an outage in each rollout, or, where the application can share it, a volume for "
        "several pods (ReadWriteMany)",
        path="spec.strategy",
        why="A new pod on another node waits for a volume that is attached to the old one's (`Multi-Attach error for "
        "volume`), while the old one waits for the new one to be Ready: the rollout hangs. On the same node both write "
        "one directory, until the old one has ended.",
        source="https://kubernetes.io/docs/tasks/run-application/run-single-instance-stateful-application/",
        updates=True,
    ),
    Row(
        id=HazardId.REPLICAS_BESIDE_AUTOSCALER,
        severity=Severity.WARNING,
        holds=_sets_back,
        wrong="each apply sets the number of its pods back to what is written, whatever its autoscaler has made of it",
        found="replicas: {it.around.replicas} beside {it.around.autoscaler.name}",
        cause=None,
        mend="no replicas in its manifest",
        path="spec.replicas",
        why="An apply that begins a rollout then takes pods away in the middle of the load for which they were added, "
        "and brings them back when the autoscaler has looked again.",
        source="https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/"
        "#migrating-deployments-and-statefulsets-to-horizontal-autoscaling",
    ),
    Row(
        id=HazardId.AUTOSCALER_LEAVES_GAP,
        severity=Severity.WARNING,
        holds=_leaves_gap,
        wrong="its autoscaler may leave it with so few pods that none serves when one goes",
        found=_gap_words,
        cause=Cause.NO_ENDPOINTS,
        mend="minReplicas above 1, and above maxUnavailable",
        path="spec.minReplicas",
        where=Where.AUTOSCALER,
        why="With little load an autoscaler goes down to minReplicas, which is 1 unless it is set. What would leave "
        "pods with the replicas of the manifest then leaves none: an eviction or a crash of the only one, or an update "
        "with a maxUnavailable that is no percentage.",
        source="https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/horizontal-pod-autoscaler-v2/",
        gap=True,
    ),
    Row(
        id=HazardId.BUDGET_BLOCKS_DRAINS,
        severity=Severity.WARNING,
        holds=_is_held,
        wrong="its PodDisruptionBudget lets none of its pods be evicted, so that a drain of their node does not end",
        found=_budget_words,
        cause=None,
        mend="{it.evictable}",
        path="spec",
        where=Where.BUDGET,
        why="A budget limits evictions alone: a rolling update of a Deployment or StatefulSet is neither held up nor "
        "made safer by it. One that allows no eviction keeps nodes from being drained, for an upgrade for instance.",
        source="https://kubernetes.io/docs/tasks/run-application/configure-pdb/",
    ),
)
