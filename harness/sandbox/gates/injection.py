"""A new pod -> with the readiness gates that its balancer's controller gives it, as its webhook would.

What the webhook of the AWS Load Balancer Controller does, and under which rules: the namespace's label, a
TargetGroupBinding of type ip whose Service is there and selects the pod; where it cannot be reached, its failurePolicy.
It runs in the API server's process, and no MutatingWebhookConfiguration is shown.
Source: pkg/inject/pod_readiness/pod_readiness_gate.go, config/webhook/pod_mutator_patch.yaml,
docs/deploy/pod_readiness_gate.md of kubernetes-sigs/aws-load-balancer-controller; for GKE
https://cloud.google.com/kubernetes-engine/docs/concepts/container-native-load-balancing#pod_readiness.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiserver.api_errors import StatusError
from harness.sandbox.apiserver.resources import NAMESPACES, SERVICES, Resource
from harness.sandbox.gates.naming import INJECT_LABEL, gates_of, has_negs, wanted_gates
from harness.sandbox.gates.settings import FailurePolicy, Gates, Keeper

if TYPE_CHECKING:
    from harness.sandbox.apiserver.store import Object, Store

_BINDINGS = Resource(group="elbv2.k8s.aws", version="v1beta1", kind="TargetGroupBinding", plural="targetgroupbindings")
_LEGACY_PREFIX = "target-health.alb.ingress.k8s.aws"
_OWN_NAME = "aws-load-balancer-controller"
_UNREACHED = (
    'failed calling webhook "mpod.elbv2.k8s.aws": failed to call webhook: Post '
    '"https://aws-load-balancer-webhook-service.kube-system.svc:443/mutate-v1-pod?timeout=10s": '
    'no endpoints available for service "aws-load-balancer-webhook-service"'
)


def inject(store: Store, namespace: str, pod: Object, gates: Gates) -> None:
    """Adds the gates in place. Raises: StatusError (500), where the webhook is not there and its policy is Fail."""
    services = [each.obj for each in store.items(SERVICES, namespace)]
    if gates.keeper is Keeper.NEG:
        _add(pod, wanted_gates(pod, (), filter(has_negs, services)))
        return
    if not _is_asked(store, namespace, pod):
        return
    if not gates.webhook:
        if gates.failure_policy is FailurePolicy.FAIL:
            raise StatusError(500, "InternalError", f"Internal error occurred: {_UNREACHED}")
        return
    by_name = {service["metadata"]["name"]: service for service in services}
    found = [each.obj for each in store.items(_BINDINGS, namespace)]
    named = [(binding, str((binding["spec"].get("serviceRef") or {}).get("name"))) for binding in found]
    _add(pod, wanted_gates(pod, [(binding, by_name[name]) for binding, name in named if name in by_name], ()))


def _is_asked(store: Store, namespace: str, pod: Object) -> bool:
    home = store.get(NAMESPACES, "", namespace)
    labels = {} if home is None else home.obj["metadata"].get("labels") or {}
    own = (pod["metadata"].get("labels") or {}).get("app.kubernetes.io/name")
    return labels.get(INJECT_LABEL) == "enabled" and own != _OWN_NAME


def _add(pod: Object, wanted: tuple[str, ...]) -> None:
    if not wanted:
        return
    kept = [gate for gate in gates_of(pod) if not gate.startswith(_LEGACY_PREFIX)]
    pod["spec"]["readinessGates"] = [{"conditionType": gate} for gate in dict.fromkeys((*kept, *wanted))]
