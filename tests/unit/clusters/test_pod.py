"""A load worker that is a Pod: created with its plan, awaited, read by its log, and deleted whatever happens."""

from __future__ import annotations

import base64
from typing import Any

import anyio
import pytest
from paper_api import CUT, SILENCE, paper_kube

from harness.clusters import pod as room
from harness.clusters.pod import pod_worker
from harness.clusters.worker_archive import worker_archive
from harness.errors import ClusterError, LoadError
from harness.kube.errors import ApiRefusal, LeftBehind
from harness.model.round_trip import RoundTrip

pytestmark = pytest.mark.anyio

PODS = "/api/v1/namespaces/shop/pods"
POD = f"{PODS}/rollout-harness-load-2"
CREATE, GET, DELETE, LOG = f"POST {PODS}", f"GET {POD}", f"DELETE {POD}", f"GET {POD}/log"
SECRETS = "/api/v1/namespaces/shop/secrets"
HIDE, FORGET = f"POST {SECRETS}", f"DELETE {SECRETS}/rollout-harness-load-2"
PLAN = '{"worker": 2}'
LABELS = {"rollout-harness/run": "1a2b"}
PLACE = "/run/rollout-harness"
RUNNING = {"status": {"phase": "Running"}}
PENDING = {"status": {"phase": "Pending"}}


def container(**state: Any) -> dict[str, Any]:
    return {"status": {"phase": "Pending", "containerStatuses": [{"state": state}]}}


@pytest.fixture(autouse=True)
def _asked_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_POLL_S", 0)


def answers(*states: Any, **more: Any) -> dict[str, list[Any]]:
    return {HIDE: [{}], FORGET: [{}, 404], CREATE: [{}], GET: list(states), DELETE: [{}], **more}


async def test_the_pod_holds_the_plan_runs_the_worker_and_is_never_started_twice() -> None:
    async with (
        paper_kube(answers(RUNNING)) as (kube, api),
        pod_worker(kube, "shop", PLAN, image="harness:1", labels=LABELS),
    ):
        pass
    (created,) = api.asked(CREATE)
    spec = created.body["spec"]
    (container_,) = spec["containers"]
    assert created.body["metadata"]["name"] == "rollout-harness-load-2"
    assert container_["image"] == "harness:1"
    assert container_["command"] == ["python3", f"{PLACE}/harness.load.pyz", f"{PLACE}/plan.json"]
    assert "env" not in container_
    (volume,) = spec["volumes"]
    assert volume["secret"]["secretName"] == "rollout-harness-load-2"
    assert container_["volumeMounts"] == [{"name": volume["name"], "mountPath": PLACE, "readOnly": True}]
    (hidden,) = api.asked(HIDE)
    assert (hidden.body["kind"], hidden.body["metadata"]["name"]) == ("Secret", "rollout-harness-load-2")
    data = {key: base64.b64decode(value) for key, value in hidden.body["data"].items()}
    assert data == {"plan.json": PLAN.encode(), "harness.load.pyz": worker_archive()}
    assert spec["restartPolicy"] == "Never"
    assert spec["automountServiceAccountToken"] is False


async def test_the_block_begins_when_the_pod_runs_and_the_pod_is_deleted_when_it_ends() -> None:
    async with paper_kube(answers(PENDING, container(waiting={}), RUNNING)) as (kube, api):
        async with pod_worker(kube, "shop", PLAN, image="harness:1", labels=LABELS):
            assert api.done() == [HIDE, CREATE, GET, GET, GET, FORGET]
        assert api.done()[6:] == [DELETE, FORGET]
        assert api.asked(DELETE)[0].body["gracePeriodSeconds"] == 1


async def test_its_lines_are_those_of_its_log_as_it_grows() -> None:
    written = ["new,2,0", '{"sent": 1}', '{"end": {"new": 1}}']
    table = answers(RUNNING, **{LOG: [written]})
    async with paper_kube(table) as (kube, api):
        async with pod_worker(kube, "shop", PLAN, image="harness:1", labels=LABELS) as worker:
            assert [line async for line in worker.lines()] == [text.encode() for text in written]
        assert api.asked(LOG)[0].query == {"follow": "true"}


async def test_stopping_leaves_it_a_minute_to_drain() -> None:
    async with paper_kube(answers(RUNNING)) as (kube, api):
        async with pod_worker(kube, "shop", PLAN, image="harness:1", labels=LABELS) as worker:
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
            async with pod_worker(kube, "shop", PLAN, image="harness:1", labels=LABELS):
                pytest.fail("it does not run")
        assert str(error.value) == f"starting the load worker Pod rollout-harness-load-2: {says}"
        assert api.done()[-2:] == [DELETE, FORGET]


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

    remove = delete


