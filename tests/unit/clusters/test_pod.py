"""A load worker that is a Pod: created with its plan, awaited, read by its log, and deleted whatever happens."""

from __future__ import annotations

from typing import Any

import pytest
from paper_api import paper_kube

from harness.clusters import pod as room
from harness.clusters.pod import pod_worker
from harness.errors import ClusterError, LoadError
from harness.kube.errors import ApiRefusal

pytestmark = pytest.mark.anyio

PODS = "/api/v1/namespaces/shop/pods"
POD = f"{PODS}/rollout-harness-load-2"
CREATE, GET, DELETE, LOG = f"POST {PODS}", f"GET {POD}", f"DELETE {POD}", f"GET {POD}/log"
PLAN = '{"worker": 2}'
RUNNING = {"status": {"phase": "Running"}}
PENDING = {"status": {"phase": "Pending"}}


def container(**state: Any) -> dict[str, Any]:
    return {"status": {"phase": "Pending", "containerStatuses": [{"state": state}]}}


@pytest.fixture(autouse=True)
def _asked_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_POLL_S", 0)


def answers(*states: Any, **more: Any) -> dict[str, list[Any]]:
    return {CREATE: [{}], GET: list(states), DELETE: [{}], **more}


async def test_the_pod_holds_the_plan_runs_the_worker_and_is_never_started_twice() -> None:
    async with paper_kube(answers(RUNNING)) as (kube, api), pod_worker(kube, "shop", PLAN, image="harness:1"):
        pass
    (created,) = api.asked(CREATE)
    spec = created.body["spec"]
    (container_,) = spec["containers"]
    assert created.body["metadata"]["name"] == "rollout-harness-load-2"
    assert container_["image"] == "harness:1"
    assert container_["command"] == ["python3", "-m", "harness.load"]
    assert container_["env"] == [{"name": "ROLLOUT_HARNESS_PLAN", "value": PLAN}]
    assert spec["restartPolicy"] == "Never"
    assert spec["automountServiceAccountToken"] is False


async def test_the_block_begins_when_the_pod_runs_and_the_pod_is_deleted_when_it_ends() -> None:
    async with paper_kube(answers(PENDING, container(waiting={}), RUNNING)) as (kube, api):
        async with pod_worker(kube, "shop", PLAN, image="harness:1"):
            assert api.done() == [CREATE, GET, GET, GET]
        assert api.done()[4:] == [DELETE]
        assert api.asked(DELETE)[0].body["gracePeriodSeconds"] == 1


async def test_its_lines_are_those_of_its_log_as_it_grows() -> None:
    table = answers(RUNNING, **{LOG: [["new,2,0", '{"sent": 1}']]})
    async with paper_kube(table) as (kube, api):
        async with pod_worker(kube, "shop", PLAN, image="harness:1") as worker:
            assert [line async for line in worker.lines()] == [b"new,2,0", b'{"sent": 1}']
        assert api.asked(LOG)[0].query == {"follow": "true"}


async def test_stopping_leaves_it_a_minute_to_drain() -> None:
    async with paper_kube(answers(RUNNING)) as (kube, api):
        async with pod_worker(kube, "shop", PLAN, image="harness:1") as worker:
            await worker.stop()
            assert [call.body["gracePeriodSeconds"] for call in api.asked(DELETE)] == [60]
        created = api.asked(CREATE)[0].body
        assert created["spec"]["terminationGracePeriodSeconds"] == 60


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"terminated": {"reason": "Error", "message": "no module harness"}}, "terminated Error no module harness"),
        ({}, "Failed"),
    ],
)
async def test_a_pod_that_ends_at_once_is_told_with_the_reason_and_deleted(state: Any, says: str) -> None:
    failed = {"status": {"phase": "Failed", "containerStatuses": [{"state": state}]}}
    async with paper_kube(answers(PENDING, failed)) as (kube, api):
        with pytest.raises(LoadError) as error:
            async with pod_worker(kube, "shop", PLAN, image="harness:1"):
                pytest.fail("it does not run")
        assert str(error.value) == f"starting the load worker Pod rollout-harness-load-2: it ended at once: {says}"
        assert api.done()[-1] == DELETE


class StillPending:
    """A Kube whose Pod never gets its image."""

    def __init__(self) -> None:
        self.deleted: list[str] = []

    async def create(self, manifest: Any, namespace: str) -> None:
        pass

    async def get(self, *named: str) -> Any:
        return container(waiting={"reason": "ErrImagePull", "message": "no such image"})

    async def delete(self, api_version: str, kind: str, name: str, **options: Any) -> None:
        self.deleted.append(f"{kind} {name}")


async def test_a_pod_that_does_not_start_is_told_with_what_holds_it_up_and_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "_START_TIMEOUT_S", 0)
    kube = StillPending()
    with pytest.raises(LoadError) as late:
        async with pod_worker(kube, "shop", PLAN, image="harness:1"):  # type: ignore[arg-type]
            pytest.fail("it does not run")
    assert "it does not run after 0 s: waiting ErrImagePull no such image. Can the cluster pull" in str(late.value)
    assert kube.deleted == ["Pod rollout-harness-load-2"]


async def test_a_pod_that_may_not_be_created_is_told_and_nothing_else_is_tried() -> None:
    async with paper_kube({CREATE: [403]}) as (kube, api):
        with pytest.raises(ApiRefusal, match="403"):
            async with pod_worker(kube, "shop", PLAN, image="harness:1"):
                pytest.fail("there is no pod")
        assert api.done() == [CREATE]


async def test_what_went_wrong_in_the_block_is_told_and_not_that_the_pod_was_gone_by_then() -> None:
    async with paper_kube(answers(RUNNING) | {DELETE: [404]}) as (kube, api):
        with pytest.raises(LoadError, match="the reason"):
            async with pod_worker(kube, "shop", PLAN, image="harness:1"):
                raise LoadError("the reason")
        assert api.done()[-1] == DELETE


async def test_a_log_that_is_refused_is_an_error_of_the_cluster() -> None:
    async with (
        paper_kube(answers(RUNNING)) as (kube, _),
        pod_worker(kube, "shop", PLAN, image="harness:1") as worker,
    ):
        with pytest.raises(ClusterError, match="404"):
            await anext(worker.lines())
