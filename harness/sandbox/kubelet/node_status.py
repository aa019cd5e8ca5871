"""A node's name and address -> what its kubelet tells the API of it: the Node, its status, and a Lease that it renews.

Source: kubernetes `pkg/kubelet/nodestatus/setters.go`, `staging/src/k8s.io/component-helpers/apimachinery/lease`.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import aiohttp
import anyio

from harness.sandbox.apiclient import ApiClient, ApiError
from harness.sandbox.apiserver.clock import rfc3339_micro
from harness.sandbox.kubelet.status import api_time
from harness.sandbox.kubelet.system_info import architecture, node_info
from harness.sandbox.netns import node_number, pod_network

if TYPE_CHECKING:
    from harness.sandbox.kubelet.records import Object

# What the scheduler goes by, the same on every machine, so that a manifest does the same everywhere: a large server.
# Nothing holds a container to what it asked for, so that a node is never short of anything.
CAPACITY = {"cpu": "64", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "250"}
_CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)
_LEASE_DURATION_S, _RENEWED_EVERY_S = 40, 10.0
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


def node_object(node: str) -> Object:
    """The Node as a kubelet registers it."""
    labels = {
        "kubernetes.io/arch": architecture(),
        "kubernetes.io/hostname": node,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/region": "sandbox",
        "topology.kubernetes.io/zone": f"zone{node_number(node)}",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node, "labels": labels},
        "spec": {"podCIDR": str(pod_network(node_number(node)))},
    }


def node_status(node: str, address: str) -> Object:
    """The status of a node that is well."""
    now = api_time(datetime.now(UTC))
    stamps = {"lastHeartbeatTime": now, "lastTransitionTime": now}
    return {
        "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": node}],
        "capacity": dict(CAPACITY),
        "allocatable": dict(CAPACITY),
        "conditions": [
            {"type": kind, "status": status, **stamps, "reason": reason, "message": message}
            for kind, status, reason, message in _CONDITIONS
        ],
        "nodeInfo": node_info(node),
    }


def is_as_told(status: Object, wanted: Object) -> bool:
    """Whether a status says what the kubelet says, apart from when it said it, whatever else it says."""
    conditions = {condition.get("type"): condition for condition in status.get("conditions") or ()}
    told = [
        conditions.get(one["type"], {}).get(key) == one[key]
        for one in wanted["conditions"]
        for key in ("status", "reason", "message")
    ]
    told += [status.get(key) == wanted[key] for key in ("addresses", "capacity", "allocatable")]
    info = status.get("nodeInfo") or {}
    return all(told) and all(info.get(key) == value for key, value in wanted["nodeInfo"].items())


class Lease:
    """A node's Lease, which says that the node lives; here nobody goes by it but who describes the node."""

    def __init__(self, client: ApiClient, node: str) -> None:
        self._client, self._node = client, node

    async def keep(self) -> None:
        """Renews it for ever."""
        while True:
            with suppress(ApiError, aiohttp.ClientError, OSError, TimeoutError):  # the next time
                await self._renew()
            await anyio.sleep(_RENEWED_EVERY_S)

    async def _renew(self) -> None:
        """The Lease with the present time, made where it is not there, owned by the node."""
        now = rfc3339_micro(datetime.now(UTC).timestamp())
        try:
            await self._client.patch(f"{_LEASES}/{self._node}", {"spec": {"renewTime": now}})
            return
        except ApiError as error:
            if error.status != 404:
                raise
        node = await self._client.get(f"/api/v1/nodes/{self._node}")
        owner = {"apiVersion": "v1", "kind": "Node", "name": self._node, "uid": node["metadata"]["uid"]}
        spec = {"holderIdentity": self._node, "leaseDurationSeconds": _LEASE_DURATION_S, "renewTime": now}
        await self._client.create(_LEASES, {"metadata": {"name": self._node, "ownerReferences": [owner]}, "spec": spec})
