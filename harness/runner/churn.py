"""A Service of our own whose endpoints change steadily -> a data plane as busy as that of a real cluster.

kube-proxy's minSyncPeriod is a cool-down: after quiet, the first change is programmed at once, so that an empty cluster
looks faster than a busy one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import anyio

from harness.kube.client import MERGE, Kube
from harness.kube.ownership import Ownership
from harness.runner.clean_up import delete_objects

NAME = "rollout-harness-churn"
# TEST-NET-1 (RFC 5737): addresses that are nobody's. No request goes there; the data plane programs them all the same.
_ADDRESSES = ("192.0.2.1", "192.0.2.2")
_SLICE = "discovery.k8s.io/v1"


@asynccontextmanager
async def churning(kube: Kube, namespace: str, every_s: float | None, ownership: Ownership) -> AsyncIterator[None]:
    """Change the endpoints of a Service in the namespace every `every_s` seconds, for as long as the block lasts.

    The Service is deleted at the end. None: nothing is done.

    Raises:
        ClusterError: the API refuses it.
        LeftBehind: what was made cannot be deleted at the end.
    """
    if every_s is None:
        yield
        return
    made: list[dict[str, Any]] = []
    try:
        for manifest in (_service(ownership.labels), _slice(_ADDRESSES[0], ownership.labels)):
            made.append(await kube.create(manifest, namespace))  # noqa: PERF401 - one by one, to be deleted again
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_change, kube, namespace, every_s)
            yield
            tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await delete_objects(kube, made, namespace)


async def _change(kube: Kube, namespace: str, every_s: float) -> None:
    for turn in count(1):
        await anyio.sleep(every_s)
        endpoints = _slice(_ADDRESSES[turn % len(_ADDRESSES)], {})["endpoints"]
        await kube.patch(
            _SLICE, "EndpointSlice", NAME, {"endpoints": endpoints}, namespace=namespace, content_type=MERGE
        )


def _service(labels: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAME, "labels": dict(labels)},
        "spec": {"ports": [{"port": 80, "targetPort": 80}]},  # no selector: its endpoints are ours to write
    }


def _slice(address: str, labels: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": _SLICE,
        "kind": "EndpointSlice",
        "metadata": {"name": NAME, "labels": {**labels, "kubernetes.io/service-name": NAME}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": [{"port": 80, "protocol": "TCP"}],
    }
