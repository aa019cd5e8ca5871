"""The undo.json and cordon.json of a run that was killed -> workload and node as they were, or the reason why not."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

from harness.errors import ClusterError
from harness.kube.client import MERGE, Kube
from harness.kube.errors import ApiRefusal, is_not_found
from harness.kube.field_owners import MANAGER, owner_of
from harness.model.undo import Cordon, Undo
from harness.runner.putting_back import ChangedByOthers, put_owners_back, put_values_back
from harness.spec.workload import spec_of
from harness.store.undo import write_cordon, write_undo

_AS_IT_IS = "It was left as it is now: kubectl uncordon, if nobody wants it so."


async def restore(kube: Kube, folder: Path, undo: Undo) -> None:
    """Put the workload back as it was before the run, and have on disk that it is done.

    Raises:
        ChangedByOthers: somebody else has changed, deleted or replaced it; nothing was touched.
        ClusterError: the API refused it, or did not answer.
    """
    try:
        await put_values_back(kube, undo)
        await put_owners_back(kube, undo)
    except ClusterError as error:
        if not is_not_found(error):
            raise
        raise ChangedByOthers(f"putting {undo.workload} back", "it is gone", "Deploy it again.") from None
    write_undo(folder, replace(undo, done=True))


async def uncordon(kube: Kube, folder: Path, cordon: Cordon) -> None:
    """Let pods be scheduled on the node again, and have on disk that it is done.

    Raises:
        ChangedByOthers: somebody else has cordoned it, or has made it anew; nothing was touched.
        ClusterError: the API refused it, or did not answer.
    """
    tried = f"uncordoning node {cordon.node}"
    node = await kube.find("v1", "Node", cordon.node)
    if node is not None and spec_of(node).get("unschedulable"):
        if node["metadata"].get("uid") != cordon.uid:
            raise ChangedByOthers(tried, "it is another one: the one that was drained has been deleted", _AS_IT_IS)
        who = owner_of(("f:spec", "f:unschedulable"), node["metadata"].get("managedFields") or ())
        if who not in (None, MANAGER):
            raise ChangedByOthers(tried, f"{who} has cordoned it meanwhile", _AS_IT_IS)
        version = str(node["metadata"]["resourceVersion"])  # nobody may have cordoned it since we looked
        patch = {"metadata": {"resourceVersion": version}, "spec": {"unschedulable": None}}
        try:
            await kube.patch("v1", "Node", cordon.node, patch, content_type=MERGE, field_manager=MANAGER)
        except ApiRefusal as refused:
            if refused.status != HTTPStatus.CONFLICT:
                raise
            raise ChangedByOthers(tried, "it changed in this very moment", "Do it once more.") from None
    write_cordon(folder, replace(cordon, done=True))
