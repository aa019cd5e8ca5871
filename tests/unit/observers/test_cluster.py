"""What the API shows of an application comes into the record and the view, gaps as marks, and nothing that is noise."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from paper_api import SILENCE, PaperApi, paper_kube

from harness.errors import ClusterError
from harness.kube.errors import ApiRefusal
from harness.kube.view import View
from harness.observers import cluster as observers
from harness.observers.cluster import Watched, application_objects, observe

pytestmark = pytest.mark.anyio

PODS = Watched(api_version="v1", kind="Pod", selector={"app": "web"})
PATH = "GET /api/v1/namespaces/shop/pods"
DEADLINE_S = 10


def pod(name: str, version: int, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": f"uid-{name}", "resourceVersion": str(version), **metadata}}


def listed(version: int, *items: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": str(version)}, "items": list(items)}


def event(type_: str, found: dict[str, Any]) -> dict[str, Any]:
    return {"type": type_, "object": found}


GONE = event("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"})


class Timeline:
    """What was recorded, as `KIND TYPE name@version`."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.objects: list[dict[str, Any]] = []
        self._more = anyio.Event()

    def record(self, kind: str, type_: str, found: dict[str, Any]) -> None:
        meta = found.get("metadata")
        self.lines.append(f"{kind} {type_}" + (f" {meta['name']}@{meta['resourceVersion']}" if meta else ""))
        self.objects.append(found)
        self._more.set()

    async def until(self, count: int) -> list[str]:
        """All that was recorded, when it is that much."""
        with anyio.fail_after(DEADLINE_S):
            while len(self.lines) < count:
                self._more = anyio.Event()
                await self._more.wait()
        return self.lines


@asynccontextmanager
async def observed(answers: dict[str, list[Any]], *watched: Watched) -> AsyncIterator[tuple[Timeline, View, PaperApi]]:
    """The block runs when everything has been listed; the watches end with it."""
    timeline, view = Timeline(), View()
    async with paper_kube(answers) as (kube, api), anyio.create_task_group() as tasks:
        await observe(tasks, kube, "shop", watched or (PODS,), view=view, record=timeline.record)
        yield timeline, view, api
        tasks.cancel_scope.cancel()


def names(view: View, kind: str = "Pod") -> list[str]:
    return sorted(found["metadata"]["name"] for found in view.objects(kind))


# What is watched


async def test_a_deployment_is_watched_with_what_its_rollout_moves() -> None:
    watched = application_objects(kind="Deployment", name="web", selector="app=web", service="front")
    assert [(each.kind, each.name, each.selector) for each in watched] == [
        ("Deployment", "web", None),
        ("ReplicaSet", None, "app=web"),
        ("Pod", None, "app=web"),
        ("Service", "front", None),
        ("EndpointSlice", None, {"kubernetes.io/service-name": "front"}),
        ("Event", None, None),
    ]


async def test_a_stateful_set_has_revisions_instead_of_replica_sets() -> None:
    watched = application_objects(kind="StatefulSet", name="db", selector="app=db", service="db")
    kinds = ["StatefulSet", "ControllerRevision", "Pod", "Service", "EndpointSlice", "Event"]
    assert [each.kind for each in watched] == kinds


async def test_only_the_applications_objects_are_asked_for() -> None:
    watched = (PODS, Watched(api_version="apps/v1", kind="Deployment", name="web"))
    deployments = "GET /apis/apps/v1/namespaces/shop/deployments"
    answers = {PATH: [listed(1), []], deployments: [listed(1), []]}
    async with observed(answers, *watched) as (_, _, api):
        assert api.asked(PATH)[0].query == {"labelSelector": "app=web"}
        assert api.asked(deployments)[0].query == {"fieldSelector": "metadata.name=web"}


# Into the record and the view


