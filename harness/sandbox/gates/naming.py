"""A Service and its annotations -> the TargetGroupBindings of its ports, and the names of the gates that belong to it.

Source: aws-load-balancer-controller pkg/service/model_build_target_group.go (names), pkg/targetgroupbinding/utils.go
(condition types), apis/elbv2/v1beta1/targetgroupbinding_types.go; ingress-gce pkg/neg/types/shared (the gate of GKE).
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Object = dict[str, Any]

BINDING_VERSION, BINDING_KIND = "elbv2.k8s.aws/v1beta1", "TargetGroupBinding"
BINDINGS_PATH = "/apis/elbv2.k8s.aws/v1beta1/namespaces/{}/targetgroupbindings"
INJECT_LABEL = "elbv2.k8s.aws/pod-readiness-gate-inject"
NEG_GATE = "cloud.google.com/load-balancer-neg-ready"
NEG_ANNOTATION = "cloud.google.com/neg"

_PREFIX = "target-health.elbv2.k8s.aws"
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9]")


def gate_of(binding: str) -> str:
    """The condition type of a TargetGroupBinding's gate.

    >>> gate_of("k8s-shop-web-0a1b2c3d4e")
    'target-health.elbv2.k8s.aws/k8s-shop-web-0a1b2c3d4e'
    """
    return f"{_PREFIX}/{binding}"


def binding_name(service: Object, port: Object) -> str:
    """What the controller calls a port's target group, and its binding: `k8s-NAMESPACE-SERVICE-HASH`, each cut."""
    metadata = service["metadata"]
    digest = hashlib.sha256(f"{metadata['uid']}/{port.get('protocol', 'TCP')}/{port['port']}".encode()).hexdigest()
    namespace, name = (_NOT_IN_NAMES.sub("", metadata[key])[:8] for key in ("namespace", "name"))
    return f"k8s-{namespace}-{name}-{digest[:10]}"


def bindings(service: Object, target_type: str) -> tuple[Object, ...]:
    """A TargetGroupBinding a port of a Service whose targets are of that type, `ip` or `instance`."""
    metadata = service["metadata"]
    made = []
    for port in service["spec"].get("ports") or ():
        name = binding_name(service, port)
        spec = {
            "serviceRef": {"name": metadata["name"], "port": port["port"]},
            "targetGroupARN": f"arn:aws:elasticloadbalancing:sandbox:000000000000:targetgroup/{name}/0",
            "targetType": target_type,
        }
        labels = {
            "service.k8s.aws/stack-name": metadata["name"],
            "service.k8s.aws/stack-namespace": metadata["namespace"],
        }
        made.append(
            {
                "apiVersion": BINDING_VERSION,
                "kind": BINDING_KIND,
                "metadata": {"name": name, "namespace": metadata["namespace"], "labels": labels},
                "spec": spec,
            }
        )
    return tuple(made)


def selects(service: Object, labels: Mapping[str, str]) -> bool:
    """Whether a Service's selector matches; one without a selector matches nothing."""
    selector = service["spec"].get("selector") or {}
    return bool(selector) and all(labels.get(name) == value for name, value in selector.items())


def has_negs(service: Object) -> bool:
    """Whether GKE makes network endpoint groups of pods for the Service: by its annotation."""
    text = (service["metadata"].get("annotations") or {}).get(NEG_ANNOTATION, "")
    try:
        said = json.loads(text or "{}")
    except ValueError:
        return False
    return isinstance(said, dict) and bool(said.get("ingress") or said.get("exposed_ports"))


def gates_of(pod: Object) -> tuple[str, ...]:
    """The condition types that a pod waits for."""
    return tuple(str(gate["conditionType"]) for gate in pod["spec"].get("readinessGates") or ())


def wanted_gates(
    pod: Object, service_bindings: Iterable[tuple[Object, Object]], neg_services: Iterable[Object]
) -> tuple[str, ...]:
    """The gates that a new pod is to be given: by TargetGroupBindings with their Services, and by NEGs."""
    labels = pod["metadata"].get("labels") or {}
    by_ip = [(binding, service) for binding, service in service_bindings if binding["spec"].get("targetType") == "ip"]
    found = [gate_of(binding["metadata"]["name"]) for binding, service in by_ip if selects(service, labels)]
    if any(selects(service, labels) for service in neg_services):
        found.append(NEG_GATE)
    return tuple(found)
