"""A kubelet's workers of pods: what nobody foresaw is tried again, and a deletion is not kept waiting by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from harness.sandbox.apiclient import ApiClient, ChangeType
from harness.sandbox.kubelet import kubelet as room
from harness.sandbox.kubelet.kubelet import Kubelet
from harness.sandbox.settings import Settings

pytestmark = pytest.mark.anyio

POD = {
    "kind": "Pod",
    "apiVersion": "v1",
    "metadata": {"name": "web", "namespace": "default", "uid": "1"},
    "spec": {"containers": [{"name": "c", "image": "nginx"}]},
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Worker:
    """A worker whose first `failures` runs end in an error, and that else runs until its pod is to go."""

    made: list[Worker]
    failures = 1

    def __init__(self, pod: dict[str, Any], **_: Any) -> None:
        self.record = type("Record", (), {"uid": pod["metadata"]["uid"], "pod": pod})
        self.leaving, self.events = anyio.Event(), list[tuple[str, str]]()
        self.made.append(self)

    async def run(self) -> None:
        if len(self.made) <= self.failures:
            raise KeyError("nobody foresaw this")
        await self.leaving.wait()

    def update(self, pod: dict[str, Any]) -> None:
        if pod["metadata"].get("deletionTimestamp"):
            self.leaving.set()

    def removed(self) -> None:
        self.leaving.set()

    def event(self, kind: str, reason: str, message: str) -> None:
        self.events.append((reason, message))


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Kubelet:
    monkeypatch.setattr(Worker, "made", [], raising=False)
    monkeypatch.setattr(room, "PodWorker", Worker)
    return Kubelet(ApiClient(tmp_path / "api.sock"), "node1", Settings(), tmp_path)


async def made(count: int) -> None:
    with anyio.fail_after(60):
        while len(Worker.made) < count:
            await anyio.lowlevel.checkpoint()


async def test_a_pod_that_failed_for_no_known_reason_is_begun_again(
    node: Kubelet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(room, "retry_after_s", lambda: 0.0)
    async with anyio.create_task_group() as group:
        node._take(ChangeType.ADDED, POD, group)
        await made(2)
        assert node.workers["1"] is Worker.made[1]
        node._take(ChangeType.DELETED, POD, group)
    assert Worker.made[0].events == [("FailedSync", "error syncing pod: 'nobody foresaw this'")]
    assert node.workers == {}
    assert "KeyError" in capsys.readouterr().err


async def test_a_deletion_does_not_wait_until_it_is_time_to_try_again(
    node: Kubelet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "retry_after_s", lambda: 3600.0)
    going = {**POD, "metadata": {**POD["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}  # type: ignore[dict-item]
    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            node._take(ChangeType.ADDED, POD, group)
            await made(1)
            await anyio.wait_all_tasks_blocked()
            node._take(ChangeType.MODIFIED, going, group)
            await made(2)
            node._take(ChangeType.DELETED, going, group)
    assert node.workers == {}
