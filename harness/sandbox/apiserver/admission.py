"""A new or changed object -> admitted, with what only the cluster's other objects can tell, or refused.

In the real API this is the work of admission plugins and of the registries' allocators.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.allocation import ServiceAddresses
from harness.sandbox.apiserver.limitranges import keep_limits
from harness.sandbox.apiserver.podadmission import admit_pod
from harness.sandbox.apiserver.podsecurity import check_pod_security
from harness.sandbox.apiserver.quota import check_quota
from harness.sandbox.apiserver.resources import NAMESPACES, PODS, SERVICES

if TYPE_CHECKING:
    from harness.sandbox.apiserver.resources import Resource
    from harness.sandbox.apiserver.store import Object, Store

PodWebhook = Callable[["Store", str, "Object"], None]
"""Completes a new pod of a namespace in place. Raises: StatusError."""

_IMMORTAL = ("default", "kube-system", "kube-public")


class Admission:
    """Checks and completes an object against the rest of the cluster.

    `mutate_pod`: what a webhook for new pods would do.
    """

    def __init__(self, store: Store, mutate_pod: PodWebhook | None = None) -> None:
        self._store, self._mutate_pod = store, mutate_pod
        self._addresses = ServiceAddresses(store)

    def of_new(self, resource: Resource, namespace: str, obj: Object) -> None:
        """The namespace must exist and not be ending; a Service gets its addresses. Raises: StatusError."""
        if resource.namespaced:
            home = self._store.get(NAMESPACES, "", namespace)
            if home is None:
                raise api_errors.not_found(NAMESPACES, namespace)
            if home.obj["metadata"].get("deletionTimestamp"):
                why = f"unable to create new content in namespace {namespace} because it is being terminated"
                raise api_errors.forbidden(resource, obj["metadata"]["name"], why, "NamespaceTerminating")
            if resource is PODS:
                admit_pod(self._store, namespace, obj)
                if self._mutate_pod is not None:
                    self._mutate_pod(self._store, namespace, obj)
                keep_limits(self._store, namespace, obj)
                check_pod_security(self._store, namespace, obj)
            check_quota(self._store, resource, namespace, obj)
        if resource.custom is not None and resource.custom.terminating:
            why = "create not allowed while custom resource definition is terminating"
            raise api_errors.forbidden(resource, obj["metadata"]["name"], why)
        if resource is SERVICES:
            self._addresses.assign(obj)

    def of_changed(self, resource: Resource, old: Object, new: Object) -> None:
        """A Service keeps its addresses. Raises: StatusError."""
        if resource is SERVICES:
            self._addresses.assign(new, old)

    @staticmethod
    def of_deleted(resource: Resource, name: str) -> None:
        """Some namespaces stay. Raises: StatusError."""
        if resource is NAMESPACES and name in _IMMORTAL:
            raise api_errors.forbidden(resource, name, "this namespace may not be deleted")
