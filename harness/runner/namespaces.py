"""An application and the namespace in which it runs -> its manifests as they stand there, that namespace among them."""

from __future__ import annotations

from harness.errors import ClusterError
from harness.kube.client import Kube
from harness.manifests.application import Application
from harness.manifests.patch import in_namespace
from harness.manifests.read import Manifest
from harness.spec.around import GATES_LABEL


async def as_in(kube: Kube, application: Application, namespace: str) -> tuple[Manifest, ...]:
    """The manifests moved there, but for their own Namespace, in whose place the run's stands.

    That is among them where its labels decide what becomes of its pods; who may not read it goes without.
    """
    all_of = application.manifests
    moved = tuple(in_namespace(each, namespace, all_of) for each in all_of if each is not application.home)
    home = await _home(kube, namespace)
    return moved if home is None else (home, *moved)


async def _home(kube: Kube, namespace: str) -> Manifest | None:
    try:
        found = await kube.find("v1", "Namespace", namespace)
    except ClusterError:
        return None
    labels = {} if found is None else found["metadata"].get("labels") or {}
    if GATES_LABEL not in labels:
        return None
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}
