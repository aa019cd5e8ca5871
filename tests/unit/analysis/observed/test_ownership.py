"""Objects of one namespace: which are the judged workload's."""

from __future__ import annotations

from typing import Any

import pytest

from harness.analysis import judge
from harness.analysis.observed.ownership import ownership
from harness.model.observation import Observation
from harness.model.result import Taker

from ..literal import history

WEB = {"kind": "Deployment", "metadata": {"name": "web"}}


def shown(kind: str, name: str, owner: tuple[str, str] | None, labels: dict[str, str] | None = None) -> dict[str, Any]:
    owners = [{"kind": owner[0], "name": owner[1], "controller": True}] if owner else None
    return {"kind": kind, "metadata": {"name": name, "ownerReferences": owners, "labels": labels}}


def replica_set(name: str, deployment: str) -> Observation:
    return Observation(
        t=0.1, kind="ReplicaSet", type="ADDED", object=shown("ReplicaSet", name, ("Deployment", deployment))
    )


TIMELINE = (replica_set("web-1a", "web"), replica_set("web-api-2b", "web-api"))


@pytest.mark.parametrize(
    ("owner", "labels", "own"),
    [
        (("ReplicaSet", "web-1a"), {}, True),
        (("ReplicaSet", "web-api-2b"), {"app": "web"}, False),  # its labels match, its owner is another
        (("ReplicaSet", "web-9f"), {}, True),  # not shown; named as the Deployment names them
        (("ReplicaSet", "web-api-9f"), {"app": "web"}, False),
        (("StatefulSet", "web"), {"app": "web"}, False),
        (None, {"app": "web"}, True),  # names no owner: the selector decides
        (None, {"app": "other"}, False),
    ],
)
def test_a_pod_belongs_to_the_workload_by_its_owners(
    owner: tuple[str, str] | None, labels: dict[str, str], own: bool
) -> None:
    owned = ownership(WEB, {"matchLabels": {"app": "web"}}, TIMELINE)
    assert owned.has_pod(shown("Pod", "p", owner, labels)) is own


def test_the_pods_of_a_statefulset_name_it_themselves() -> None:
    owned = ownership({"kind": "StatefulSet", "metadata": {"name": "db"}}, {"matchLabels": {"app": "db"}}, ())
    assert owned.has_pod(shown("Pod", "db-0", ("StatefulSet", "db")))
    assert not owned.has_pod(shown("Pod", "other-0", ("StatefulSet", "other"), {"app": "db"}))


def test_without_a_workload_on_record_everything_is_its_own() -> None:
    owned = ownership(None, {}, TIMELINE)
    assert owned.has_pod(shown("Pod", "p", ("ReplicaSet", "web-api-2b")))
    assert owned.is_workload(WEB, "Deployment")


def test_what_another_workload_does_is_no_business_of_the_target() -> None:
    """A colleague changes the template of another Deployment in the middle of our rollout: our pods went by ours."""
    run = history("update 8 complete 9 settled 9.8\npod old-1 deleted 14.5 ended 14.8 gone 15\nok new 0..30 every 0.1")

    def other(t: float, image: str) -> Observation:
        spec = {"template": {"spec": {"containers": [{"image": image}]}}}
        metadata = {"name": "worker"}
        return Observation(t=t, kind="Deployment", type="MODIFIED", object={"metadata": metadata, "spec": spec})

    manifests = ({"kind": "Deployment", "metadata": {"name": "worker"}}, WEB)
    for target, taker in (("deployment/web", Taker.ROLLOUT), ("deployment/worker", Taker.FOREIGN)):
        mixed = tuple(sorted([*run.timeline, other(0.5, "a:1"), other(14.0, "a:2")], key=lambda seen: seen.t))
        changed = _with(run, mixed, manifests, target)
        assert [pod.taker for pod in judge(changed).chart.pods if pod.name == "old-1"] == [taker]


def _with(run: Any, timeline: tuple[Observation, ...], manifests: tuple[Any, ...], target: str) -> Any:
    from dataclasses import replace

    unowned = tuple(
        replace(seen, object=seen.object | {"metadata": seen.object["metadata"] | {"ownerReferences": None}})
        if seen.kind == "Pod"
        else seen
        for seen in timeline
    )
    return replace(run, timeline=unowned, info=replace(run.info, manifests=manifests, target=target))
