"""Pods that were taken -> the workload awaited until it has its number of Ready pods again, without them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from harness.disruptions.completion import until_complete
from harness.disruptions.pod_obstacles import condition
from harness.disruptions.stage import Stage, present
from harness.disruptions.workload import Workload, own_pods
from harness.errors import RolloutError
from harness.kube.view import View
from harness.spec.completion import is_observed
from harness.spec.rolling import wanted_replicas

Pod = dict[str, Any]


def oldest(stage: Stage, count: int) -> tuple[Pod, ...]:
    """The workload's oldest pods that serve.

    Raises:
        RolloutError: it has fewer.
    """
    serving = [pod for pod in live_pods(stage.view, stage.workload) if is_ready(pod)]
    if len(serving) < count:
        raise RolloutError(f"choosing {count} pods of {stage.workload}", f"only {len(serving)} are Ready")
    return tuple(sorted(serving, key=_age)[:count])


def _age(pod: Pod) -> tuple[str, str]:
    metadata = pod["metadata"]
    return str(metadata.get("creationTimestamp")), str(metadata["name"])


def told(pods: Collection[Pod]) -> list[dict[str, str]]:
    """The pods as a mark in the timeline names them."""
    return [{"name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]} for pod in pods]


async def until_back(stage: Stage, *, without: Collection[Pod] = (), generation: int = 0) -> int:
    """Wait until the workload has as many pods as it wants, Ready, and none of those; the generation that it has then.

    Raises:
        RolloutError: it has not in time, or never will.
    """
    gone = frozenset(str(pod["metadata"]["uid"]) for pod in without)
    await until_complete(
        stage.view,
        stage.workload,
        generation,
        deadline_s=stage.left_s,
        hear=stage.hear,
        logs=stage.logs,
        reached=lambda now: is_whole(now, stage.workload, without=gone, generation=generation),
    )
    return int(present(stage.view, stage.workload)["metadata"].get("generation") or 0)


def is_whole(view: View, workload: Workload, *, without: Collection[str] = frozenset(), generation: int = 0) -> bool:
    """Whether the workload has as many pods as it wants, all of them Ready and available, and none of those uids."""
    found = view.named(workload.kind, workload.name)
    if found is None or not is_observed(found, generation=generation):
        return False
    wanted, pods, status = wanted_replicas(found["spec"]), live_pods(view, workload), found.get("status") or {}
    if len(pods) != wanted or not all(map(is_ready, pods)) or any(pod["metadata"]["uid"] in without for pod in pods):
        return False
    available = status.get("availableReplicas")  # later than Ready, by minReadySeconds
    return int(available or 0) >= wanted or (workload.kind == "StatefulSet" and available is None)  # before 1.22


def live_pods(view: View, workload: Workload) -> list[Pod]:
    """The workload's pods that nobody has told to go."""
    return [pod for pod in own_pods(view, workload) if "deletionTimestamp" not in pod["metadata"]]


def is_ready(pod: Pod) -> bool:
    """Whether it serves."""
    return bool(condition(pod, "Ready").get("status") == "True")
