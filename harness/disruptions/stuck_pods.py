"""A StatefulSet that has its former pod template again -> the pods of the other one that never became Ready, deleted.

Its controller waits for them to be Ready before it replaces any, which they may never be:
https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from harness.disruptions.pod_obstacles import condition
from harness.disruptions.stage import Stage
from harness.disruptions.workload import Workload, own_pods
from harness.kube.errors import ApiRefusal
from harness.kube.view import View


async def free(stage: Stage, generation: int) -> None:
    """Delete them once the controller has seen the template of that generation; of another kind none.

    Raises:
        ClusterError: the API refused it or did not answer, or the controller does not see it.
    """
    workload = stage.workload
    if workload.kind != "StatefulSet":
        return
    await stage.view.until(
        f"{workload} to be seen by its controller",
        lambda now: _seen(now, workload) >= generation,
        deadline_s=stage.left_s,
        state=lambda now: f"generation {_seen(now, workload)} of {generation}",
    )
    for pod in stuck(stage.view, workload):
        metadata = pod["metadata"]
        try:
            await stage.kube.delete("v1", "Pod", metadata["name"], namespace=workload.namespace, uid=metadata["uid"])
        except ApiRefusal as refused:  # it has gone, or another has come in its place
            if refused.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                raise


def stuck(view: View, workload: Workload) -> list[dict[str, Any]]:
    """The pods of a revision that is not the one to be had, which are not Ready and not on their way out."""
    revision = (view.named(workload.kind, workload.name) or {}).get("status", {}).get("updateRevision")
    return [
        pod
        for pod in own_pods(view, workload)
        if pod["metadata"].get("labels", {}).get("controller-revision-hash") != revision
        and "deletionTimestamp" not in pod["metadata"]
        and condition(pod, "Ready").get("status") != "True"
    ]


def _seen(view: View, workload: Workload) -> int:
    found = view.named(workload.kind, workload.name) or {}
    return int((found.get("status") or {}).get("observedGeneration") or 0)
