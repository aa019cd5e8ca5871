"""A patch of the workload -> a rollout, followed until it is complete, settled, or undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.errors import ClusterError, RolloutError
from harness.kube.client import Kube
from harness.kube.view import View
from harness.spec.completion import is_complete
from harness.spec.rolling import wanted_replicas


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """The Deployment or StatefulSet that is rolled."""

    kind: str
    name: str
    namespace: str

    def __str__(self) -> str:
        return f"{self.kind.lower()}/{self.name}"


async def trigger(kube: Kube, workload: Workload, patch: Mapping[str, Any]) -> int:
    """Send the strategic merge patch that starts a rollout; the generation that it made.

    Raises:
        ClusterError: the API refused it or did not answer.
    """
    patched = await kube.patch("apps/v1", workload.kind, workload.name, patch, namespace=workload.namespace)
    return int(patched["metadata"]["generation"])


async def until_complete(view: View, workload: Workload, generation: int, *, deadline_s: float) -> None:
    """Wait until the API calls the rollout of `generation` complete, as `kubectl rollout status` does.

    Raises:
        RolloutError: it is not within `deadline_s`; the error says why the new pods are not ready.
    """
    try:
        await view.until(
            f"{workload} to be rolled out",
            lambda now: _complete(now, workload, generation),
            deadline_s=deadline_s,
            state=lambda now: described(now, workload),
        )
    except ClusterError as late:
        raise RolloutError(late.tried, late.seen, "Raise rollout_timeout if it only needs more time.") from None


async def until_settled(view: View, workload: Workload, *, deadline_s: float) -> None:
    """Wait until no pod is left that is being deleted.

    Raises:
        RolloutError: one is still there after `deadline_s`.
    """
    try:
        await view.until(
            f"the old pods of {workload} to be gone",
            lambda now: len(now.objects("Pod")) == replicas(now, workload) and not _terminating(now),
            deadline_s=deadline_s,
            state=lambda now: f"still terminating: {', '.join(_terminating(now)) or 'none'}",
        )
    except ClusterError as late:
        raise RolloutError(late.tried, late.seen, "Is their grace period longer than rollout_timeout?") from None


def replicas(view: View, workload: Workload) -> int:
    """How many pods the workload wants."""
    found = view.named(workload.kind, workload.name)
    return wanted_replicas(found["spec"]) if found else 0


def pod_template(view: View, workload: Workload) -> dict[str, Any]:
    """The pod template that the workload has now, to go back to.

    Raises:
        RolloutError: the workload is gone.
    """
    found = view.named(workload.kind, workload.name)
    if found is None:
        raise RolloutError(f"reading the pod template of {workload}", "the workload is gone")
    template: dict[str, Any] = found["spec"]["template"]
    return template


async def undo(kube: Kube, workload: Workload, template: Mapping[str, Any]) -> int:
    """Give the workload a former pod template back, as `kubectl rollout undo` does; the generation that it made.

    Raises:
        ClusterError: the API refused it or did not answer.
    """
    resource = await kube.resource("apps/v1", workload.kind)
    patched = await kube.request(
        "PATCH",
        resource.path(workload.namespace, workload.name),
        body=[{"op": "replace", "path": "/spec/template", "value": dict(template)}],
        headers={"Content-Type": "application/json-patch+json"},
    )
    return int(patched["metadata"]["generation"])


def _complete(view: View, workload: Workload, generation: int) -> bool:
    found = view.named(workload.kind, workload.name)
    return found is not None and is_complete(found, generation=generation)


def _terminating(view: View) -> list[str]:
    return [pod["metadata"]["name"] for pod in view.objects("Pod") if "deletionTimestamp" in pod["metadata"]]


def described(view: View, workload: Workload) -> str:
    """How far a rollout is, and what holds up each pod that is not ready: for people."""
    found = view.named(workload.kind, workload.name)
    if found is None:
        return f"{workload} is gone"
    status = found.get("status", {})
    counts = (
        f"{status.get('updatedReplicas', 0)} of {wanted_replicas(found['spec'])} pods updated, "
        f"{status.get('availableReplicas', 0)} available"
    )
    return "; ".join([counts, *filter(None, map(_held_up, view.objects("Pod")))])


def _held_up(pod: dict[str, Any]) -> str:
    name, status = pod["metadata"]["name"], pod.get("status", {})
    if "deletionTimestamp" in pod["metadata"]:
        return ""
    for container in status.get("containerStatuses", ()):
        waiting = container.get("state", {}).get("waiting")
        if waiting:
            detail = f" ({waiting['message']})" if waiting.get("message") else ""
            return f"{name}: {waiting.get('reason', 'waiting')}{detail}"
    for condition in status.get("conditions", ()):
        if condition["type"] in ("PodScheduled", "Ready") and condition["status"] != "True":
            return f"{name}: not {condition['type']} ({condition.get('message') or condition.get('reason') or '?'})"
    return ""
