"""An apiVersion and kind that were -> since when no cluster serves them, and what has taken their place.

https://kubernetes.io/docs/reference/using-api/deprecation-guide/
"""

from __future__ import annotations

_ADMISSION, _EXTENSIONS = "admissionregistration.k8s.io", "apiextensions.k8s.io"
_AUTHORIZATION, _RBAC = "authorization.k8s.io", "rbac.authorization.k8s.io"
_FLOW, _STORAGE = "flowcontrol.apiserver.k8s.io", "storage.k8s.io"
_REVIEWS = ("LocalSubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview")
_ROLES = ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
_FLOWS = ("FlowSchema", "PriorityLevelConfiguration")

_ROWS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("1.32", f"{_FLOW}/v1beta3", "v1", _FLOWS),
    ("1.29", f"{_FLOW}/v1beta2", "v1", _FLOWS),
    ("1.27", f"{_STORAGE}/v1beta1", "v1", ("CSIStorageCapacity",)),
    ("1.26", f"{_FLOW}/v1beta1", "v1", _FLOWS),
    ("1.26", "autoscaling/v2beta2", "v2", ("HorizontalPodAutoscaler",)),
    ("1.25", "autoscaling/v2beta1", "v2", ("HorizontalPodAutoscaler",)),
    ("1.25", "batch/v1beta1", "v1", ("CronJob",)),
    ("1.25", "discovery.k8s.io/v1beta1", "v1", ("EndpointSlice",)),
    ("1.25", "events.k8s.io/v1beta1", "v1", ("Event",)),
    ("1.25", "node.k8s.io/v1beta1", "v1", ("RuntimeClass",)),
    ("1.25", "policy/v1beta1", "v1", ("PodDisruptionBudget",)),
    ("1.25", "policy/v1beta1", "", ("PodSecurityPolicy",)),
    ("1.22", f"{_ADMISSION}/v1beta1", "v1", ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")),
    ("1.22", f"{_EXTENSIONS}/v1beta1", "v1", ("CustomResourceDefinition",)),
    ("1.22", "apiregistration.k8s.io/v1beta1", "v1", ("APIService",)),
    ("1.22", "authentication.k8s.io/v1beta1", "v1", ("TokenReview",)),
    ("1.22", f"{_AUTHORIZATION}/v1beta1", "v1", _REVIEWS),
    ("1.22", "certificates.k8s.io/v1beta1", "v1", ("CertificateSigningRequest",)),
    ("1.22", "coordination.k8s.io/v1beta1", "v1", ("Lease",)),
    ("1.22", "networking.k8s.io/v1beta1", "v1", ("Ingress", "IngressClass")),
    ("1.22", f"{_RBAC}/v1beta1", "v1", _ROLES),
    ("1.22", f"{_RBAC}/v1alpha1", "v1", _ROLES),
    ("1.22", "scheduling.k8s.io/v1beta1", "v1", ("PriorityClass",)),
    ("1.22", f"{_STORAGE}/v1beta1", "v1", ("CSIDriver", "CSINode", "StorageClass", "VolumeAttachment")),
    ("1.22", "extensions/v1beta1", "networking.k8s.io/v1", ("Ingress",)),
    ("1.16", "extensions/v1beta1", "networking.k8s.io/v1", ("NetworkPolicy",)),
    ("1.16", "extensions/v1beta1", "apps/v1", ("DaemonSet", "Deployment", "ReplicaSet")),
    ("1.16", "extensions/v1beta1", "", ("PodSecurityPolicy",)),
    ("1.16", "apps/v1beta1", "v1", ("ControllerRevision", "Deployment", "ReplicaSet", "StatefulSet")),
    ("1.16", "apps/v1beta2", "v1", ("ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet")),
)
"""Since when, the apiVersion, the one in its place (a version alone: of the same group), and the kinds."""

_REMOVED = {(version, kind): (since, instead) for since, version, instead, kinds in _ROWS for kind in kinds}

EMPTIED = frozenset(("apps/v1beta1", "apps/v1beta2", "extensions/v1beta1", f"{_RBAC}/v1alpha1", f"{_RBAC}/v1beta1"))
"""Of what no kind is left."""


def removed(version: str, kind: str) -> str:
    """What has become of it, in words; empty where it may be served.

    >>> removed("policy/v1beta1", "PodDisruptionBudget")
    'since Kubernetes 1.25 no cluster serves it, and its apiVersion is policy/v1'
    """
    if (version, kind) not in _REMOVED:
        return ""
    since, instead = _REMOVED[version, kind]
    group = "" if "/" in instead else f"{version.split('/')[0]}/"
    place = f"its apiVersion is {group}{instead}" if instead else "Pod Security Admission has taken its place"
    return f"since Kubernetes {since} no cluster serves it, and {place}"
