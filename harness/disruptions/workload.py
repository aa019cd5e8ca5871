"""The workload that is rolled -> which of the objects in view are its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.kube.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """The Deployment or StatefulSet that is rolled."""

    kind: str
    name: str
    namespace: str

    def __str__(self) -> str:
        return f"{self.kind.lower()}/{self.name}"


def own_uids(view: View, workload: Workload) -> tuple[str, ...]:
    """The uids of the workload and of its ReplicaSets: who may be the controller of its pods; none where it is gone."""
    found = view.named(workload.kind, workload.name)
    if found is None:
        return ()
    uid = str(found["metadata"]["uid"])
    sets = (each for each in view.objects("ReplicaSet") if _controller(each) == uid)
    return (uid, *(str(each["metadata"]["uid"]) for each in sets))


def own_pods(view: View, workload: Workload) -> tuple[dict[str, Any], ...]:
    """The workload's pods, by who controls them: labels are shared where selectors overlap."""
    owners = own_uids(view, workload)
    return tuple(pod for pod in view.objects("Pod") if _controller(pod) in owners)


def _controller(found: dict[str, Any]) -> str | None:
    references = found["metadata"].get("ownerReferences") or ()
    return next((str(each.get("uid")) for each in references if each.get("controller")), None)
