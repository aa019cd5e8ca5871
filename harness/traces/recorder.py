"""The watches of one namespace -> lines of a trace, on disk as they come."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, BinaryIO

import anyio
from anyio.abc import TaskStatus

from harness.errors import ClusterError, HarnessError
from harness.kube.client import Kube
from harness.kube.view import View
from harness.kube.watch import EventType, watch
from harness.redaction import door
from harness.traces.trace import MARK

WATCHED = (
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "ControllerRevision"),
    ("v1", "Pod"),
    ("discovery.k8s.io/v1", "EndpointSlice"),
    ("v1", "Event"),
)
_LIST_TIMEOUT_S = 30.0


class Recorder:
    """Writes a trace, and knows the objects as they are now. Times count from `start()`."""

    def __init__(self, file: BinaryIO) -> None:
        self.view = View()
        self.lines = 0
        self._file = file
        self._begin = anyio.current_time()

    def start(self) -> None:
        """From now on it is 0 seconds and counting."""
        self._begin = anyio.current_time()

    @property
    def now_s(self) -> float:
        """Seconds since the start."""
        return anyio.current_time() - self._begin

    def mark(self, type_: str, object_: dict[str, Any] | None = None) -> None:
        """Write down what was done from outside, or reached."""
        self._write(MARK, type_, object_)

    def see(self, kind: str, type_: EventType, object_: dict[str, Any]) -> None:
        """Write down one watch event; a lost watch is a mark."""
        if type_ is EventType.GAP:
            self.mark("gap", object_)
            return
        object_["metadata"].pop("managedFields", None)
        self._write(kind, type_, door().object(object_))

    def _write(self, kind: str, type_: str, object_: dict[str, Any] | None) -> None:
        row = {"t": round(self.now_s, 3), "kind": kind, "type": str(type_), "object": object_}
        self._file.write(json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode(errors="replace") + b"\n")
        self._file.flush()  # so that a recorder that is killed loses nothing
        self.lines += 1


@asynccontextmanager
async def recording(kube: Kube, namespace: str, file: BinaryIO) -> AsyncIterator[Recorder]:
    """Watch a namespace for as long as the block lasts; what exists already comes first.

    Raises:
        ClusterError: the API refuses a list, or does not answer within 30 s.
    """
    recorder = Recorder(file)
    with single_error():
        async with anyio.create_task_group() as tasks:
            for api_version, kind in WATCHED:
                with anyio.move_on_after(_LIST_TIMEOUT_S) as limit:
                    await tasks.start(_watch_kind, kube, namespace, api_version, kind, recorder)
                if limit.cancelled_caught:
                    raise ClusterError(f"listing {kind}s in {namespace}", f"no answer within {_LIST_TIMEOUT_S:g} s")
            yield recorder
            tasks.cancel_scope.cancel()


async def _watch_kind(
    kube: Kube,
    namespace: str,
    api_version: str,
    kind: str,
    recorder: Recorder,
    *,
    task_status: TaskStatus[None],
) -> None:
    async for event in watch(kube, api_version, kind, namespace=namespace, listed=task_status.started):
        recorder.see(kind, event.type, event.object)
        recorder.view.apply(kind, event)


@contextmanager
def single_error() -> Iterator[None]:
    """What fails in a task group inside the block comes out as the error it is: the first, where there are several."""
    failed: HarnessError | None = None
    try:
        yield
    except* HarnessError as group:
        failed = _first(group)
    if failed is not None:
        raise failed


def _first(group: BaseExceptionGroup[HarnessError]) -> HarnessError:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