async def test_what_exists_is_recorded_and_seen_before_the_observation_counts_as_begun() -> None:
    async with observed({PATH: [listed(5, pod("a", 3), pod("b", 4)), []]}) as (timeline, view, _):
        assert timeline.lines == ["Pod ADDED a@3", "Pod ADDED b@4"]
        assert names(view) == ["a", "b"]


async def test_changes_are_recorded_as_they_come_and_the_view_follows() -> None:
    changes = [
        event("ADDED", pod("b", 6)),
        event("MODIFIED", pod("a", 7)),
        event("BOOKMARK", {"metadata": {"resourceVersion": "8"}}),
        event("DELETED", pod("b", 9)),
    ]
    async with observed({PATH: [listed(5, pod("a", 3)), changes]}) as (timeline, view, _):
        assert await timeline.until(4) == ["Pod ADDED a@3", "Pod ADDED b@6", "Pod MODIFIED a@7", "Pod DELETED b@9"]
        assert names(view) == ["a"]
        assert view.objects("Pod")[0]["metadata"]["resourceVersion"] == "7"


async def test_who_managed_which_field_is_recorded_neither_from_a_list_nor_from_a_watch() -> None:
    answers = {PATH: [listed(5, pod("a", 3, managedFields=[1])), [event("MODIFIED", pod("a", 6, managedFields=[2]))]]}
    async with observed(answers) as (timeline, view, _):
        await timeline.until(2)
        assert [sorted(found["metadata"]) for found in timeline.objects] == [["name", "resourceVersion", "uid"]] * 2
        assert "managedFields" not in view.objects("Pod")[0]["metadata"]


async def test_objects_of_a_list_are_recorded_with_their_kind_as_those_of_a_watch_are() -> None:
    async with observed({PATH: [listed(5, pod("a", 3)), []]}) as (timeline, _, _):
        assert (timeline.objects[0]["apiVersion"], timeline.objects[0]["kind"]) == ("v1", "Pod")


# Lost and found


async def test_a_watch_that_is_too_old_leaves_a_gap_mark_and_what_went_meanwhile_is_recorded() -> None:
    script = [listed(5, pod("a", 3), pod("b", 4)), [GONE], listed(90, pod("b", 80)), []]
    async with observed({PATH: script}) as (timeline, view, _):
        assert await timeline.until(5) == [
            "Pod ADDED a@3",
            "Pod ADDED b@4",
            "Mark gap",
            "Pod DELETED a@3",
            "Pod MODIFIED b@80",
        ]
        assert names(view) == ["b"]
        gap = timeline.objects[2]
        assert gap["kind"] == "Pod"
        assert "too old resource version" in gap["why"]


async def test_a_watch_that_merely_ends_is_taken_up_where_it_was_without_a_mark() -> None:
    script = [listed(5), [event("ADDED", pod("a", 6))], [event("MODIFIED", pod("a", 7))]]
    async with observed({PATH: script}) as (timeline, _, api):
        assert await timeline.until(2) == ["Pod ADDED a@6", "Pod MODIFIED a@7"]
        assert [call.query.get("resourceVersion") for call in api.asked(PATH)] == [None, "5", "6"]


async def test_a_kind_that_may_not_be_listed_is_told_and_nothing_goes_on() -> None:
    timeline = Timeline()
    async with paper_kube({PATH: [403]}) as (kube, api), anyio.create_task_group() as tasks:
        with pytest.raises(ApiRefusal, match="403"):
            await observe(tasks, kube, "shop", (PODS, PODS), view=View(), record=timeline.record)
    assert timeline.lines == []
    assert api.done() == [PATH]


async def test_an_api_that_does_not_answer_is_told_with_the_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observers, "_START_TIMEOUT_S", 0.05)  # it never answers: no time would be enough
    async with paper_kube({PATH: [SILENCE]}) as (kube, _), anyio.create_task_group() as tasks:
        with pytest.raises(ClusterError, match=r"listing Pods in shop: no answer within 0\.05 s"):
            await observe(tasks, kube, "shop", (PODS,), view=View(), record=Timeline().record)
