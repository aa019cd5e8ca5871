"""What makes a balancer, and what it sends to, is told by annotations, classes and types alone."""

from __future__ import annotations

from typing import Any

import pytest

from harness.spec.around import Targets, balancer
from harness.spec.ingresses import sends_to

Object = dict[str, Any]
AWS = "service.beta.kubernetes.io/aws-load-balancer-"
ALB = {"alb.ingress.kubernetes.io/target-type": "ip"}


def service(annotations: Object | None = None, **spec: Any) -> Object:
    return {"kind": "Service", "metadata": {"name": "web", "annotations": annotations or {}}, "spec": spec}


def ingress(annotations: Object | None = None, **spec: Any) -> Object:
    return {"kind": "Ingress", "metadata": {"name": "front", "annotations": annotations or {}}, "spec": spec}


BALANCED = {"type": "LoadBalancer"}


@pytest.mark.parametrize(
    ("front", "inside", "targets"),
    [
        (service(**BALANCED), None, Targets.UNKNOWN),
        (service({f"{AWS}type": "nlb"}, **BALANCED), None, Targets.INSTANCE),
        (service({f"{AWS}type": "nlb-ip"}, **BALANCED), None, Targets.IP),
        (service({f"{AWS}type": "external"}, **BALANCED), None, Targets.INSTANCE),
        (service({f"{AWS}type": "external", f"{AWS}nlb-target-type": "ip"}, **BALANCED), None, Targets.IP),
        (service(loadBalancerClass="service.k8s.aws/nlb", **BALANCED), None, Targets.INSTANCE),
        (service(allocateLoadBalancerNodePorts=False, **BALANCED), None, Targets.IP),
        (service(allocateLoadBalancerNodePorts=True, **BALANCED), None, Targets.UNKNOWN),
        (service(loadBalancerClass="of.somebody/else", **BALANCED), None, Targets.UNKNOWN),
        (service({"cloud.google.com/neg": '{"ingress": true}'}), None, Targets.IP),
        (service(), ingress(ingressClassName="alb"), Targets.INSTANCE),
        (service(), ingress(ALB, ingressClassName="alb"), Targets.IP),
        (service(ALB), ingress({"kubernetes.io/ingress.class": "alb"}), Targets.IP),
    ],
)
def test_a_balancer_is_known_by_what_makes_it(front: Object, inside: Object | None, targets: Targets) -> None:
    found = balancer([front], [inside] if inside else [])
    assert found is not None
    assert found.targets == targets
    assert found.name == ("Ingress front" if inside else "Service web")


@pytest.mark.parametrize("inside", [None, ingress(ingressClassName="nginx"), ingress()])
def test_what_pods_of_the_cluster_serve_is_no_balancer(inside: Object | None) -> None:
    assert balancer([service(type="NodePort"), service()], [inside] if inside else []) is None


def test_an_ingress_sends_to_all_services_that_it_names() -> None:
    backend = {"service": {"name": "a", "port": {"number": 80}}}
    rules = [
        {"http": {"paths": [{"backend": {"service": {"name": "b"}}}, {"backend": {"resource": {}}}]}},
        {"host": "c"},
    ]
    assert sends_to(ingress(defaultBackend=backend, rules=rules)) == {"a", "b"}
    assert sends_to(ingress()) == frozenset()
