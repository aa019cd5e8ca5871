"""Pods are deleted, evicted or drained; what takes them waits for others in their place, and says what holds it up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import pytest
from paper_api import PaperApi, Refused, paper_kube

from harness.disruptions import delete_pod, drain, evict, eviction
from harness.disruptions.disruption import Disruption
from harness.disruptions.pods_back import is_whole
from harness.errors import ClusterError, RolloutError
from harness.kube.errors import ApiRefusal
from harness.model.disruption import DeletePod, Drain, Evict
from tests.unit.disruptions.histories import DATABASE, WEB, deployment, gone, pod, serving, show, shown, stateful_set
from tests.unit.disruptions.stages import stage

pytestmark = pytest.mark.anyio

PODS = "/api/v1/namespaces/shop/pods"
NODES = "/api/v1/nodes"
GRANTED = {"kind": "Status", "status": "Success"}
HELD = Refused(
    status=429,
    body={
        "reason": "TooManyRequests",
        "message": "Cannot evict pod as it would violate the pod's disruption budget.",
        "details": {
            "causes": [
                {"reason": "DisruptionBudget", "message": "The disruption budget web needs 3 healthy pods and has 3."}
            ]
        },
    },
)
PLACES = [serving("web-a", born=2), serving("web-b", born=1, node="node-2"), serving("web-c", born=3)]


def node(name: str, *, ready: bool = True, cordoned: bool = False) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"unschedulable": True} if cordoned else {},
        "status": {"conditions": [{"type": "Ready", "status": str(ready)}]},
    }


@asynccontextmanager
async def under_way(
    disruption: Disruption, answers: dict[str, list[Any]], **more: Any
) -> AsyncIterator[tuple[Any, PaperApi, list[dict[str, Any]], anyio.Event]]:
    """The disruption while it goes on: its stage, the API, its marks, and what tells that it is over."""
    marks: list[dict[str, Any]] = []
    over = anyio.Event()
    async with paper_kube(answers) as (kube, api), anyio.create_task_group() as tasks:
        scene = stage(kube, [deployment(), *PLACES], marks=marks, **more)

        async def do() -> None:
            await disruption.step(0).do(scene)
            over.set()

        tasks.start_soon(do)
        yield scene, api, marks, over
        with anyio.fail_after(60):
            await over.wait()


async def asked(api: PaperApi, what: str, times: int = 1) -> None:
    with anyio.fail_after(60):
        while len(api.asked(what)) < times:
            await anyio.lowlevel.checkpoint()


async def test_the_oldest_pod_is_deleted_and_another_awaited() -> None:
    path = f"DELETE {PODS}/web-b"
    deletion = delete_pod.Deletion(setting=DeletePod())
    async with under_way(deletion, {path: [{}]}) as (scene, api, marks, over):
        await asked(api, path)
        assert "gracePeriodSeconds" not in api.asked(path)[0].body
        assert marks == [{"pods": [{"name": "web-b", "uid": "uid-web-b"}], "grace_s": None}]
        await anyio.wait_all_tasks_blocked()
        assert not over.is_set()  # the status still says that all are there
        gone(scene.view, PLACES[1])
        show(scene.view, pod("web-d", conditions=[{"type": "Ready", "status": "False"}]))
        await anyio.wait_all_tasks_blocked()
        assert not over.is_set()
        show(scene.view, serving("web-d", born=9))


async def test_a_grace_period_of_zero_is_asked_for_as_such() -> None:
    path = f"DELETE {PODS}/web-b"
    deletion = delete_pod.Deletion(setting=DeletePod.model_validate({"grace": "0s"}))
    assert deletion.words == "deleting 1 pod with a grace period of 0s"
    async with under_way(deletion, {path: [{}]}) as (scene, api, marks, _):
        await asked(api, path)
        assert api.asked(path)[0].body["gracePeriodSeconds"] == 0
        assert marks[0]["grace_s"] == 0
        gone(scene.view, PLACES[1])
        show(scene.view, serving("web-d"))


async def test_a_pod_that_has_gone_by_itself_needs_no_deletion() -> None:
    path = f"DELETE {PODS}/web-b"
    async with under_way(delete_pod.Deletion(setting=DeletePod()), {path: [404]}) as (scene, api, _, _):
        await asked(api, path)
        gone(scene.view, PLACES[1])
        show(scene.view, serving("web-d"))


async def test_no_pod_is_taken_where_fewer_serve_than_were_asked_for() -> None:
    async with paper_kube({}) as (kube, api):
        scene = stage(kube, [deployment(), PLACES[0], pod("web-x")])
        with pytest.raises(RolloutError, match="choosing 2 pods of deployment/web: only 1 are Ready"):
            await evict.Evictions(setting=Evict(pods=2)).step(0).do(scene)
        assert api.done() == []


async def test_an_eviction_is_of_that_very_pod_by_the_api_that_asks_budgets() -> None:
    path = f"POST {PODS}/web-b/eviction"
    async with under_way(evict.Evictions(setting=Evict()), {path: [GRANTED]}) as (scene, api, marks, _):
        await asked(api, path)
        assert api.asked(path)[0].body == {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": "web-b", "namespace": "shop"},
            "deleteOptions": {"preconditions": {"uid": "uid-web-b"}},
        }
        assert marks == [{"pods": [{"name": "web-b", "uid": "uid-web-b"}]}]
        gone(scene.view, PLACES[1])
        show(scene.view, serving("web-d"))


async def test_an_eviction_that_a_budget_holds_is_told_and_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eviction, "_AGAIN_S", 0.01)
    path = f"POST {PODS}/web-b/eviction"
    heard: list[Any] = []
    answers = {path: [HELD, HELD, GRANTED]}
    async with under_way(evict.Evictions(setting=Evict()), answers, heard=heard) as (scene, api, marks, _):
        await asked(api, path, times=3)
        gone(scene.view, PLACES[1])
        show(scene.view, serving("web-d"))
    told = [str(news[0]) for news in heard if news]
    assert set(told) == {"web-b: its eviction is refused (The disruption budget web needs 3 healthy pods and has 3)"}
    assert heard[-1] == ()
    (held,) = [mark for mark in marks if "held" in mark]
    assert (held["held"], held["held_s"] > 0) == ("web-b", True)
    assert "needs 3 healthy pods" in held["held_by"]


async def test_a_budget_that_never_allows_it_ends_the_disruption_with_its_words() -> None:
    async with paper_kube({f"POST {PODS}/web-b/eviction": [HELD]}) as (kube, _):
        scene = stage(kube, [deployment(), *PLACES], deadline_s=0.0)
        with pytest.raises(RolloutError) as held:
            await evict.Evictions(setting=Evict()).step(0).do(scene)
    assert str(held.value) == (
        "evicting web-b for 0 s: its eviction is refused (The disruption budget web needs 3 healthy pods and has 3). "
        "Let its PodDisruptionBudget allow one: minAvailable below the replicas, or maxUnavailable of 1 or more."
    )


async def test_two_budgets_for_one_pod_are_an_error_of_the_apis_own_words() -> None:
    several = Refused(status=500, body={"reason": "InternalError", "message": "This pod has more than one budget"})
    async with paper_kube({f"POST {PODS}/web-b/eviction": [several]}) as (kube, api):
        with pytest.raises(ApiRefusal, match="more than one budget"):
            await evict.Evictions(setting=Evict()).step(0).do(stage(kube, [deployment(), *PLACES]))
        assert len(api.asked(f"POST {PODS}/web-b/eviction")) == 1


# Drains


def draining(**more: list[Any]) -> dict[str, list[Any]]:
    return {
        f"GET {NODES}": [{"items": [node("node-1"), node("node-2")]}],
        f"PATCH {NODES}/node-1": [{}],
        f"POST {PODS}/web-a/eviction": [GRANTED],
        f"POST {PODS}/web-c/eviction": [GRANTED],
        **more,
    }


async def test_a_node_is_cordoned_emptied_and_as_it_was_again() -> None:
    async with under_way(drain.Drains(setting=Drain()), draining()) as (scene, api, marks, _):
        await asked(api, f"POST {PODS}/web-c/eviction")
        assert marks[0] == {"node": "node-1", "cordoned_before": False}
        assert [mark["pods"][0]["name"] for mark in marks[1:]] == ["web-a", "web-c"]
        assert [call.body for call in api.asked(f"PATCH {NODES}/node-1")] == [{"spec": {"unschedulable": True}}]
        for old in (PLACES[0], PLACES[2]):
            gone(scene.view, old)
        for new in ("web-d", "web-e"):
            show(scene.view, serving(new, node="node-2"))
    assert api.asked(f"PATCH {NODES}/node-1")[-1].body == {"spec": {"unschedulable": None}}
    assert not api.asked(f"POST {PODS}/web-b/eviction")  # it is elsewhere


async def test_a_node_that_was_cordoned_stays_so() -> None:
    answers = draining(**{f"GET {NODES}": [{"items": [node("node-1", cordoned=True), node("node-2")]}]})
    async with under_way(drain.Drains(setting=Drain(node="node-1")), answers) as (scene, api, _, _):
        await asked(api, f"POST {PODS}/web-c/eviction")
        for old in (PLACES[0], PLACES[2]):
            gone(scene.view, old)
        for new in ("web-d", "web-e"):
            show(scene.view, serving(new, node="node-2"))
    assert not api.asked(f"PATCH {NODES}/node-1")


@pytest.mark.parametrize("end", ["held", "refused", "interrupted"])
async def test_a_drain_that_fails_leaves_the_node_schedulable(end: str) -> None:
    answer: Any = {"held": HELD, "refused": 403, "interrupted": HELD}[end]
    answers = draining(**{f"POST {PODS}/web-a/eviction": [answer]})
    async with paper_kube(answers) as (kube, api):
        kept: list[tuple[str, bool, int]] = []  # what is on disk, and how many patches had been sent by then
        scene = replace(
            stage(kube, [deployment(), *PLACES], deadline_s=0.0 if end == "held" else 60.0),
            cordoning=lambda name, _, done: kept.append((name, done, len(api.asked(f"PATCH {NODES}/node-1")))),
        )
        step = drain.Drains(setting=Drain()).step(0)
        if end == "interrupted":
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(step.do, scene)
                await asked(api, f"POST {PODS}/web-a/eviction")
                tasks.cancel_scope.cancel()
        else:
            with pytest.raises(ClusterError if end == "refused" else RolloutError):
                await step.do(scene)
        assert [call.body["spec"]["unschedulable"] for call in api.asked(f"PATCH {NODES}/node-1")] == [True, None]
        assert kept == [("node-1", False, 0), ("node-1", True, 2)]  # on disk before it is done, and again after


@pytest.mark.parametrize(
    ("nodes", "wanted", "says"),
    [
        ([node("node-1")], None, "no other node takes pods"),
        ([node("node-1"), node("node-2", cordoned=True)], None, "no other node takes pods"),
        ([node("node-1"), node("node-2", ready=False)], None, "no other node takes pods"),
        ([node("node-1"), node("node-2")], "node-9", "there is no such node. There is node-1, node-2"),
    ],
)
async def test_a_drain_that_could_not_work_changes_nothing(nodes: list[Any], wanted: str | None, says: str) -> None:
    async with paper_kube({f"GET {NODES}": [{"items": nodes}]}) as (kube, api):
        scene = stage(kube, [deployment(), *PLACES])
        with pytest.raises(RolloutError, match=says):
            await drain.Drains(setting=Drain(node=wanted)).step(0).do(scene)
        assert api.done() == [f"GET {NODES}"]


# When the pods are back


async def test_the_workload_is_whole_with_as_many_ready_pods_as_it_wants() -> None:
    view = shown(deployment(), *PLACES)
    assert is_whole(view, WEB)
    assert not is_whole(view, WEB, without={"uid-web-a"})
    show(view, pod("web-a", going=True))
    assert not is_whole(view, WEB)
    show(view, serving("web-d"))
    assert is_whole(view, WEB, without={"uid-web-a"})
    show(view, deployment(available=2))  # minReadySeconds are not over
    assert not is_whole(view, WEB)
    show(view, deployment(seen=1))
    assert not is_whole(view, WEB, generation=2)


async def test_a_stateful_set_of_an_old_cluster_tells_no_availability() -> None:
    pods = [serving(f"db-{number}", owner="uid-db") for number in range(3)]
    told, silent = stateful_set(), stateful_set()
    del silent["status"]["availableReplicas"]
    assert not is_whole(shown(told, *pods), DATABASE)
    assert is_whole(shown(silent, *pods), DATABASE)
