"""The one table of what the API serves: a kind that is only stored and watched is a row, nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.sandbox.apiserver.custom.kinds import CustomKind

_COLLECTION_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


def plural_of(kind: str) -> str:
    """The name under which a kind is served: the English plural, in lower case.

    >>> [plural_of(kind) for kind in ("Pod", "Ingress", "NetworkPolicy", "Gateway")]
    ['pods', 'ingresses', 'networkpolicies', 'gateways']
    """
    name = kind.lower()
    if name.endswith("s"):
        return f"{name}es"
    return f"{name[:-1]}ies" if name.endswith("y") and name[-2] not in "aeiou" else f"{name}s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One served resource. `subresources` beside status and scale are served by code of their own.

    `custom`: what a CustomResourceDefinition says of its kind; None for kinds of the API's own.
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = _COLLECTION_VERBS
    custom: CustomKind | None = field(default=None, compare=False, repr=False)

    @property
    def place(self) -> tuple[str, str]:
        """Where its objects are kept: the same for all its versions, and for both groups that have Events."""
        return "" if self.group == "events.k8s.io" else self.group, self.plural

    @property
    def singular(self) -> str:
        """The name of one of them, as `kubectl get` understands it."""
        return self.kind.lower() if self.custom is None else self.custom.singular

    @property
    def list_kind(self) -> str:
        """The kind of a list of them."""
        return f"{self.kind}List" if self.custom is None else self.custom.list_kind

    @property
    def api_version(self) -> str:
        """`v1` or `apps/v1`, as objects carry it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def root(self) -> str:
        """`/api/v1` or `/apis/GROUP/VERSION`."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    @property
    def has_generation(self) -> bool:
        """Whether metadata.generation counts changes of the spec; the API keeps none for these kinds of core."""
        return not (self.group == "" and self.kind not in {"Pod", "ReplicationController"}) and self.kind not in {
            "Lease",
            "ControllerRevision",
            "RuntimeClass",
            "Role",
            "RoleBinding",
            "ClusterRole",
            "ClusterRoleBinding",
        }

    @property
    def updates_unconditionally(self) -> bool:
        """Whether an update may leave out the resourceVersion: so the registries of kubernetes, kind by kind."""
        return self.kind not in {"Lease", "PodDisruptionBudget"}

    @property
    def created_by_update(self) -> bool:
        """Whether an update of what is not there makes it."""
        return self.group in ("", "coordination.k8s.io") and self.kind in {
            "Endpoints", "Event", "Lease", "LimitRange", "Service",
        }  # fmt: skip

    def collection(self, namespace: str = "") -> str:
        """The collection's path, in one namespace or across all."""
        middle = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{self.root}{middle}/{self.plural}"

    def path(self, namespace: str, name: str) -> str:
        """An object's path."""
        return f"{self.collection(namespace)}/{name}"


def _core(kind: str, *short: str, **more: bool | tuple[str, ...]) -> Resource:
    return _row("", "v1", kind, *short, **more)


def _row(group: str, version: str, kind: str, *short: str, **more: bool | tuple[str, ...]) -> Resource:
    return Resource(group=group, version=version, kind=kind, plural=plural_of(kind), short_names=short, **more)  # type: ignore[arg-type]


_ALL = ("all",)
_STATUS = ("status",)
_SCALED = ("status", "scale")
_CREATE_ONLY = ("create",)
_AUTH = "authorization.k8s.io"
_AUTHENTICATION = "authentication.k8s.io"
_RBAC = "rbac.authorization.k8s.io"

