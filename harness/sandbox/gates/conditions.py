"""What became of a pod's target -> the condition of its gate, as the controller words it.

Source: aws-load-balancer-controller pkg/targetgroupbinding/resource_manager.go (updateTargetHealthPodCondition), with
the reasons of https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html;
ingress-gce pkg/neg/readiness/reflector.go (getExpectedNegCondition).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from harness.sandbox.gates.naming import NEG_GATE
from harness.sandbox.gates.settings import Gates, Keeper

if TYPE_CHECKING:
    from collections.abc import Iterable


class Health(StrEnum):
    """A target as the cloud's API shows it."""

    REGISTERING = "registering"
    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


_AWS = {
    Health.REGISTERING: ("Elb.RegistrationInProgress", "Target registration is in progress"),
    Health.INITIAL: ("Elb.InitialHealthChecking", "Initial health checks in progress"),
    Health.UNHEALTHY: ("Target.FailedHealthChecks", "Health checks failed"),
}


def condition(gate: str, health: Health, gates: Gates, *, age_s: float, groups: Iterable[str] = ()) -> dict[str, Any]:
    """The condition, without its times. `age_s`: of the pod; `groups`: the names of the NEGs that it is in."""
    if gates.keeper is Keeper.NEG:
        return _neg_condition(health, gates, age_s, tuple(groups))
    if health is Health.HEALTHY:
        return {"type": gate, "status": "True"}
    reason, message = _AWS[health]
    return {"type": gate, "status": "False", "reason": reason, "message": message}


def _neg_condition(health: Health, gates: Gates, age_s: float, groups: tuple[str, ...]) -> dict[str, Any]:
    names = f"[{' '.join(groups)}]"
    marking = f'Marking condition "{NEG_GATE}" to True.'
    if not groups:
        status, reason, message = "True", "LoadBalancerNegReady", f"Pod does not belong to any NEG. {marking}"
    elif health is Health.HEALTHY:
        message = f'Pod has become Healthy in NEG "{groups[0]}" attached to BackendService "{groups[0]}". {marking}'
        status, reason = "True", "LoadBalancerNegReady"
    elif gates.fails_open_s is not None and age_s > gates.fails_open_s:
        message = f"Timeout waiting for pod to become healthy in at least one of the NEG(s): {names}. {marking}"
        status, reason = "True", "LoadBalancerNegTimeout"
    else:
        message = f"Waiting for pod to become healthy in at least one of the NEG(s): {names}"
        status, reason = "False", "LoadBalancerNegNotReady"
    return {"type": NEG_GATE, "status": status, "reason": reason, "message": message}


def is_same(old: dict[str, Any] | None, new: dict[str, Any]) -> bool:
    """Whether the pod has that condition already."""
    return old is not None and all(old.get(key) == new.get(key) for key in ("status", "reason", "message"))
