"""Nothing -> what every cluster has from its first moment: namespaces, the Service `kubernetes`, classes, roles.

Source: kubernetes `pkg/controlplane`, `plugin/pkg/auth/authorizer/rbac/bootstrappolicy`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiserver.bootstrap_roles import CLUSTER_ROLE_OBJECTS, bindings
from harness.sandbox.apiserver.registry import WriteOptions
from harness.sandbox.apiserver.resources import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    ENDPOINT_SLICES,
    ENDPOINTS,
    NAMESPACES,
    PRIORITY_CLASSES,
    SERVICE_ACCOUNTS,
    SERVICES,
)

if TYPE_CHECKING:
    from harness.sandbox.apiserver.registry import Registry
    from harness.sandbox.apiserver.resources import Resource
    from harness.sandbox.apiserver.store import Object

NAMESPACE_NAMES = ("default", "kube-system", "kube-public", "kube-node-lease")
# The first address of the range of cluster addresses, as everywhere.
SERVICE_ADDRESS, SERVICE_PORT = "10.96.0.1", 443
# Where the API listens inside the sandbox's network: on the first node.
API_ADDRESS, API_PORT = "10.201.0.1", 6443
NAME = "kubernetes"
_PRIORITY_CLASSES = (
    ("system-cluster-critical", 2000000000, "must run in the cluster, but can be moved to another node if necessary."),
    ("system-node-critical", 2000001000, "must not be moved from their current node."),
)


def service_objects() -> tuple[tuple[Resource, Object], ...]:
    """The Service `kubernetes` of the namespace default with its Endpoints and its slice."""
    port = {"name": "https", "port": API_PORT, "protocol": "TCP"}
    service = {
        "metadata": {"name": NAME, "labels": {"component": "apiserver", "provider": NAME}},
        "spec": {
            "clusterIP": SERVICE_ADDRESS,
            "ports": [{"name": "https", "port": SERVICE_PORT, "protocol": "TCP", "targetPort": API_PORT}],
        },
    }
    endpoints = {
        "metadata": {"name": NAME, "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}},
        "subsets": [{"addresses": [{"ip": API_ADDRESS}], "ports": [port]}],
    }
    endpoint_slice = {
        "metadata": {"name": NAME, "labels": {"kubernetes.io/service-name": NAME}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [API_ADDRESS], "conditions": {"ready": True}}],
        "ports": [port],
    }
    return (SERVICES, service), (ENDPOINTS, endpoints), (ENDPOINT_SLICES, endpoint_slice)


def fill(registry: Registry) -> None:
    """Stores all of it."""
    own = WriteOptions(manager="kube-apiserver")
    for name in NAMESPACE_NAMES:
        registry.create(NAMESPACES, "", {"metadata": {"name": name}, "spec": {}}, own)
        registry.create(SERVICE_ACCOUNTS, name, {"metadata": {"name": "default"}})
    for resource, obj in service_objects():
        registry.create(resource, "default", obj)
    for name, value, what in _PRIORITY_CLASSES:
        description = f"Used for system critical pods that {what}"
        registry.create(PRIORITY_CLASSES, "", {"metadata": {"name": name}, "value": value, "description": description})
    for role in CLUSTER_ROLE_OBJECTS:
        registry.create(CLUSTER_ROLES, "", role)
    for binding in bindings():
        registry.create(CLUSTER_ROLE_BINDINGS, "", binding)
