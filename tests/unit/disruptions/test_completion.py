"""A rollout is awaited until the API calls it complete, or until it is plain that it never will be."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from harness.disruptions import completion
from harness.disruptions.completion import described, until_complete
from harness.disruptions.last_words import told
from harness.disruptions.obstacle import LogPlace, Obstacle
from harness.disruptions.obstacles import in_words
from harness.disruptions.workload import Workload
from harness.errors import RolloutError
from tests.unit.disruptions.histories import (
    DATABASE,
    WEB,
    an_object,
    deployment,
    event,
    pod,
    show,
    shown,
    stateful_set,
)

pytestmark = pytest.mark.anyio

# What the API calls complete


@pytest.mark.parametrize(
    ("workload", "found"),
    [
        (WEB, deployment()),
        (WEB, deployment(seen=5)),
        (WEB, deployment(wanted=0, updated=0, total=0, available=0)),
        (
            WEB,
            an_object("web", kind="Deployment", spec={}, status=deployment(updated=1, total=1, available=1)["status"]),
        ),
        (DATABASE, stateful_set()),
    ],
    ids=["as wanted", "a later generation too", "scaled to nothing", "one, unnamed", "stateful"],
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


async def test_a_rollout_that_takes_too_long_is_told_with_what_holds_it_up() -> None:
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such tag"}}
    status = {"name": "nginx", "image": "nginx:9", "state": waiting}
    view = shown(deployment(updated=1, available=2), pod("web-2", containerStatuses=[status]))
    with pytest.raises(RolloutError) as late:
        await until_complete(view, WEB, 2, deadline_s=0)
    assert str(late.value) == (
        "waiting 0 s for deployment/web to be rolled out: its time of 0 s was over; "
        "the last state seen was: 1 of 3 pods updated, 2 available; "
        "container nginx of web-2: ImagePullBackOff, image nginx:9 (no such tag). Do its nodes reach the "
        "registry, with its secret?"
    )


# Words


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (
            pod("a", conditions=[{"type": "Ready", "status": "False", "message": "it starts"}]),
            "a: not Ready (it starts)",
        ),
        (pod("a", conditions=[{"type": "Ready", "status": "False", "reason": "Unready"}]), "a: not Ready (Unready)"),
        (pod("a", conditions=[{"type": "Ready", "status": "Unknown"}]), "a: not Ready (?)"),
    ],
)
async def test_a_pod_that_is_not_ready_without_a_known_reason_is_told_as_that(found: Any, says: str) -> None:
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


async def test_old_pods_that_are_all_that_is_awaited_are_told() -> None:
    found = described(shown(deployment(updated=3, total=4, available=4)), WEB)
    assert found == "3 of 3 pods updated, 4 available, 1 old not told to go yet"


async def test_a_workload_that_is_gone_is_told_so() -> None:
    assert described(shown(pod("a")), WEB) == "deployment/web is gone"


# Given up early


NOT_FOUND = "failed to resolve reference nginx:9: not found"
SECRET = 'secret "app-secrets" not found'


def waiting_pod(reason: str, message: str, *, name: str = "a", owner: str = "uid-web-1", **more: Any) -> Any:
    status = {"name": "web", "image": "nginx:9", "state": {"waiting": {"reason": reason, "message": message}}, **more}
    return pod(name, owner=owner, containerStatuses=[status])


async def given_up(*objects: Any, workload: Workload = WEB) -> str:
    """What a wait of a minute says that does not last it: the test's own time-out is far shorter."""
    with anyio.fail_after(20), pytest.raises(RolloutError) as error:
        await until_complete(shown(*objects), workload, 2, deadline_s=60)
    return str(error.value)


async def test_a_paused_deployment_is_not_waited_for() -> None:
    found = deployment(updated=0, available=3)
    found["spec"]["paused"] = True
    assert await given_up(found) == (
        "waiting 0 s for deployment/web to be rolled out: the last state seen was: 0 of 3 pods updated, 3 available; "
        "deployment/web: while it is paused an update replaces no pod (paused: true). No waiting mends that. "
        "Needed: paused: false."
    )