async def test_a_pod_that_does_not_start_is_told_with_what_holds_it_up_and_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "START_TIMEOUT_S", 0)
    kube = StillPending()
    with pytest.raises(LoadError) as late:
        async with pod_worker(kube, "shop", PLAN, image="harness:1", labels=LABELS):  # type: ignore[arg-type]
            pytest.fail("it does not run")
    assert "it does not run after 0 s: waiting ErrImagePull no such image. Have the nodes room" in str(late.value)
    assert kube.deleted == ["Pod rollout-harness-load-2", "Secret rollout-harness-load-2"]


async def test_a_pod_that_may_not_be_created_is_told_and_nothing_else_is_tried() -> None:
    async with paper_kube({HIDE: [{}], CREATE: [403], FORGET: [{}]}) as (kube, api):
        with pytest.raises(ApiRefusal, match="403"):
            async with pod_worker(kube, "shop", PLAN, image="harness:1", labels=LABELS):
                pytest.fail("there is no pod")
        assert api.done() == [HIDE, CREATE, FORGET]


async def test_the_pod_of_an_earlier_run_that_is_on_its_way_out_is_waited_for() -> None:
    going = {"metadata": {"name": "rollout-harness-load-2", "deletionTimestamp": "2026-01-02T03:04:05Z"}}
    table = answers(going, going, 404, 404, RUNNING) | {CREATE: [409, 409, {}]}
    async with (
        paper_kube(table) as (kube, api),
        pod_worker(kube, "shop", PLAN, image="harness:1", labels=LABELS),
    ):
        assert api.done()[1:9] == [*[CREATE, GET, GET] * 2, CREATE, GET]


async def test_the_pod_of_somebody_who_measures_there_is_left_and_told() -> None:
    theirs = {"metadata": {"name": "rollout-harness-load-2", "labels": {"rollout-harness/run": "other"}}}
    async with paper_kube(answers(theirs) | {CREATE: [409]}) as (kube, api):
        with pytest.raises(ApiRefusal, match="409"):
            async with pod_worker(kube, "shop", PLAN, image="harness:1", labels=LABELS):
                pytest.fail("there is another")
        assert DELETE not in api.done()


async def test_a_secret_that_may_not_be_created_is_told_and_nothing_else_is_tried() -> None:
    async with paper_kube({HIDE: [403]}) as (kube, api):
        with pytest.raises(ApiRefusal, match="403"):
            async with pod_worker(kube, "shop", PLAN, image="harness:1", labels=LABELS):
                pytest.fail("there is no pod")
        assert api.done() == [HIDE]


async def test_a_secret_that_cannot_be_deleted_is_left_behind_with_the_command_that_does() -> None:
    async with paper_kube(answers(RUNNING) | {FORGET: [403]}) as (kube, _):
        with pytest.raises(LeftBehind, match="kubectl -n shop delete secret rollout-harness-load-2"):
            async with pod_worker(kube, "shop", PLAN, image="harness:1", labels=LABELS):
                pass


async def test_what_went_wrong_in_the_block_is_told_and_not_that_the_pod_was_gone_by_then() -> None:
    async with paper_kube(answers(RUNNING) | {DELETE: [404]}) as (kube, api):
        with pytest.raises(LoadError, match="the reason"):
            async with pod_worker(kube, "shop", PLAN, image="harness:1", labels=LABELS):
                raise LoadError("the reason")
        assert api.done()[-2:] == [DELETE, FORGET]


async def test_a_log_that_is_refused_is_an_error_of_the_cluster() -> None:
    async with (
        paper_kube(answers(RUNNING)) as (kube, _),
        pod_worker(kube, "shop", PLAN, image="harness:1", labels=LABELS) as worker,
    ):
        with pytest.raises(ClusterError, match="404"):
            await anext(worker.lines())


SIGNED = '{"worker": 2, "duration_s": 90.5, "sign_port": 9310}'
SIGN = f"GET {POD}:9310/proxy/harness-is-here"


async def test_it_carries_the_labels_of_the_run_and_a_deadline_behind_its_planned_end() -> None:
    table = answers(RUNNING)
    async with paper_kube(table) as (kube, api), pod_worker(kube, "shop", SIGNED, image="h:1", labels=LABELS):
        pass
    created = api.asked(CREATE)[0].body
    assert created["metadata"]["labels"]["rollout-harness/run"] == "1a2b"
    assert created["spec"]["activeDeadlineSeconds"] == 120 + 91 + 60  # start, load, drain


