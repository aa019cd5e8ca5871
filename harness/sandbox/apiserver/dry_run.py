"""A manifest -> the fields for which API servers refuse it, without one: nothing is stored, and nobody is asked.

By the decoding, defaults and rules that the sandbox's server has too. What only one cluster can know is left out (its
addresses, families and node ports, its quotas, its webhooks), and so is what other versions of Kubernetes take.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from harness.sandbox.apiserver.api_errors import Cause
from harness.sandbox.apiserver.decoding import NotDecodedError
from harness.sandbox.apiserver.field_errors import FieldErrors
from harness.sandbox.apiserver.resources import resource_of
from harness.sandbox.apiserver.strategy import filled, in_shape
from harness.sandbox.apiserver.validation import check, check_metadata

if TYPE_CHECKING:
    from harness.sandbox.apiserver.store import Object

_KINDS = frozenset(
    {
        "ClusterRole", "ClusterRoleBinding", "ConfigMap", "CronJob", "DaemonSet", "Deployment", "EndpointSlice",
        "Endpoints", "HorizontalPodAutoscaler", "Ingress", "IngressClass", "Job", "Lease", "LimitRange", "Namespace",
        "NetworkPolicy", "PersistentVolumeClaim", "Pod", "PodDisruptionBudget", "PriorityClass", "ReplicaSet",
        "ResourceQuota", "Role", "RoleBinding", "RuntimeClass", "Secret", "Service", "ServiceAccount", "StatefulSet",
    }
)  # fmt: skip
# What hangs on the families of one cluster's addresses, and on the time zones that one machine knows.
_OF_ONE_CLUSTER = {"Service": ("clusterIPs", "ipFamilies", "ipFamilyPolicy"), "CronJob": ("timeZone",)}
_UID = "00000000-0000-4000-8000-000000000000"


class _AnyVersion(FieldErrors):
    """The rules of which none is younger or older than the versions that people run."""

    toleration_operators = ("Equal", "Exists", "Gt", "Lt")  # gate TaintTolerationComparisonOperators
    fewest_scaled = 0  # gate HPAScaleToZero

    def label_1035(self, field: str, value: str) -> None:
        """A Service's name may begin with a digit (gate RelaxedServiceNameValidation)."""
        self.label(field, value)


def refused_fields(manifest: Object) -> tuple[Cause, ...]:
    """Each field that is wrong, in the server's words; none for a kind that is none of Kubernetes' own.

    Of a kind of its own that is not served here the labels and annotations are all that is looked at. The pods of a
    StatefulSet are held against the rules too: a server takes it with a template whose pods it then refuses.

    >>> refused_fields({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {}})
    (Cause(field='spec.ports', reason='FieldValueRequired', message='Required value'),)
    """
    errors = _AnyVersion()
    resource = resource_of(str(manifest.get("apiVersion")), str(manifest.get("kind")))
    if resource is None or resource.kind not in _KINDS:
        if _is_own(str(manifest.get("apiVersion"))):
            check_metadata(errors, manifest["metadata"])
        return tuple(dict.fromkeys(errors.causes))
    try:
        obj = in_shape(resource, copy.deepcopy(manifest), strict=False, warn=lambda _: None)
    except NotDecodedError as error:
        return (Cause(field="", reason="BadRequest", message=error.why),)
    metadata = obj["metadata"]
    metadata["uid"] = _UID  # which a Job's selector is made of
    metadata["name"] = metadata.get("name") or f"{metadata.get('generateName', '')}00000"
    for field in _OF_ONE_CLUSTER.get(resource.kind, ()):
        (obj.get("spec") or {}).pop(field, None)
    if resource.namespaced and (namespace := metadata.get("namespace")):
        errors.label("metadata.namespace", namespace)
    check(errors, resource, filled(resource, obj))
    return tuple(dict.fromkeys(errors.causes))


def _is_own(api_version: str) -> bool:
    """Whether the group is Kubernetes' own: it has no domain, or that of Kubernetes."""
    group = api_version.rpartition("/")[0]
    return "." not in group or group.endswith(".k8s.io")