NAMESPACES = _core("Namespace", "ns", namespaced=False, subresources=("status", "finalize"))
NODES = _core("Node", "no", namespaced=False, subresources=_STATUS)
CONFIG_MAPS = _core("ConfigMap", "cm")
SERVICES = _core("Service", "svc", categories=_ALL, subresources=("status", "proxy"))
SECRETS = _core("Secret")
SERVICE_ACCOUNTS = _core("ServiceAccount", "sa", subresources=("token",))
POD_SUBRESOURCES = (
    "status", "binding", "eviction", "log", "proxy", "exec", "attach", "portforward", "ephemeralcontainers",
)  # fmt: skip
PODS = _core("Pod", "po", categories=_ALL, subresources=POD_SUBRESOURCES)
EVENTS = _core("Event", "ev")
MODERN_EVENTS = _row("events.k8s.io", "v1", "Event", "ev")
CLAIMS = _core("PersistentVolumeClaim", "pvc", subresources=_STATUS)
LIMIT_RANGES = _core("LimitRange", "limits")
RESOURCE_QUOTAS = _core("ResourceQuota", "quota", subresources=_STATUS)
DEPLOYMENTS = _row("apps", "v1", "Deployment", "deploy", categories=_ALL, subresources=_SCALED)
REPLICA_SETS = _row("apps", "v1", "ReplicaSet", "rs", categories=_ALL, subresources=_SCALED)
STATEFUL_SETS = _row("apps", "v1", "StatefulSet", "sts", categories=_ALL, subresources=_SCALED)
DAEMON_SETS = _row("apps", "v1", "DaemonSet", "ds", categories=_ALL, subresources=_STATUS)
CONTROLLER_REVISIONS = _row("apps", "v1", "ControllerRevision")
JOBS = _row("batch", "v1", "Job", categories=_ALL, subresources=_STATUS)
CRON_JOBS = _row("batch", "v1", "CronJob", "cj", categories=_ALL, subresources=_STATUS)
ENDPOINT_SLICES = _row("discovery.k8s.io", "v1", "EndpointSlice")
LEASES = _row("coordination.k8s.io", "v1", "Lease")
HPAS = _row(
    "autoscaling", "v2", "HorizontalPodAutoscaler", "hpa",
    categories=_ALL, subresources=_STATUS,
)  # fmt: skip
DEFINITIONS = _row(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "crd", "crds",
    namespaced=False, categories=("api-extensions",), subresources=_STATUS,
)  # fmt: skip
SELF_ACCESS_REVIEWS = _row(_AUTH, "v1", "SelfSubjectAccessReview", namespaced=False, verbs=_CREATE_ONLY)
SELF_RULES_REVIEWS = _row(_AUTH, "v1", "SelfSubjectRulesReview", namespaced=False, verbs=_CREATE_ONLY)
ACCESS_REVIEWS = _row(_AUTH, "v1", "SubjectAccessReview", namespaced=False, verbs=_CREATE_ONLY)
LOCAL_ACCESS_REVIEWS = _row(_AUTH, "v1", "LocalSubjectAccessReview", verbs=_CREATE_ONLY)
SELF_REVIEWS = _row(_AUTHENTICATION, "v1", "SelfSubjectReview", namespaced=False, verbs=_CREATE_ONLY)
TOKEN_REVIEWS = _row(_AUTHENTICATION, "v1", "TokenReview", namespaced=False, verbs=_CREATE_ONLY)
ENDPOINTS = Resource(group="", version="v1", kind="Endpoints", plural="endpoints", short_names=("ep",))
BUDGETS = _row("policy", "v1", "PodDisruptionBudget", "pdb", subresources=_STATUS)
PRIORITY_CLASSES = _row("scheduling.k8s.io", "v1", "PriorityClass", "pc", namespaced=False)
RUNTIME_CLASSES = _row("node.k8s.io", "v1", "RuntimeClass", namespaced=False)
ROLES = _row(_RBAC, "v1", "Role")
ROLE_BINDINGS = _row(_RBAC, "v1", "RoleBinding")
CLUSTER_ROLES = _row(_RBAC, "v1", "ClusterRole", namespaced=False)
CLUSTER_ROLE_BINDINGS = _row(_RBAC, "v1", "ClusterRoleBinding", namespaced=False)

RESOURCES: tuple[Resource, ...] = (
    NAMESPACES,
    NODES,
    CONFIG_MAPS,
    SECRETS,
    SERVICES,
    SERVICE_ACCOUNTS,
    PODS,
    EVENTS,
    RESOURCE_QUOTAS,
    LIMIT_RANGES,
    CLAIMS,
    ENDPOINTS,
    # Groups in the order of their priority, in which `kubectl get all` shows what is in them: kubernetes
    # `cmd/kube-apiserver/app/options` and `pkg/controlplane/apiserver/aggregator.go`.
    DEPLOYMENTS,
    REPLICA_SETS,
    STATEFUL_SETS,
    DAEMON_SETS,
    CONTROLLER_REVISIONS,
    MODERN_EVENTS,
    SELF_REVIEWS,
    TOKEN_REVIEWS,
    SELF_ACCESS_REVIEWS,
    SELF_RULES_REVIEWS,
    ACCESS_REVIEWS,
    LOCAL_ACCESS_REVIEWS,
    HPAS,
    JOBS,
    CRON_JOBS,
    _row("networking.k8s.io", "v1", "Ingress", "ing", subresources=_STATUS),
    _row("networking.k8s.io", "v1", "IngressClass", namespaced=False),
    _row("networking.k8s.io", "v1", "NetworkPolicy", "netpol"),
    BUDGETS,
    ROLES,
    ROLE_BINDINGS,
    CLUSTER_ROLES,
    CLUSTER_ROLE_BINDINGS,
    DEFINITIONS,
    PRIORITY_CLASSES,
    LEASES,
    RUNTIME_CLASSES,
    ENDPOINT_SLICES,
)

_BY_PATH = {(row.group, row.version, row.plural): row for row in RESOURCES}
_BY_KIND = {(row.api_version, row.kind): row for row in RESOURCES}


def resource_at(group: str, version: str, plural: str) -> Resource | None:
    """The row that is served under /apis/GROUP/VERSION/PLURAL."""
    return _BY_PATH.get((group, version, plural))


def resource_of(api_version: str, kind: str) -> Resource | None:
    """The row of an object's apiVersion and kind."""
    return _BY_KIND.get((api_version, kind))
