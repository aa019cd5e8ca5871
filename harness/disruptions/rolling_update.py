"""A patch of the workload -> a rollout that is triggered, settled, or undone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.disruptions.stage import Stage
from harness.disruptions.stuck_pods import free
from harness.disruptions.workload import Workload, own_pods
from harness.errors import ClusterError, RolloutError
from harness.kube.client import Kube
from harness.kube.field_owners import MANAGER
from harness.kube.view import View
from harness.spec.rolling import wanted_replicas


async def rolled(stage: Stage, patch: Mapping[str, Any], manager: str | None = None) -> int:
    """Send the patch, as `manager` where it is to stay, and wait until it is rolled out; the generation that it made.

    Raises:
        ClusterError: the API refused it or did not answer.
        RolloutError: it is not complete in time, or never will be.
    """
    before = stage.there()
    generation = await written(stage, patch, manager)
    await stage.until_complete(generation, apart_from=before)
    return generation


async def written(stage: Stage, patch: Mapping[str, Any], manager: str | None = None) -> int:
    """Send a patch of the workload; the generation that it made. What it changes of somebody's is on disk before.

    Raises:
        ClusterError: the API refused it or did not answer.
        OutputError: what it changes cannot be written down.
    """
    changes = stage.changes
    if changes is not None:
        changes.about_to(patch, stays=manager is not None)
    generation = await trigger(stage.kube, stage.workload, patch, manager or MANAGER)
    if changes is not None:
        await changes.have_begun(generation)
    return generation


async def returned(stage: Stage) -> int:
    """Give somebody's workload all its old values back, and wait until that is rolled out; the generation then.

    Raises:
        ClusterError: somebody else has changed it, the API refused it or did not answer.
        RolloutError: it is not complete in time, or never will be.
    """
    assert stage.changes is not None, "of our own, the manifests say how it was"
    generation = await stage.changes.put_back()
    await free(stage, generation)
    await stage.until_complete(generation)
    return generation


async def rolled_back(stage: Stage) -> None:
    """Give the workload the pod template back that it had before, and wait until that is rolled out.

    Of somebody's that is the one before the run.

    Raises:
        ClusterError: the API refused it or did not answer.
        RolloutError: it is not complete in time, or never will be.
    """
    if stage.changes is not None and stage.changes.back:
        await returned(stage)
        return
    template = stage.before["spec"]["template"]
    generation = await undo(stage.kube, stage.workload, template)
    if stage.changes is not None:
        await stage.changes.owners_back(template)
    await free(stage, generation)
    await stage.until_complete(generation)


async def trigger(kube: Kube, workload: Workload, patch: Mapping[str, Any], manager: str = MANAGER) -> int:
    """Send the strategic merge patch that starts a rollout, as `manager`; the generation that it made.

    Raises:
        ClusterError: the API refused it or did not answer.
    """
    patched = await kube.patch(
        "apps/v1", workload.kind, workload.name, patch, namespace=workload.namespace, field_manager=manager
    )
    return int(patched["metadata"]["generation"])


async def until_settled(view: View, workload: Workload, *, deadline_s: float) -> None:
    """Wait until no pod is left that is being deleted.

    Raises:
        RolloutError: one is still there after `deadline_s`.
    """
    try:
        await view.until(
            f"the old pods of {workload} to be gone",
            lambda now: is_settled(now, workload),
            deadline_s=deadline_s,
            state=lambda now: f"still terminating: {', '.join(_terminating(now, workload)) or 'none'}",
        )
    except ClusterError as late:
        raise RolloutError(late.tried, late.seen, "Is their grace period longer than rollout_timeout?") from None


def is_settled(view: View, workload: Workload) -> bool:
    """Whether it has its pods, and no other is left."""
    return len(own_pods(view, workload)) == replicas(view, workload) and not _terminating(view, workload)


def replicas(view: View, workload: Workload) -> int:
    """How many pods the workload wants."""
    found = view.named(workload.kind, workload.name)
    return wanted_replicas(found["spec"]) if found else 0


async def undo(kube: Kube, workload: Workload, template: Mapping[str, Any]) -> int:
    """Give the workload a former pod template back, as `kubectl rollout undo` does; the generation that it made.

    Raises:
        ClusterError: the API refused it or did not answer.
    """
    resource = await kube.resource("apps/v1", workload.kind)
    patched = await kube.request(
        "PATCH",
        resource.path(workload.namespace, workload.name),
        query={"fieldManager": MANAGER},
        body=[{"op": "replace", "path": "/spec/template", "value": dict(template)}],
        headers={"Content-Type": "application/json-patch+json"},
    )
    return int(patched["metadata"]["generation"])


def _terminating(view: View, workload: Workload) -> list[str]:
    return [pod["metadata"]["name"] for pod in own_pods(view, workload) if "deletionTimestamp" in pod["metadata"]]
