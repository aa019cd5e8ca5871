"""A kubeconfig context -> the workloads that stand there, what is around them, and what its cluster is; only read."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.check.checking import Known, check_objects
from harness.check.report import PassedOver, Place, Report
from harness.clusters.data_plane import proxy_facts
from harness.errors import ClusterError
from harness.kube.connection import from_context
from harness.spec.claims import CLAIM

if TYPE_CHECKING:
    from harness.kube.client import Kube

_KINDS = (("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("v1", "Service"))
_AROUND = (
    ("networking.k8s.io/v1", "Ingress"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("policy/v1", "PodDisruptionBudget"),
    ("v1", CLAIM),
)
"""What not everybody may read, and not every cluster serves."""

_SYSTEM = frozenset({"kube-system", "kube-public", "kube-node-lease"})
_VERSION = re.compile(r"v?(\d+)\.(\d+)")


async def check_context(context: str, namespace: str | None, known: Known) -> Report:
    """What is wrong with what stands in that namespace; without one in all but the cluster's own.

    Raises:
        ClusterError: it does not answer, or these objects may not be read.
    """
    async with from_context(context) as kube:
        facts = await proxy_facts(kube)
        version = known.kubernetes or _version(await kube.version())
        period_s = known.proxy_period_s if known.proxy_period_s is not None else facts.min_sync_period_s
        objects = [each for kind in _KINDS for each in await _listed(kube, *kind, namespace)]
        around, unread = await _around(kube, namespace)
        objects += around
        objects += await _namespaces(kube, objects)
    where = f"context:{context}"
    live = replace(known, kubernetes=version, proxy_period_s=period_s)
    report = check_objects(objects, where, live)
    passed = tuple(PassedOver(place=Place(file=where), why=why) for why in unread)
    return replace(report, passed_over=(*passed, *report.passed_over))


async def _around(kube: Kube, namespace: str | None) -> tuple[list[dict[str, Any]], list[str]]:
    """What is there of it; of what may not be read, or is not served, why."""
    found: list[dict[str, Any]] = []
    unread: list[str] = []
    for api_version, kind in _AROUND:
        try:
            found += await _listed(kube, api_version, kind, namespace)
        except ClusterError as error:
            unread.append(f"no {kind} can be read ({error.seen})")
    return found, unread


async def _listed(kube: Kube, api_version: str, kind: str, namespace: str | None) -> list[dict[str, Any]]:
    found = await kube.list(api_version, kind, namespace)
    return [
        {"apiVersion": api_version, "kind": kind, **each}
        for each in found
        if namespace is not None or each["metadata"].get("namespace") not in _SYSTEM
    ]


async def _namespaces(kube: Kube, objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that the objects are in, as far as they may be read."""
    names = dict.fromkeys(each["metadata"].get("namespace") for each in objects)
    found = [await _namespace(kube, name) for name in names if name]
    return [each for each in found if each is not None]


async def _namespace(kube: Kube, name: str) -> dict[str, Any] | None:
    try:
        namespace = await kube.find("v1", "Namespace", name)
    except ClusterError:
        return None
    return None if namespace is None else {"apiVersion": "v1", "kind": "Namespace", **namespace}


def _version(text: str) -> tuple[int, int] | None:
    found = _VERSION.match(text)
    return None if found is None else (int(found[1]), int(found[2]))
