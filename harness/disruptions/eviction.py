"""A pod -> evicted through the API, as soon as its PodDisruptionBudget allows it.

https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/: 201 it goes, 429 not now, 500 more than one
budget selects it. `kubectl drain` asks again and again while it is 429, and so does this.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import anyio

from harness.disruptions.obstacle import Obstacle, one_line
from harness.disruptions.pods_back import told
from harness.disruptions.stage import Stage
from harness.errors import RolloutError
from harness.kube.errors import ApiRefusal, is_not_found

_AGAIN_S = 1.0
_BUDGET = "DisruptionBudget"
"""The reason in Status.details.causes of an eviction that a budget refuses (k8s.io/api/policy/v1,
DisruptionBudgetCause)."""

_MEND = "Let its PodDisruptionBudget allow one: minAvailable below the replicas, or maxUnavailable of 1 or more."


async def evicted(stage: Stage, pod: dict[str, Any]) -> None:
    """Ask for the pod's eviction until it is granted; one that is gone needs none.

    Raises:
        RolloutError: its budget has not allowed it in time.
        ClusterError: the API refused it for another reason, or did not answer.
    """
    stage.mark({"pods": told([pod])})
    began, held_by = anyio.current_time(), ""
    while (held := await _refused(stage, pod)) is not None:
        held_by = held_by or held.what
        stage.hear((held,))
        if stage.left_s <= 0:
            raise RolloutError(f"evicting {held.where} for {stage.deadline_s:.0f} s", held.what, held.mend)
        await stage.view.changed(within_s=min(_AGAIN_S, stage.left_s))
    if held_by:
        stage.mark({"held": pod["metadata"]["name"], "held_by": held_by, "held_s": anyio.current_time() - began})
    stage.hear(())


async def _refused(stage: Stage, pod: dict[str, Any]) -> Obstacle | None:
    """Why the pod may not be evicted now; None where it goes, or is gone."""
    name, namespace = pod["metadata"]["name"], stage.workload.namespace
    pods = await stage.kube.resource("v1", "Pod")
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": namespace},
        "deleteOptions": {"preconditions": {"uid": pod["metadata"]["uid"]}},  # not another of the same name
    }
    try:
        await stage.kube.request("POST", pods.path(namespace, name, "eviction"), body=eviction, patience_s=0.0)
    except ApiRefusal as refused:
        if is_not_found(refused) or refused.status == HTTPStatus.CONFLICT:
            return None
        if refused.status != HTTPStatus.TOO_MANY_REQUESTS:
            raise
        why = refused.causes.get(_BUDGET)
        if why is None:
            return Obstacle(where=name, what=one_line(refused.seen), mend="The API is asked too often.")
        return Obstacle(where=name, what=f"its eviction is refused ({one_line(why)})", mend=_MEND, kind=_BUDGET)
    return None
