"""The undo.json and cordon.json of a run that was killed -> workload and node as they were, or the reason why not."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

from anyio import to_thread

from harness.errors import ClusterError
from harness.kube.client import MERGE, Kube
from harness.kube.errors import ApiRefusal, is_not_found
from harness.kube.field_owners import MANAGER, owner_of
from harness.kube.lease import API, KIND, lease_name, records_of, seems_held, who
from harness.model.undo import Cordon, Undo
from harness.runner.putting_back import ChangedByOthers, foreign, put_owners_back, put_values_back
from harness.runner.undos import command, recorded, restarts
from harness.spec.workload import spec_of
from harness.store.undo import write_cordon, write_undo

_AS_IT_IS = "It was left as it is now: kubectl uncordon, if nobody wants it so."


async def restore(kube: Kube, folder: Path, undo: Undo) -> None:
    """Put the workload back as it was before the run, and have on disk that it is done.

    `folder`: the scenario's, absolute.
    A restart by a later run is known by that run's record. What a later run has still to put back itself comes first.

    Raises:
        ChangedByOthers: somebody else has changed, deleted or replaced it, or another run has it; nothing was touched.
        ClusterError: the API refused it, or did not answer.
    """
    tried = f"putting {undo.workload} back"
    await _check_free(kube, folder, undo, tried)
    beside = tuple(each for each in await to_thread.run_sync(recorded, folder.parent) if each.undo.uid == undo.uid)
    known = restarts(beside, undo.uid)
    try:
        await put_values_back(kube, undo, restarts=known)
        await put_owners_back(kube, undo, restarts=known)
    except ChangedByOthers:
        live = await kube.find("apps/v1", undo.kind, undo.name, undo.namespace)
        for each in beside:
            others = not each.undo.done and each.folder != folder
            if others and live is not None and not foreign(each.undo, live, restarts=known):
                seen = "a later run of the harness has changed it, and not put it back"
                raise ChangedByOthers(tried, seen, f"Put that back first: {command(each.folder)}") from None
        raise
    except ClusterError as error:
        if not is_not_found(error):
            raise
        raise ChangedByOthers(tried, "it is gone", "Deploy it again.") from None
    write_undo(folder, replace(undo, done=True))


async def _check_free(kube: Kube, folder: Path, undo: Undo, tried: str) -> None:
    """Refuse a workload that a run has, unless it is the one which is to be put back: that was killed.

    Raises:
        ChangedByOthers: another run has it.
    """
    try:
        lease = await kube.find(API, KIND, lease_name(undo.kind, undo.name), undo.namespace)
    except ApiRefusal:  # who may not read Leases may restore
        return
    if lease is not None and seems_held(lease) and records_of(lease) != str(folder.parent):
        raise ChangedByOthers(tried, f"another run of the harness has it: {who(lease)}", "Wait until it is over.")


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