async def test_nobody_rolls_a_stateful_set_with_on_delete() -> None:
    found = stateful_set(updated=0)
    found["spec"]["updateStrategy"] = {"type": "OnDelete"}
    assert "OnDelete an update replaces no pod" in await given_up(found, workload=DATABASE)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Something final need not stand any longer than it takes to be told twice."""
    monkeypatch.setattr(completion, "_STANDS_S", 0.0)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("found", "told", "says"),
    [
        (
            waiting_pod("CreateContainerConfigError", SECRET),
            [("Failed", f"Error: {SECRET}")],
            'container web of a: there is no Secret app-secrets (secret "app-secrets" not found). '
            "No waiting mends that. Put Secret app-secrets into the manifests.",
        ),
        (
            waiting_pod("CreateContainerConfigError", "couldn't find key user in Secret shop/app-secrets"),
            [("Failed", "Error: couldn't find key user in Secret shop/app-secrets")],
            "cannot be configured (couldn't find key user in Secret shop/app-secrets)",
        ),
        (
            pod("a", phase="Pending"),
            [("FailedMount", 'MountVolume.SetUp failed for volume "conf" : configmap "web-conf" not found')],
            "Put ConfigMap web-conf into the manifests.",
        ),
        (
            waiting_pod("ErrImagePull", NOT_FOUND),
            [("Failed", f'Failed to pull image "nginx:9": {NOT_FOUND}')],
            "ErrImagePull, image nginx:9 (failed to resolve reference nginx:9: not found)",
        ),
    ],
    ids=["secret", "key", "volume", "image"],
)
async def test_what_is_missing_is_waited_for_until_it_is_told_twice(
    found: Any, told: list[tuple[str, str]], says: str
) -> None:
    events = [event(found, reason, message, container="web" * (reason == "Failed")) for reason, message in told]
    view = shown(deployment(updated=1, available=2), found, *events)
    with pytest.raises(RolloutError) as late:
        await until_complete(view, WEB, 2, deadline_s=0)
    assert "No waiting mends that" not in str(late.value)
    again = [each | {"count": 2} for each in events]
    assert says in await given_up(deployment(updated=1, available=2), found, *again)


async def test_a_missing_secret_that_comes_in_time_ends_nothing() -> None:
    found = waiting_pod("CreateContainerConfigError", SECRET)
    view = shown(deployment(updated=1, available=2), found, event(found, "Failed", f"Error: {SECRET}", count=9))
    finished = anyio.Event()

    async def wait() -> None:
        await until_complete(view, WEB, 2, deadline_s=60)
        finished.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        show(view, pod("a", conditions=[{"type": "Ready", "status": "True"}]))
        show(view, deployment())
    assert finished.is_set()


def timed_out(at: str) -> Any:
    found = deployment(updated=1, available=2)
    found["status"]["conditions"] = [
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "lastUpdateTime": at}
    ]
    return found


async def test_the_deployments_own_deadline_ends_the_wait() -> None:
    view = shown(deployment(updated=1, available=2))
    said: list[str] = []

    async def wait() -> None:
        with pytest.raises(RolloutError) as error:
            await until_complete(view, WEB, 2, deadline_s=60)
        said.append(str(error.value))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        show(view, timed_out("2026-01-01T00:10:00Z"))
    assert "Its progressDeadlineSeconds are over. See what the API tells of it" in said[0]


async def test_the_deadline_of_the_rollout_before_is_no_reason_to_stop() -> None:
    with pytest.raises(RolloutError) as error:
        await until_complete(shown(timed_out("2026-01-01T00:10:00Z")), WEB, 2, deadline_s=0)
    assert "progressDeadlineSeconds" not in str(error.value)


EXEC = 'exec: "pyton3": executable file not found in $PATH'
ODD = "failed to prepare subPath for volumeMount of container web"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "found",
    [
        waiting_pod("RunContainerError", EXEC),
        waiting_pod(
            "CrashLoopBackOff",
            "back-off 10s",
            lastState={"terminated": {"exitCode": 128, "reason": "StartError", "message": EXEC}},
        ),
        pod(
            "a",
            containerStatuses=[
                {
                    "name": "web",
                    "state": {"terminated": {"exitCode": 127, "reason": "ContainerCannotRun", "message": EXEC}},
                }
            ],
        ),
        waiting_pod("CreateContainerConfigError", ODD),
    ],
    ids=["run error", "start error, backing off", "cannot run", "another fault of its configuration"],
)
async def test_what_cannot_be_started_ends_the_wait_with_its_second_report(found: Any) -> None:
    said = ODD if "subPath" in str(found) else EXEC
    told = event(found, "Failed", f"Error: {said}", container="web")
    with pytest.raises(RolloutError) as late:
        await until_complete(shown(deployment(updated=1, available=2), found, told), WEB, 2, deadline_s=0)
    assert "No waiting mends that" not in str(late.value)
    error = await given_up(deployment(updated=1, available=2), found, told | {"count": 2})
    assert f"({said}). No waiting mends that. Correct " in error


@pytest.mark.usefixtures("impatient")
async def test_a_node_that_is_short_of_something_is_waited_for() -> None:
    busy = "failed to create shim task: context deadline exceeded"
    found = waiting_pod("RunContainerError", busy)
    view = shown(deployment(updated=1, available=2), found, event(found, "Failed", f"Error: {busy}", count=9))
    with pytest.raises(RolloutError) as late:
        await until_complete(view, WEB, 2, deadline_s=0.3)
    assert "No waiting mends that" not in str(late.value)
    assert busy in str(late.value)


async def test_an_image_name_that_is_none_ends_the_wait_at_once() -> None:
    found = waiting_pod("InvalidImageName", "couldn't parse image name")
    assert "waiting 0 s" in await given_up(deployment(updated=1, available=2), found)


# A first start that crashes


def crashed(
    ends: int, *, code: int = 2, name: str = "a", running: bool = False, ready: bool = False, probe: Any = None
) -> Any:
    """A pod whose container has ended so often; `running`: it has been started once more."""
    over = {"terminated": {"exitCode": code, "reason": "Error", "containerID": f"run-{ends}"}}
    now = {"running": {}} if running else {"waiting": {"reason": "CrashLoopBackOff"}}
    status = {
        "name": "web",
        "restartCount": ends if running else ends - 1,
        "state": now,
        "lastState": over,
    }
    conditions = [{"type": "Ready", "status": str(ready)}]
    found = pod(name, containerStatuses=[status], conditions=conditions)
    container = {"name": "web"} | ({"readinessProbe": probe} if probe else {})
    return found | {"spec": {"containers": [container]}}


PROBE = {"tcpSocket": {"port": 80}}


async def lasts(*steps: Any, apart_from: frozenset[str] | None = frozenset()) -> str:
    """What ends a wait that is shown these pods one after the other; empty where it goes on."""
    view, said = shown(deployment(updated=1, available=0)), list[str]()

    async def wait() -> None:
        with pytest.raises(RolloutError) as error:
            await until_complete(view, WEB, 2, deadline_s=60, apart_from=apart_from)
        said.append(str(error.value))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        for step in steps:
            await anyio.wait_all_tasks_blocked()
            show(view, step)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    return "".join(said)


async def test_a_first_start_that_ends_four_times_alike_is_given_up() -> None:
    steps = [each for ends in (1, 2, 3) for each in (crashed(ends), crashed(ends, running=True))]
    assert await lasts(*steps) == ""
    said = await lasts(*steps, crashed(4))
    assert (
        "It is given up: container web of a has ended 4 times, always with exit code 2, and no pod of it has been "
        "Ready. See its log for why it ends." in said
    )


async def test_a_first_start_that_ends_well_again_and_again_is_not_getting_on() -> None:
    last = crashed(4, code=0)
    (status,) = last["status"]["containerStatuses"]
    status["state"] = status["lastState"]
    said = await lasts(*(crashed(ends, code=0) for ends in (1, 2, 3)), deployment(updated=3, available=0), last)
    assert said.endswith("always with exit code 0, and no pod of it has been Ready. See its log for why it ends.")


@pytest.mark.parametrize(
    "steps",
    [
        (crashed(1, code=1), crashed(4)),
        (crashed(1), crashed(2, running=True, ready=True, probe=PROBE), crashed(4, probe=PROBE)),
        (crashed(4, running=True, ready=True),),
        (crashed(1, name="b", running=True, ready=True), crashed(4)),
        (crashed(3), crashed(3, running=True)),
    ],
    ids=["it ends otherwise each time", "it has been Ready", "it is Ready now", "another is Ready", "not often enough"],
)
async def test_a_crash_that_may_go_is_waited_for(steps: tuple[Any, ...]) -> None:
    assert await lasts(*steps) == ""


async def test_a_crash_is_waited_for_where_something_else_may_have_to_come_up_first() -> None:
    assert await lasts(crashed(9), apart_from=None) == ""


async def test_in_a_rollout_the_pods_of_before_do_not_count() -> None:
    assert await lasts(crashed(9), apart_from=frozenset({"uid-a"})) == ""
    said = await lasts(crashed(9), apart_from=frozenset({"uid-b"}))
    assert "has ended 9 times, always with exit code 2, and no new pod of it has been Ready" in said


async def test_while_an_old_pod_leaves_a_new_one_may_lack_what_that_has() -> None:
    assert await lasts(pod("b", going=True), crashed(9), apart_from=frozenset({"uid-b"})) == ""


# Waited for, and what is said meanwhile


async def test_the_end_of_the_log_is_told_with_a_crash_and_stands_below_the_error() -> None:
    view, heard, asked = (
        shown(deployment(updated=1, available=2), crashed(2), crashed(2, name="b")),
        list[str](),
        list[Any](),
    )

    async def log(place: LogPlace) -> tuple[str, ...]:
        asked.append(place)
        return ("no database", "bye")

    with pytest.raises(RolloutError) as error:
        await until_complete(view, WEB, 2, deadline_s=0, hear=lambda now: heard.append(told(now)), logs=log)
    below = ("the log of container web of a ends:", "| no database", "| bye")
    assert heard[0].splitlines()[1:] == [f"    {line}" for line in below]
    assert error.value.details == below
    assert "no database" not in str(error.value)  # which goes into run.json
    assert set(asked) == {LogPlace(pod="a", container="web", run="run-2", previous=True)}


async def test_what_is_the_same_in_the_next_pod_is_no_news() -> None:
    backing_off = event(crashed(2), "BackOff", "Back-off restarting failed container web in pod a", container="web")
    view, heard = shown(deployment(updated=1, available=2), backing_off), list[str]()

    async def wait() -> None:
        await until_complete(view, WEB, 2, deadline_s=60, hear=lambda now: heard.append(in_words(now)))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        for each in (crashed(2), crashed(2, name="b"), crashed(3), crashed(3, running=True), deployment()):
            await anyio.wait_all_tasks_blocked()
            show(view, each)
    assert [words.partition(",")[0] for words in heard] == ["container web of a: CrashLoopBackOff", ""]


async def test_a_probe_that_fails_seldom_is_told_before_it_has_failed_three_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(completion, "_NEWS_AFTER_S", 0.0)
    found = pod("a", containerStatuses=[{"name": "web", "ready": False, "state": {"running": {}}}])
    view, heard = shown(deployment(updated=1, available=2), found), list[str]()
    show(view, event(found, "Unhealthy", "Readiness probe failed: refused", container="web"))
    with pytest.raises(RolloutError):
        await until_complete(view, WEB, 2, deadline_s=0, hear=lambda now: heard.append(in_words(now)))
    assert heard == ["container web of a: Readiness probe failed: refused"]


async def test_more_time_is_advised_where_pods_got_on_and_nowhere_else() -> None:
    view = shown(deployment(updated=0, total=3, available=3))
    said: list[str] = []

    async def wait() -> None:
        with pytest.raises(RolloutError) as error:
            await until_complete(view, WEB, 2, deadline_s=0.2)
        said.append(str(error.value))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        show(view, deployment(updated=1, total=4, available=3))
    assert said[0].endswith("Raise rollout_timeout: its pods were getting on.")
    with pytest.raises(RolloutError) as stuck:
        await until_complete(view, WEB, 2, deadline_s=0)
    assert "rollout_timeout" not in str(stuck.value)
    assert str(stuck.value).endswith("See what the API tells of it: kubectl describe deployment/web.")


async def test_what_holds_it_up_is_told_once_when_it_begins_and_when_it_ends() -> None:
    unfit = pod("a", conditions=[{"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available."}])
    view, heard = shown(deployment(updated=1, available=2)), list[str]()

    def hear(standing: tuple[Obstacle, ...]) -> None:
        heard.append(in_words(standing))

    async def wait() -> None:
        await until_complete(view, WEB, 2, deadline_s=60, hear=hear)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        for each in (unfit, unfit, deployment()):
            await anyio.wait_all_tasks_blocked()
            show(view, each)
    assert heard == ["a: unschedulable (0/1 nodes are available)", ""]


async def test_one_failed_readiness_probe_belongs_to_any_start_and_three_are_told() -> None:
    status = {"name": "web", "ready": False, "state": {"running": {}}}
    found = pod("a", containerStatuses=[status], conditions=[{"type": "Ready", "status": "False"}])
    view, heard = shown(deployment(updated=1, available=2), found), list[str]()

    async def wait() -> None:
        await until_complete(view, WEB, 2, deadline_s=60, hear=lambda standing: heard.append(in_words(standing)))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        for count in (1, 2, 3):
            await anyio.wait_all_tasks_blocked()
            assert heard == []
            show(view, event(found, "Unhealthy", "Readiness probe failed: refused", count=count, container="web"))
        await anyio.wait_all_tasks_blocked()
        assert heard == ["container web of a: Readiness probe failed: refused"]
        show(view, deployment())
