"""An object with its defaults -> nothing, or a 422 that names every field that is wrong.

The checks that people meet when they write workloads and Services; texts as the real API's (kubernetes
`pkg/apis/*/validation`). Kinds without checks of their own get those of the metadata alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.api_errors import shown
from harness.sandbox.apiserver.datavalidation import check_config_map, check_secret
from harness.sandbox.apiserver.endpointsvalidation import check_endpoints
from harness.sandbox.apiserver.events import check_event
from harness.sandbox.apiserver.field_errors import FieldErrors
from harness.sandbox.apiserver.jobvalidation import check_cron_job, check_job
from harness.sandbox.apiserver.networkvalidation import check_ingress, check_ingress_class, check_network_policy
from harness.sandbox.apiserver.podvalidation import check_pod
from harness.sandbox.apiserver.quantities import exact
from harness.sandbox.apiserver.rbacvalidation import GROUP as RBAC
from harness.sandbox.apiserver.rbacvalidation import check_binding, check_role
from harness.sandbox.apiserver.resources import NAMESPACES, SERVICES, STATEFUL_SETS
from harness.sandbox.apiserver.scalingvalidation import check_autoscaler, check_disruption_budget
from harness.sandbox.apiserver.schedulingvalidation import TAINT_EFFECTS, check_priority_class
from harness.sandbox.apiserver.servicevalidation import check_endpoint_slice, check_service
from harness.sandbox.apiserver.workloadvalidation import (
    check_daemon_set,
    check_deployment,
    check_replica_set,
    check_stateful_set,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.sandbox.apiserver.resources import Resource
    from harness.sandbox.apiserver.store import Object

    Check = Callable[[FieldErrors, Object, Object | None], None]

_ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_CLAIM_TEXT = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
)


def validate(resource: Resource, obj: Object, old: Object | None = None) -> None:
    """Raises: StatusError (422) with all causes; `old` is the stored state where the object is changed."""
    errors = FieldErrors()
    check(errors, resource, obj, old)
    if errors.causes:
        raise api_errors.invalid(resource, obj["metadata"].get("name", ""), errors.causes)


def check(errors: FieldErrors, resource: Resource, obj: Object, old: Object | None = None) -> None:
    """Collects what is wrong with the object in `errors`."""
    _metadata(errors, resource, obj, old)
    of_kind = _CHECKS.get((resource.api_version, resource.kind))
    if of_kind is not None:
        of_kind(errors, obj, old)
    elif resource.custom is not None:
        errors.causes += resource.custom.causes(obj, old)


def _metadata(errors: FieldErrors, resource: Resource, obj: Object, old: Object | None) -> None:
    metadata = obj["metadata"]
    name = metadata["name"]
    if resource is NAMESPACES:
        errors.label("metadata.name", name)
    elif resource is SERVICES:
        errors.label_1035("metadata.name", name)
    elif resource is STATEFUL_SETS:
        errors.label("metadata.name", name)
    elif resource.group == RBAC or resource.kind == "PodDisruptionBudget":  # whose own rules have none for its name
        errors.path_segment("metadata.name", name)
    elif resource.plural != "events":
        errors.subdomain("metadata.name", name)
    check_metadata(errors, metadata, (old or {}).get("metadata", {}))


def check_metadata(errors: FieldErrors, metadata: Object, before: Object | None = None) -> None:
    """Collects what is wrong with it whatever the kind, whose name has rules of its own."""
    errors.labels("metadata.labels", metadata.get("labels") or {})
    errors.annotations("metadata.annotations", metadata.get("annotations") or {})
    if finalizers := metadata.get("finalizers"):
        _finalizers(errors, finalizers, before or {})
    if owners := metadata.get("ownerReferences"):
        _owners(errors, owners)


def _finalizers(errors: FieldErrors, finalizers: list[str], before: Object) -> None:
    for n, finalizer in enumerate(finalizers):
        if finalizer not in ("orphan", "foregroundDeletion", "kubernetes"):
            errors.qualified(f"metadata.finalizers[{n}]", finalizer)
    added = [item for item in finalizers if item not in (before.get("finalizers") or ())]
    if before.get("deletionTimestamp") and added:
        why = f"no new finalizers can be added if the object is being deleted, found new finalizers {shown(added)}"
        errors.forbidden("metadata.finalizers", why)


def _owners(errors: FieldErrors, owners: list[Object]) -> None:
    for n, owner in enumerate(owners):
        for key in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(key):
                why = "version must not be empty" if key == "apiVersion" else "must not be empty"
                errors.invalid(f"metadata.ownerReferences[{n}].{key}", owner.get(key, ""), why)
    leading = [owner for owner in owners if owner.get("controller")]
    if len(leading) > 1:
        first, second = (f"{owner.get('kind')}/{owner.get('name')}" for owner in leading[:2])
        why = f'Only one reference can have Controller set to true. Found "true" in references for {first} and {second}'
        errors.invalid("metadata.ownerReferences", owners, why)


def _node(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    for n, taint in enumerate(obj.get("spec", {}).get("taints") or ()):
        if not taint.get("key"):
            errors.required(f"spec.taints[{n}].key")
        errors.one_of(f"spec.taints[{n}].effect", taint.get("effect", ""), TAINT_EFFECTS)
    for part in ("capacity", "allocatable"):
        for key, value in ((obj.get("status") or {}).get(part) or {}).items():
            if exact(value) < 0:
                errors.invalid(f"status.{part}[{key}]", value, "must be greater than or equal to 0")


def _quota(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    for key, value in ((obj.get("spec") or {}).get("hard") or {}).items():
        errors.qualified(f"spec.hard[{key}]", key)
        if exact(value) < 0:
            errors.invalid(f"spec.hard[{key}]", value, "must be greater than or equal to 0")


def _claim(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    spec = obj.get("spec") or {}
    modes, storage = spec.get("accessModes") or [], ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if not modes:
        errors.required("spec.accessModes", "at least 1 access mode is required")
    for mode in modes:
        errors.one_of("spec.accessModes", mode, _ACCESS_MODES)
    if storage is None:
        errors.required("spec.resources[storage]")
    elif exact(storage) <= 0:
        errors.invalid("spec.resources[storage]", storage, "must be greater than zero")
    if old is not None and _without_size(spec) != _without_size(old.get("spec") or {}):
        errors.forbidden("spec", _CLAIM_TEXT)


def _without_size(spec: Object) -> Object:
    return {key: value for key, value in spec.items() if key not in ("resources", "volumeAttributesClassName")}


def _lease(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    spec = obj.get("spec") or {}
    if spec.get("leaseDurationSeconds") is not None and spec["leaseDurationSeconds"] <= 0:
        errors.invalid("spec.leaseDurationSeconds", spec["leaseDurationSeconds"], "must be greater than 0")
    errors.not_negative("spec.leaseTransitions", spec.get("leaseTransitions"))
    if spec.get("holderIdentity") == "":
        errors.invalid("spec.holderIdentity", "", "must not be empty")


def _definition(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    from harness.sandbox.apiserver.custom.definitionvalidation import check_definition  # for those who need it

    check_definition(errors, obj, old)


_CHECKS: dict[tuple[str, str], Check] = {
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): _definition,
    ("apps/v1", "DaemonSet"): check_daemon_set,
    ("apps/v1", "Deployment"): check_deployment,
    ("apps/v1", "ReplicaSet"): check_replica_set,
    ("apps/v1", "StatefulSet"): check_stateful_set,
    ("autoscaling/v2", "HorizontalPodAutoscaler"): check_autoscaler,
    ("batch/v1", "CronJob"): check_cron_job,
    ("batch/v1", "Job"): check_job,
    ("coordination.k8s.io/v1", "Lease"): _lease,
    ("discovery.k8s.io/v1", "EndpointSlice"): check_endpoint_slice,
    ("networking.k8s.io/v1", "Ingress"): check_ingress,
    ("networking.k8s.io/v1", "IngressClass"): check_ingress_class,
    ("networking.k8s.io/v1", "NetworkPolicy"): check_network_policy,
    ("policy/v1", "PodDisruptionBudget"): check_disruption_budget,
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): check_role,
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): check_binding,
    ("rbac.authorization.k8s.io/v1", "Role"): check_role,
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): check_binding,
    ("scheduling.k8s.io/v1", "PriorityClass"): check_priority_class,
    ("v1", "ConfigMap"): check_config_map,
    ("v1", "Endpoints"): check_endpoints,
    ("v1", "Event"): check_event,
    ("v1", "Node"): _node,
    ("v1", "PersistentVolumeClaim"): _claim,
    ("v1", "Pod"): check_pod,
    ("v1", "ResourceQuota"): _quota,
    ("v1", "Secret"): check_secret,
    ("v1", "Service"): check_service,
}