async def test_a_load_without_an_end_has_no_deadline_and_a_very_long_one_what_the_api_takes() -> None:
    for plan, wanted in ((PLAN, None), ('{"duration_s": 1e10}', 2**31 - 1)):
        table = {**answers(RUNNING), f"GET {PODS}/rollout-harness-load-0": [RUNNING]}
        async with paper_kube(table) as (kube, api), pod_worker(kube, "shop", plan, image="h:1", labels={}):
            pass
        assert api.asked(CREATE)[0].body["spec"].get("activeDeadlineSeconds") == wanted


async def told_by(*signs: Any, until: int) -> tuple[list[str], int]:
    """What is told to people while signs are answered so, and how many were sent until it was cancelled."""
    told: list[str] = []
    heard: list[RoundTrip] = []
    async with (
        paper_kube(answers(RUNNING, **{SIGN: list(signs)})) as (kube, api),
        pod_worker(kube, "shop", SIGNED, image="h:1", labels={}, tell=told.append) as worker,
    ):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(worker.accompany, anyio.current_time, heard.append)
            with anyio.move_on_after(20):
                while len(api.asked(SIGN)) < until:  # noqa: ASYNC110 - the paper API tells no one
                    await anyio.sleep(0.01)
            await anyio.sleep(0.05)
            tasks.cancel_scope.cancel()
        return told, len(api.asked(SIGN))


@pytest.fixture
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SIGN_EVERY_S", 0.02)
    monkeypatch.setattr(room, "_QUICK_S", 0.02)


@pytest.mark.usefixtures("_often")
@pytest.mark.parametrize("fault", [503, 500, 429, 404, CUT], ids=["503", "500", "429", "404", "cut"])
async def test_it_is_shown_again_and_again_that_its_harness_is_there_whatever_fails_in_between(fault: Any) -> None:
    told, sent = await told_by(fault, {}, fault, {}, until=6)
    assert sent >= 6
    assert told == []


@pytest.mark.usefixtures("_often")
@pytest.mark.parametrize("refused", [401, 403, 405, 501])
async def test_where_it_may_not_be_shown_that_is_said_once_and_it_is_not_tried_again(refused: int) -> None:
    told, sent = await told_by(refused, until=1)
    assert sent == 1
    (words,) = told
    assert "until its planned end" in words
    assert str(refused) in words


@pytest.mark.usefixtures("_often")
async def test_where_no_sign_ever_comes_through_that_is_said_once_and_it_is_tried_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "_UNHEARD_S", 0.1)
    told, sent = await told_by(503, until=20)
    assert sent >= 20
    assert len(told) == 1


@pytest.mark.usefixtures("_often")
async def test_a_sign_without_an_answer_does_not_keep_the_next_from_being_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "_SIGN_TIMEOUT_S", 0.1)
    told, sent = await told_by(SILENCE, SILENCE, {}, until=4)
    assert sent >= 4
    assert told == []


async def test_a_worker_without_a_port_for_signs_is_given_none() -> None:
    async with (
        paper_kube(answers(RUNNING)) as (kube, api),
        pod_worker(kube, "shop", PLAN, image="h:1", labels={}) as worker,
    ):
        await worker.accompany(anyio.current_time, lambda _: None)
        assert api.done() == [HIDE, CREATE, GET, FORGET]


END = f"GET {POD}:9310/proxy/harness-is-done"


async def test_a_worker_whose_pod_may_not_be_deleted_is_asked_to_end_and_the_pod_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = answers(RUNNING, **{END: [503, {}]}) | {DELETE: [403]}
    async with paper_kube(table) as (kube, api):
        kube.kubectl = "kubectl --context prod"

        async def used() -> None:
            async with pod_worker(kube, "shop", SIGNED, image="h:1", labels={}) as worker:
                await worker.stop()
                assert len(api.asked(END)) == 2

        with pytest.raises(LeftBehind, match="kubectl --context prod -n shop delete pod rollout-harness-load-2"):
            await used()


async def test_where_it_cannot_be_asked_either_the_refusal_is_told() -> None:
    async with (
        paper_kube(answers(RUNNING) | {DELETE: [403, {}]}) as (kube, _),
        pod_worker(kube, "shop", PLAN, image="h:1", labels={}) as worker,
    ):
        with pytest.raises(ApiRefusal, match="403"):
            await worker.stop()
