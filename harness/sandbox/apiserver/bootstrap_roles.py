"""Nothing -> the ClusterRoles and bindings that every cluster has: cluster-admin, admin, edit, view, and what all may.

Fewer rules than the real ones, which also name kinds that the sandbox does not have; the same rights on those it has.
Source: kubernetes `plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.sandbox.apiserver.store import Object

RBAC = "rbac.authorization.k8s.io"
_LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_AGGREGATE = f"{RBAC}/aggregate-to-"
_READ = ["get", "list", "watch"]
_WRITE = ["create", "delete", "deletecollection", "patch", "update"]
_OPEN_PATHS = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
_DISCOVERY_PATHS = ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", *_OPEN_PATHS]


def _rule(group: str, resources: str, verbs: list[str]) -> Object:
    return {"apiGroups": [group], "resources": resources.split(), "verbs": verbs}


_WORKLOADS = (
    ("apps", "controllerrevisions daemonsets deployments deployments/scale replicasets replicasets/scale statefulsets "
             "statefulsets/scale"),
    ("autoscaling", "horizontalpodautoscalers"),
    ("batch", "cronjobs jobs"),
    ("networking.k8s.io", "ingresses networkpolicies"),
    ("policy", "poddisruptionbudgets"),
)  # fmt: skip
_CORE = "configmaps endpoints persistentvolumeclaims pods replicationcontrollers serviceaccounts services"
_VIEW = [
    _rule(
        "", f"{_CORE} bindings events limitranges namespaces pods/log pods/status resourcequotas services/status", _READ
    ),
    _rule("discovery.k8s.io", "endpointslices", _READ),
    *(_rule(group, resources, _READ) for group, resources in _WORKLOADS),
]
_EDIT = [
    _rule("", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy", _READ),
    _rule("", "serviceaccounts", ["impersonate"]),
    _rule("", f"{_CORE} events secrets pods/attach pods/exec pods/portforward pods/proxy services/proxy", _WRITE),
    _rule("", "pods/eviction serviceaccounts/token", ["create"]),
    _rule("coordination.k8s.io", "leases", [*_WRITE, *_READ]),
    *(_rule(group, resources, _WRITE) for group, resources in _WORKLOADS),
]
_ADMIN = [
    _rule("authorization.k8s.io", "localsubjectaccessreviews", ["create"]),
    _rule(RBAC, "rolebindings roles", [*_WRITE, *_READ]),
]
_ANYTHING = [
    {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
    {"nonResourceURLs": ["*"], "verbs": ["*"]},
]
_BASIC_USER = [
    _rule("authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews", ["create"]),
    _rule("authentication.k8s.io", "selfsubjectreviews", ["create"]),
]


def _role(name: str, rules: list[Object], **aggregated: str) -> Object:
    role: Object = {"metadata": {"name": name, "labels": dict(_LABELS)}, "rules": rules}
    if into := aggregated.get("into"):
        role["metadata"]["labels"][f"{_AGGREGATE}{into}"] = "true"
    if of := aggregated.get("of"):
        role["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {f"{_AGGREGATE}{of}": "true"}}]}
    return role


CLUSTER_ROLE_OBJECTS: tuple[Object, ...] = (
    _role("cluster-admin", _ANYTHING),
    _role("admin", [], of="admin"),
    _role("edit", [], of="edit", into="admin"),
    _role("view", [], of="view", into="edit"),
    _role("system:aggregate-to-admin", _ADMIN, into="admin"),
    _role("system:aggregate-to-edit", _EDIT, into="edit"),
    _role("system:aggregate-to-view", _VIEW, into="view"),
    _role("system:basic-user", _BASIC_USER),
    _role("system:discovery", [{"nonResourceURLs": _DISCOVERY_PATHS, "verbs": ["get"]}]),
    _role("system:public-info-viewer", [{"nonResourceURLs": _OPEN_PATHS, "verbs": ["get"]}]),
)

_BOUND = (
    ("cluster-admin", "system:masters"),
    ("system:basic-user", "system:authenticated"),
    ("system:discovery", "system:authenticated"),
    ("system:public-info-viewer", "system:authenticated"),
)


def bindings() -> Iterator[Object]:
    """Who has those roles from the beginning."""
    for role, group in _BOUND:
        yield {
            "metadata": {"name": role, "labels": dict(_LABELS)},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": group}],
        }
