"""A workload's surroundings -> whether it waits for its balancer: by readiness gates, and whether these ever come.

Of the AWS Load Balancer Controller: https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/pod_readiness_gate/
"""

from __future__ import annotations

from harness.spec.around import GATES_LABEL, Targets
from harness.spec.subject import Subject

_GATES = "target-health."


def learns_late(it: Subject) -> bool:
    """Whether a balancer sends to pods by itself, and nothing makes the rollout wait until it knows a new one."""
    if it.around is None or (balancer := it.around.balancer) is None or balancer.targets is Targets.INSTANCE:
        return False
    return it.rolls and it.rollout.min_ready_s == 0 and not is_labelled(it) and not own_gates(it)


def is_labelled(it: Subject) -> bool:
    """Whether its namespace is known to have its pods given gates."""
    namespace = it.around.namespace if it.around is not None else None
    return _labels(namespace).get(GATES_LABEL) == "enabled"


def _labels(manifest: object) -> dict[str, str]:
    metadata = manifest.get("metadata") if isinstance(manifest, dict) else None
    return dict((metadata or {}).get("labels") or {})


def own_gates(it: Subject) -> tuple[str, ...]:
    """The gates of the AWS controller that the pod template names itself."""
    gates = (str(gate.get("conditionType")) for gate in it.pod.get("readinessGates") or ())
    return tuple(gate for gate in gates if gate.startswith(_GATES) and "k8s.aws/" in gate)


def balancer_name(it: Subject) -> str:
    """The object that makes its balancer."""
    return it.around.balancer.name if it.around is not None and it.around.balancer is not None else ""


def counts_on_gates(it: Subject) -> str:
    """Where gates are asked for, in words; empty where they are not."""
    if own := own_gates(it):
        return f"readinessGates: {own[0]}"
    return f"{GATES_LABEL}: enabled on its namespace" if is_labelled(it) else ""


def has_targets(it: Subject, targets: Targets) -> bool:
    """Whether its balancer is known to send to those."""
    around = it.around
    return around is not None and around.balancer is not None and around.balancer.targets is targets


def waits_for_nobody(it: Subject) -> bool:
    """Whether its namespace is known not to be labelled, and the gates that the template names wait for nobody."""
    around = it.around
    if around is None or around.namespace is None or around.balancer is None:
        return False
    return bool(own_gates(it)) and not is_labelled(it) and around.balancer.targets is not Targets.INSTANCE
