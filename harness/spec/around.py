"""What stands around a workload, as far as it is known: its balancer, its namespace, its cluster, its time limit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from harness.spec.counts import Autoscaler, Budget
from harness.spec.ingresses import class_of
from harness.spec.shape import named
from harness.spec.workload import Object, spec_of

GATES_LABEL = "elbv2.k8s.aws/pod-readiness-gate-inject"
"""On a namespace, with the value `enabled`: new pods get readiness gates.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/pod_readiness_gate/
"""

_SERVICE = "service.beta.kubernetes.io/aws-load-balancer-"
_INGRESS = "alb.ingress.kubernetes.io/target-type"
_NLB_CLASS = "service.k8s.aws/nlb"
_NEG = "cloud.google.com/neg"
_BY_IP = ("ip", "nlb-ip")


class Targets(StrEnum):
    """What a balancer sends to; UNKNOWN: its manifest does not say, and clouds differ."""

    IP = "ip"
    INSTANCE = "instance"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Balancer:
    """A balancer outside of the cluster. `name`: of the object that makes it, "Service shop"."""

    name: str
    targets: Targets


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What is known of it; None: not known.

    `namespace`: the object. `kubernetes`: (major, minor) of the cluster. `proxy_period_s`: kube-proxy's minSyncPeriod.
    `stop_s`: how long the application takes to end after its stop signal. `ci_timeout_s`: what waits for the rollout
    gives it; `rollout_s`: how long it is predicted to take. `replicas`: what its manifest says, and an
    apply sets. `autoscaler`, `budget`: those of the workload.
    """

    balancer: Balancer | None = None
    namespace: Object | None = None
    kubernetes: tuple[int, int] | None = None
    proxy_period_s: float | None = None
    stop_s: float | None = None
    ci_timeout_s: float | None = None
    rollout_s: float | None = None
    replicas: int | None = None
    autoscaler: Autoscaler | None = None
    budget: Budget | None = None


def balancer(services: Iterable[Object], ingresses: Iterable[Object]) -> Balancer | None:
    """The balancer of a cloud in front of these; None where there is none. An Ingress's comes first.

    An Ingress of another class than `alb`, or without NEGs, is served by pods of the cluster, which watch it as
    kube-proxy does.
    https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/
    https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/
    https://cloud.google.com/kubernetes-engine/docs/how-to/container-native-load-balancing
    One without node ports can only send to pods:
    https://kubernetes.io/docs/concepts/services-networking/service/#load-balancer-nodeport-allocation
    """
    services = tuple(services)
    for ingress in ingresses:
        if class_of(ingress) == "alb":
            said = next((kind for each in (ingress, *services) if (kind := _annotations(each).get(_INGRESS))), "")
            return Balancer(name=named(ingress), targets=_targets(said))
    for service in services:
        if _NEG in _annotations(service):
            return Balancer(name=named(service), targets=Targets.IP)
        if spec_of(service).get("type") == "LoadBalancer":
            return _of_service(service)
    return None


def _of_service(service: Object) -> Balancer:
    annotations = _annotations(service)
    kind, said = annotations.get(f"{_SERVICE}type", ""), annotations.get(f"{_SERVICE}nlb-target-type", "")
    if spec_of(service).get("allocateLoadBalancerNodePorts") is False and not said:
        return Balancer(name=named(service), targets=Targets.IP)
    of_class = spec_of(service).get("loadBalancerClass") == _NLB_CLASS
    known = said or of_class or kind in ("external", "nlb", "nlb-ip")
    return Balancer(name=named(service), targets=_targets(said or kind) if known else Targets.UNKNOWN)


def _targets(said: str) -> Targets:
    """What a target type says, or else the type of the balancer; without either, nodes."""
    return Targets.IP if said in _BY_IP else Targets.INSTANCE


def _annotations(manifest: Object) -> dict[str, str]:
    found = (manifest.get("metadata") or {}).get("annotations") or {}
    return {str(name): str(value) for name, value in found.items()}
