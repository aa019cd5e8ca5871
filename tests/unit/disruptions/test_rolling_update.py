"""A rollout is started, awaited until the API calls it complete and the old pods are gone, or taken back.

Most histories are a view that is given objects one by one; what is sent to the API goes to one on loopback.
"""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from paper_api import paper_kube

from harness.disruptions.rolling_update import (
    Workload,
    described,
    pod_template,
    replicas,
    trigger,
    undo,
    until_complete,
    until_settled,
)
from harness.errors import RolloutError
from harness.kube.errors import ApiRefusal
from harness.kube.view import View
from harness.kube.watch import EventType, WatchEvent

pytestmark = pytest.mark.anyio

WEB = Workload(kind="Deployment", name="web", namespace="shop")
DATABASE = Workload(kind="StatefulSet", name="db", namespace="shop")
PATH = "/apis/apps/v1/namespaces/shop/deployments/web"
TEMPLATE = {"spec": {"containers": [{"name": "nginx", "image": "nginx:1.28.0"}]}}


def deployment(*, seen: int = 2, updated: int = 3, total: int = 3, available: int = 3, wanted: int = 3) -> Any:
    """web in generation 2, of which the controller has seen `seen`."""
    status = {
        "observedGeneration": seen,
        "updatedReplicas": updated,
        "replicas": total,
        "availableReplicas": available,
    }
    return an_object("web", kind="Deployment", spec={"replicas": wanted, "template": TEMPLATE}, status=status)


