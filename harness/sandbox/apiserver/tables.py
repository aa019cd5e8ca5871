"""Objects -> the Table that `kubectl get` prints, with the real API's columns for each kind.

A column with priority above 0 is shown with `-o wide` only. Kinds without columns of their own show NAME and AGE, those
of a CustomResourceDefinition the columns that it gives. Source: kubernetes `pkg/printers/internalversion/printers.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver import accessprinters, printers, storedprinters
from harness.sandbox.apiserver.custom.columns import cells_of, definitions_of
from harness.sandbox.apiserver.podprinter import pod_row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.sandbox.apiserver.resources import Resource
    from harness.sandbox.apiserver.store import Object, Stored

_META = "meta.k8s.io/v1"
Row = tuple[Any, ...]

# Columns as "Name[:type]", those after "|" only with -o wide.
_COLUMNS: dict[str, tuple[str, Callable[[Object, printers.Clock], Row]]] = {
    "Pod": ("Name Ready Status Restarts Age | IP Node Nominated_Node Readiness_Gates", pod_row),
    "Deployment": (
        "Name Ready Up-to-date:integer Available:integer Age | Containers Images Selector", printers.deployment,
    ),
    "ReplicaSet": (
        "Name Desired:integer Current:integer Ready:integer Age | Containers Images Selector", printers.replica_set,
    ),
    "StatefulSet": ("Name Ready Age | Containers Images", printers.stateful_set),
    "DaemonSet": (
        "Name Desired:integer Current:integer Ready:integer Up-to-date:integer Available:integer Node_Selector Age "
        "| Containers Images Selector",
        printers.daemon_set,
    ),
    "CronJob": (
        "Name Schedule Timezone Suspend Active Last_Schedule Age | Containers Images Selector",
        printers.cron_job,
    ),
    "Job": ("Name Status Completions Duration Age | Containers Images Selector", printers.job),
    "Service": ("Name Type Cluster-IP External-IP Port(s) Age | Selector", printers.service),
    "EndpointSlice": ("Name AddressType Ports Endpoints Age", printers.endpoint_slice),
    "ConfigMap": ("Name Data:integer Age", printers.config_map),
    "Secret": ("Name Type Data:integer Age", printers.secret),
    "ServiceAccount": ("Name Secrets:integer Age", printers.service_account),
    "Namespace": ("Name Status Age", printers.namespace),
    "Node": (
        "Name Status Roles Age Version | Internal-IP External-IP OS-Image Kernel-Version Container-Runtime",
        printers.node,
    ),
    "Event": ("Last_Seen Type Reason Object Message | Subobject Source First_Seen Count:integer Name", printers.event),
    "Lease": ("Name Holder Age", printers.lease),
    "ControllerRevision": ("Name Controller Revision:integer Age", printers.controller_revision),
    "PodDisruptionBudget": ("Name Min_Available Max_Unavailable Allowed_Disruptions:integer Age", printers.budget),
    "Ingress": ("Name Class Hosts Address Ports Age", printers.ingress),
    "HorizontalPodAutoscaler": ("Name Reference Targets MinPods MaxPods Replicas:integer Age", printers.autoscaler),
    "NetworkPolicy": ("Name Pod-Selector Age", storedprinters.network_policy),
    "LimitRange": ("Name Created_At", storedprinters.limit_range),
    "IngressClass": ("Name Controller Parameters Age", storedprinters.ingress_class),
    "PersistentVolumeClaim": (
        "Name Status Volume Capacity Access_Modes StorageClass VolumeAttributesClass Age | VolumeMode",
        storedprinters.claim,
    ),
    "Scale": ("Name Desired:integer Available:integer Age", printers.scale),
    "ResourceQuota": ("Name Request Limit Age", printers.quota),
    "Endpoints": ("Name Endpoints Age", accessprinters.endpoints),
    "Role": ("Name Created_At", accessprinters.role),
    "ClusterRole": ("Name Created_At", accessprinters.role),
    "RoleBinding": ("Name Role Age | Users Groups ServiceAccounts", accessprinters.binding),
    "ClusterRoleBinding": ("Name Role Age | Users Groups ServiceAccounts", accessprinters.binding),
    "PriorityClass": ("Name Value:integer Global-Default:boolean Age PreemptionPolicy", accessprinters.priority_class),
    "RuntimeClass": ("Name Handler Age", accessprinters.runtime_class),
    "CustomResourceDefinition": ("Name Created_At:date", printers.definition),
}  # fmt: skip


class Printer:
    """Builds tables; the clock is asked for ages."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now

    def table(self, resource: Resource, items: Sequence[Stored], include: str) -> Object:
        """A `Table` without metadata; each row carries its object as `include` says: Metadata, Object or None."""
        clock, custom = printers.Clock(self._now()), resource.custom
        if custom is not None:
            columns = definitions_of(custom)
            cells = [cells_of(custom, stored.obj, clock) for stored in items]
        else:
            text, row = _COLUMNS.get(resource.kind, ("Name Age", printers.plain))
            columns = list(_definitions(text))
            cells = [list(row(stored.obj, clock)) for stored in items]
        rows = [{"cells": each, **_included(stored, include)} for each, stored in zip(cells, items, strict=True)]
        return {"kind": "Table", "apiVersion": _META, "columnDefinitions": columns, "rows": rows}


def _definitions(columns: str) -> list[Object]:
    shown, _, wide = columns.partition("|")
    return [
        {
            "name": name.partition(":")[0].replace("_", " "),
            "type": name.partition(":")[2] or "string",
            "format": "name" if name == "Name" else "",
            "description": "",
            "priority": priority,
        }
        for priority, names in enumerate((shown.split(), wide.split()))
        for name in names
    ]


def _included(stored: Stored, include: str) -> Object:
    if include == "None":
        return {}
    if include == "Object":
        return {"object": stored.obj}
    partial = {"kind": "PartialObjectMetadata", "apiVersion": _META, "metadata": stored.obj["metadata"]}
    return {"object": partial}
