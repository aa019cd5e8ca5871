"""A workload that is to be rolled in the sandbox -> whether its nodes have a place for each of its pods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.model.cluster_settings import MOST_NODES
from harness.sandbox.rehearsal import unplaced

_DEFAULT = "default-scheduler"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoRoom:
    """`said`: why a pod has no place, in the scheduler's words; `beside`: it is the new one, which comes before an old
    one goes; `nodes`: with how many it would have one, if with any."""

    said: str
    beside: bool
    nodes: int | None


def no_room(template: dict[str, Any], nodes: int, *, replicas: int, one_more: bool) -> NoRoom | None:
    """What keeps a pod of the workload from every node of a fresh sandbox with so many; None where nothing does.

    `one_more`: a rollout brings a new pod before any of the `replicas` goes. What depends on other workloads' pods is
    not known: then None.
    """
    pods = list(_pods(template, replicas, one_more=one_more))
    found = unplaced(pods, nodes)
    if found is None or _depends(template.get("spec") or {}):
        return None
    enough = (more for more in range(nodes + 1, MOST_NODES + 1) if unplaced(pods, more) is None)
    placed, said = found
    said = said.split(". no new claims")[0]
    return NoRoom(said=said, beside=placed == replicas, nodes=next(enough, None))


def _depends(pod: dict[str, Any]) -> bool:
    affinity = (pod.get("affinity") or {}).get("podAffinity")
    return bool(affinity) or (pod.get("schedulerName") or _DEFAULT) != _DEFAULT


def _pods(template: dict[str, Any], replicas: int, *, one_more: bool) -> Iterator[dict[str, Any]]:
    for number in range(replicas + int(one_more)):
        revision = "new" if number == replicas else "old"
        labels = {**((template.get("metadata") or {}).get("labels") or {}), "pod-template-hash": revision}
        metadata = {"name": f"pod-{number}", "uid": f"pod-{number}", "namespace": "default", "labels": labels}
        yield {"metadata": metadata, "spec": template.get("spec") or {}, "status": {}}
