"""A rollout is started, awaited until the old pods are gone, or taken back.

Most histories are a view that is given objects one by one; what is sent to the API goes to one on loopback.
"""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from paper_api import paper_kube

from harness.disruptions.rolling_update import replicas, trigger, undo, until_settled
from harness.disruptions.stage import present
from harness.errors import RolloutError
from harness.kube.errors import ApiRefusal
from harness.kube.view import View
from tests.unit.disruptions.histories import TEMPLATE, WEB, an_object, deployment, gone, pod, show, shown

pytestmark = pytest.mark.anyio

PATH = "/apis/apps/v1/namespaces/shop/deployments/web"


async def test_replicas_that_the_manifest_does_not_name_are_one() -> None:
    status = {"observedGeneration": 2, "updatedReplicas": 1, "replicas": 1, "availableReplicas": 1}
    view = shown(an_object("web", kind="Deployment", spec={"template": TEMPLATE}, status=status))
    assert replicas(view, WEB) == 1


async def test_a_workload_that_is_gone_wants_no_pods_and_cannot_be_disrupted() -> None:
    assert replicas(View(), WEB) == 0
    with pytest.raises(RolloutError, match=r"deployment/web is gone\. A deploy must change"):
        present(View(), WEB)


async def test_what_is_to_be_taken_back_is_the_workload_as_it_is_now() -> None:
    assert present(shown(deployment()), WEB)["spec"]["template"] == TEMPLATE


async def test_the_old_pods_are_gone_when_the_last_of_them_is() -> None:
    old, new = pod("old"), pod("new")
    view = shown(deployment(wanted=1), new, old)
    finished = anyio.Event()

    async def wait() -> None:
        await until_settled(view, WEB, deadline_s=60)
        finished.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        show(view, pod("old", going=True))
        await anyio.wait_all_tasks_blocked()
        assert not finished.is_set()
        gone(view, old)
        await anyio.wait_all_tasks_blocked()
        assert finished.is_set()


@pytest.mark.parametrize(
    "pods",
    [(pod("a"),), (pod("a"), pod("b"), pod("c")), (pod("a"), pod("b", going=True))],
    ids=["one too few", "one too many", "as many as wanted, but one is going"],
)
async def test_it_is_not_settled_while_the_pods_are_not_those_that_stay(pods: tuple[Any, ...]) -> None:
    with pytest.raises(RolloutError):
        await until_settled(shown(deployment(wanted=2), *pods), WEB, deadline_s=0)


async def test_pods_of_another_workload_with_the_same_labels_are_not_waited_for() -> None:
    theirs = pod("theirs", owner="uid-another", going=True)
    await until_settled(shown(deployment(wanted=1), pod("new"), theirs), WEB, deadline_s=0)


async def test_old_pods_that_stay_are_named() -> None:
    view = shown(deployment(wanted=1), pod("new"), pod("old-1", going=True), pod("old-2", going=True))
    with pytest.raises(RolloutError) as late:
        await until_settled(view, WEB, deadline_s=0)
    assert str(late.value) == (
        "waiting 0 s for the old pods of deployment/web to be gone: the last state seen was: still terminating: "
        "old-1, old-2. Is their grace period longer than rollout_timeout?"
    )


# What is sent


async def test_an_update_is_sent_as_a_strategic_merge_patch_and_gives_its_generation() -> None:
    patch = {"spec": {"template": {"metadata": {"annotations": {"a": "b"}}}}}
    async with paper_kube({f"PATCH {PATH}": [{"metadata": {"generation": 7}}]}) as (kube, api):
        assert await trigger(kube, WEB, patch) == 7
    (call,) = api.asked(f"PATCH {PATH}")
    assert call.content_type == "application/strategic-merge-patch+json"
    assert call.body == patch


async def test_an_undo_replaces_the_whole_pod_template_and_nothing_else() -> None:
    async with paper_kube({f"PATCH {PATH}": [{"metadata": {"generation": 8}}]}) as (kube, api):
        assert await undo(kube, WEB, TEMPLATE) == 8
    (call,) = api.asked(f"PATCH {PATH}")
    assert call.content_type == "application/json-patch+json"
    assert call.body == [{"op": "replace", "path": "/spec/template", "value": TEMPLATE}]
    assert call.query["fieldManager"] == "rollout-harness"


async def test_an_update_that_the_api_refuses_is_sent_once_and_told() -> None:
    async with paper_kube({f"PATCH {PATH}": [403, {"metadata": {"generation": 7}}]}) as (kube, api):
        with pytest.raises(ApiRefusal, match=rf"PATCH {PATH} .*: the API answered 403 No"):
            await trigger(kube, WEB, {})
    assert api.done() == [f"PATCH {PATH}"]


async def test_an_undo_of_a_workload_that_is_gone_is_told() -> None:
    async with paper_kube({}) as (kube, _):
        with pytest.raises(ApiRefusal, match="the API answered 404"):
            await undo(kube, WEB, TEMPLATE)
