"""A pod's readiness gates and their conditions -> whether each opened because a balancer found its target healthy.

Of the AWS Load Balancer Controller (pkg/targetgroupbinding/resource_manager.go, docs/deploy/pod_readiness_gate.md) and
of GKE (ingress-gce pkg/neg/readiness/reflector.go); any other gate is known by who set it, and after what.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.spec.around import GATES_LABEL
from harness.spec.workload import Object, pod_spec

NEG_GATE = "cloud.google.com/load-balancer-neg-ready"
_AWS_PREFIXES = ("target-health.elbv2.k8s.aws/", "target-health.alb.ingress.k8s.aws/")
_BY_HAND = ("kubectl", "before-first-apply", "curl")

_NEG_FAILED_OPEN = {
    "LoadBalancerNegTimeout": "GKE gave up waiting for the load balancer after 10 minutes",
    "LoadBalancerNegWithoutHealthCheck": "its network endpoint group has no health check",
}
_NEG_OUTSIDE = {
    "Pod does not belong to any NEG": "it was in no network endpoint group",
    "Pod belongs to a node in non-default subnet": "its node is in a subnet that GKE does not look at",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A gate whose condition is True. `by`: the field managers that set it; empty where that was not kept."""

    gate: str
    by: tuple[str, ...]
    wrong: str = ""


def gates_of(pod: Object) -> tuple[str, ...]:
    """The condition types that a pod, or a pod template's spec in a pod's place, waits for."""
    named = (gate.get("conditionType") for gate in (pod.get("spec") or {}).get("readinessGates") or ())
    return tuple(str(gate) for gate in named if gate)


def is_balancers(gate: str) -> bool:
    """Whether a balancer's controller keeps it."""
    return gate == NEG_GATE or gate.startswith(_AWS_PREFIXES)


def openings(pod: Object) -> tuple[Opening, ...]:
    """The gates of a pod that are open."""
    conditions = {each.get("type"): each for each in (pod.get("status") or {}).get("conditions") or ()}
    entries = (pod.get("metadata") or {}).get("managedFields") or ()
    by = tuple(dict.fromkeys(str(entry["manager"]) for entry in entries if entry.get("manager")))
    found = ((gate, conditions.get(gate) or {}) for gate in gates_of(pod))
    up = (conditions.get("ContainersReady") or {}).get("status") == "True"
    return tuple(
        Opening(gate=gate, by=by, wrong=_wrong(gate, condition, by, up=up))
        for gate, condition in found
        if condition.get("status") == "True"
    )


def _wrong(gate: str, condition: Object, by: tuple[str, ...], *, up: bool) -> str:
    """Why an open gate does not say that a balancer found the pod healthy; empty where nothing speaks against it."""
    reason, message = str(condition.get("reason") or ""), str(condition.get("message") or "")
    if hands := [each for each in by if each.startswith(_BY_HAND)]:
        return f"it was set by hand ({hands[0]})"
    if gate == NEG_GATE and reason in _NEG_FAILED_OPEN:
        return _NEG_FAILED_OPEN[reason]
    if gate == NEG_GATE and (said := [words for text, words in _NEG_OUTSIDE.items() if message.startswith(text)]):
        return said[0]
    if gate.startswith(_AWS_PREFIXES) and message == "Target Group Binding is deleted":
        return "its TargetGroupBinding had been deleted"
    return "" if up else "it was open before the containers were ready"


def asked_for(manifests: Iterable[Object], workload: Object | None) -> str:
    """What among the manifests counts on a balancer's gates, in words; empty where nothing does."""
    for manifest in manifests:
        if manifest.get("kind") == "Namespace":
            labels = (manifest.get("metadata") or {}).get("labels") or {}
            if labels.get(GATES_LABEL) == "enabled":
                return f"the namespace's label {GATES_LABEL}"
    own = [gate for gate in gates_of({"spec": pod_spec(workload or {})}) if is_balancers(gate)]
    return f"the pod template's readinessGates ({own[0]})" if own else ""