def stateful_set(*, updated: int = 3, ready: int = 3, current: str = "new") -> Any:
    status = {
        "observedGeneration": 2,
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": 0,  # kubectl does not wait for the last pod's minReadySeconds
        "currentRevision": current,
        "updateRevision": "new",
    }
    spec: dict[str, Any] = {"replicas": 3}
    if current == "new":  # as the API fills it in; without it, the revision decides
        spec["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
    return an_object("db", kind="StatefulSet", spec=spec, status=status)


def pod(name: str, *, going: bool = False, **status: Any) -> Any:
    found = an_object(name, kind="Pod", status=status)
    if going:
        found["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return found


def an_object(name: str, **fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": f"uid-{name}"}, **fields}


def shown(*objects: Any) -> View:
    view = View()
    for each in objects:
        show(view, each)
    return view


def show(view: View, each: Any) -> None:
    view.apply(each["kind"], WatchEvent(type=EventType.MODIFIED, object=each))


def gone(view: View, each: Any) -> None:
    view.apply(each["kind"], WatchEvent(type=EventType.DELETED, object=each))


# What the API calls complete


@pytest.mark.parametrize(
    ("workload", "found"),
    [
        (WEB, deployment()),
        (WEB, deployment(seen=5)),
        (WEB, deployment(wanted=0, updated=0, total=0, available=0)),
        (DATABASE, stateful_set()),
    ],
    ids=["as wanted", "a later generation too", "scaled to nothing", "stateful"],
)
async def test_a_rollout_is_complete_when_all_pods_are_new_and_available(workload: Workload, found: Any) -> None:
    await until_complete(shown(found), workload, 2, deadline_s=0)


@pytest.mark.parametrize(
    ("workload", "found"),
    [
        (WEB, deployment(seen=1)),
        (WEB, deployment(updated=2)),
        (WEB, deployment(total=4)),
        (WEB, deployment(available=2)),
        (WEB, an_object("web", kind="Deployment", spec={"replicas": 3})),
        (WEB, an_object("other", kind="Deployment", spec={"replicas": 0}, status={"observedGeneration": 2})),
        (DATABASE, stateful_set(updated=2)),
        (DATABASE, stateful_set(ready=2)),
        (DATABASE, stateful_set(current="old")),
    ],
    ids=[
        "the controller has not seen the update",
        "an old pod is left",
        "one pod too many",
        "one is not available",
        "no status yet",
        "another of that kind",
        "stateful: an old pod is left",
        "stateful: one is not ready",
        "stateful: the revision is not taken over",
    ],
)
async def test_a_rollout_is_not_complete_before_that(workload: Workload, found: Any) -> None:
    with pytest.raises(RolloutError):
        await until_complete(shown(found), workload, 2, deadline_s=0)


async def test_replicas_that_the_manifest_does_not_name_are_one() -> None:
    status = {"observedGeneration": 2, "updatedReplicas": 1, "replicas": 1, "availableReplicas": 1}
    view = shown(an_object("web", kind="Deployment", spec={"template": TEMPLATE}, status=status))
    assert replicas(view, WEB) == 1
    await until_complete(view, WEB, 2, deadline_s=0)


async def test_a_workload_that_is_gone_wants_no_pods_and_has_no_template() -> None:
    assert replicas(View(), WEB) == 0
    with pytest.raises(RolloutError, match="reading the pod template of deployment/web: the workload is gone"):
        pod_template(View(), WEB)


async def test_the_pod_template_is_the_one_that_the_workload_has_now() -> None:
    assert pod_template(shown(deployment()), WEB) == TEMPLATE


# Histories


async def test_the_wait_for_completion_ends_with_the_last_step_and_not_before() -> None:
    view = shown(deployment(seen=1))
    steps = [
        deployment(updated=0, total=3),
        deployment(updated=1, total=4, available=3),
        deployment(updated=3, total=4, available=4),
        deployment(updated=3, total=3, available=2),
        deployment(),
    ]
    ended = [False] * len(steps)
    finished = anyio.Event()

    async def wait() -> None:
        await until_complete(view, WEB, 2, deadline_s=60)
        finished.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        for number, step in enumerate(steps):
            await anyio.wait_all_tasks_blocked()
            show(view, step)
            await anyio.wait_all_tasks_blocked()
            ended[number] = finished.is_set()
    assert ended == [False, False, False, False, True]


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


async def test_a_rollout_that_takes_too_long_is_told_with_what_holds_it_up() -> None:
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such tag"}}
    view = shown(deployment(updated=1, available=2), pod("web-2", containerStatuses=[{"state": waiting}]))
    with pytest.raises(RolloutError) as late:
        await until_complete(view, WEB, 2, deadline_s=0)
    assert str(late.value) == (
        "waiting 0 s for deployment/web to be rolled out: the last state seen was: 1 of 3 pods updated, 2 available; "
        "web-2: ImagePullBackOff (no such tag). Raise rollout_timeout if it only needs more time."
    )


async def test_old_pods_that_stay_are_named() -> None:
    view = shown(deployment(wanted=1), pod("new"), pod("old-1", going=True), pod("old-2", going=True))
    with pytest.raises(RolloutError) as late:
        await until_settled(view, WEB, deadline_s=0)
    assert str(late.value) == (
        "waiting 0 s for the old pods of deployment/web to be gone: the last state seen was: still terminating: "
        "old-1, old-2. Is their grace period longer than rollout_timeout?"
    )


# Words


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (pod("a", containerStatuses=[{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]), "a: CrashLoopBackOff"),
        (pod("a", containerStatuses=[{"state": {"waiting": {"message": "soon"}}}]), "a: waiting (soon)"),
        (
            pod("a", conditions=[{"type": "PodScheduled", "status": "False", "message": "0/1 nodes fit"}]),
            "a: not PodScheduled (0/1 nodes fit)",
        ),
        (
            pod("a", conditions=[{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}]),
            "a: not Ready (ContainersNotReady)",
        ),
        (pod("a", conditions=[{"type": "Ready", "status": "Unknown"}]), "a: not Ready (?)"),
    ],
)
async def test_each_pod_that_is_not_ready_is_told_with_the_reason(found: Any, says: str) -> None:
    assert described(shown(deployment(updated=1, available=2), found), WEB) == (
        f"1 of 3 pods updated, 2 available; {says}"
    )


@pytest.mark.parametrize(
    "found",
    [
        pod("a", going=True, conditions=[{"type": "Ready", "status": "False"}]),
        pod("a", conditions=[{"type": "Ready", "status": "True"}], containerStatuses=[{"state": {"running": {}}}]),
        pod("a", conditions=[{"type": "Initialized", "status": "False"}]),
        pod("a"),
    ],
    ids=["it is going", "it is ready", "another condition", "nothing is known of it"],
)
async def test_pods_that_hold_nothing_up_are_not_told(found: Any) -> None:
    assert described(shown(deployment(), found), WEB) == "3 of 3 pods updated, 3 available"


async def test_a_workload_that_is_gone_is_told_so() -> None:
    assert described(shown(pod("a")), WEB) == "deployment/web is gone"


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


async def test_an_update_that_the_api_refuses_is_sent_once_and_told() -> None:
    async with paper_kube({f"PATCH {PATH}": [403, {"metadata": {"generation": 7}}]}) as (kube, api):
        with pytest.raises(ApiRefusal, match=rf"PATCH {PATH} .*: the API answered 403 No"):
            await trigger(kube, WEB, {})
    assert api.done() == [f"PATCH {PATH}"]


async def test_an_undo_of_a_workload_that_is_gone_is_told() -> None:
    async with paper_kube({}) as (kube, _):
        with pytest.raises(ApiRefusal, match="the API answered 404"):
            await undo(kube, WEB, TEMPLATE)
