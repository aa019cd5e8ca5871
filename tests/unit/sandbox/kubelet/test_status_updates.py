"""What of a pod's statuses reaches the API, where the API is slower than the pod."""

from __future__ import annotations

from typing import Any, cast

import anyio
import pytest

from harness.sandbox.apiclient import ApiClient, ApiError
from harness.sandbox.kubelet.status_updates import StatusUpdates

pytestmark = pytest.mark.anyio


class SlowApi:
    """Takes statuses only while it is `open`; refuses the next `refusals` of them."""

    def __init__(self) -> None:
        self.open, self.refusals = anyio.Event(), 0
        self.seen: list[tuple[str, str]] = []

    async def patch(self, path: str, body: dict[str, Any], *_: Any) -> None:
        await self.open.wait()
        if self.refusals:
            self.refusals -= 1
            raise ApiError(503, "ServiceUnavailable", "not now")
        self.seen.append((path.split("/")[-2], body["status"]["word"]))


def status(word: str, *, phase: str = "Pending", sandbox: bool = True) -> dict[str, Any]:
    conditions = [{"type": "PodReadyToStartContainers", "status": str(sandbox)}]
    return {"phase": phase, "conditions": conditions, "word": word}


def pod(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "default", "uid": name}}


START = (
    status("waiting", sandbox=False),
    status("sandbox"),
    status("running", phase="Running"),
    status("ready", phase="Running"),
)


async def told(told_to: SlowApi, *statuses: tuple[str, dict[str, Any]]) -> list[tuple[str, str]]:
    """What the API has seen of statuses that were all told while it was busy with the first."""
    updates = StatusUpdates(cast("ApiClient", told_to))
    async with anyio.create_task_group() as group:
        group.start_soon(updates.send)
        updates.put(pod(statuses[0][0]), statuses[0][1])
        await anyio.wait_all_tasks_blocked()
        for name, one in statuses[1:]:
            updates.put(pod(name), one)
        told_to.open.set()
        with anyio.fail_after(60):
            await updates.flushed()
        group.cancel_scope.cancel()
    return told_to.seen


async def test_every_step_of_a_start_is_told_in_order_however_slow_the_api_is() -> None:
    seen = await told(SlowApi(), *(("web", one) for one in START))
    assert [word for _, word in seen] == ["waiting", "sandbox", "ready"]


async def test_of_a_pod_that_runs_only_the_newest_is_told() -> None:
    flapping = [status(word, phase="Running") for word in ("ready", "unready", "ready again", "unready again")]
    seen = await told(SlowApi(), *(("web", one) for one in flapping))
    assert [word for _, word in seen] == ["ready", "unready again"]


async def test_a_pod_that_waits_for_its_image_piles_nothing_up() -> None:
    waiting = [status("waiting", sandbox=False), *(status(f"pull {n}") for n in range(50))]
    seen = await told(SlowApi(), *(("web", one) for one in waiting))
    assert [word for _, word in seen] == ["waiting", "pull 49"]


async def test_pods_take_turns() -> None:
    steps = [(name, one) for one in START[:2] for name in ("a", "b")]
    assert await told(SlowApi(), *steps) == [("a", "waiting"), ("b", "waiting"), ("a", "sandbox"), ("b", "sandbox")]


async def test_a_refused_status_is_told_again_before_what_follows() -> None:
    api = SlowApi()
    api.refusals = 2
    seen = await told(api, *(("web", one) for one in START[:2]))
    assert [word for _, word in seen] == ["waiting", "sandbox"]
