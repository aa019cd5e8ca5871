"""A running container and its time of grace -> its end: preStop, stop signal, SIGKILL.

Source: pkg/kubelet/kuberuntime/kuberuntime_container.go (killContainer, executePreStopHook) and
kuberuntime_termination_order.go. The grace period counts from the beginning, so a hook uses it up, and so does waiting
for one's turn; the program gets at least 2 s between its signal and SIGKILL.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import aiohttp
import anyio

from harness.sandbox.apiclient import ApiClient, ApiError
from harness.sandbox.kubelet.hooks import HookFailed, run_hook
from harness.sandbox.kubelet.records import Terminated, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.sandbox.kubelet.container import Container
    from harness.sandbox.kubelet.container_worker import ContainerWorker
    from harness.sandbox.kubelet.records import ContainerRecord, Object, PodRecord

Turn = tuple[anyio.Event, ...]
"""What a container waits for, within its grace period, between its preStop hook and its stop signal."""

MINIMUM_S = 2.0
# A container that never ran has no end of its own; the kubelet invents one when the pod goes.
_LOST = Terminated(
    exit_code=137,
    reason="ContainerStatusUnknown",
    message="The container could not be located when the pod was terminated",
)


class GracePeriod:
    """A deadline that may come nearer while it is waited for: a second deletion with a shorter grace period."""

    def __init__(self, seconds: float) -> None:
        self.deadline = anyio.current_time() + seconds
        self._scopes: set[anyio.CancelScope] = set()

    def shorten(self, seconds: float) -> None:
        """Moves the deadline to `seconds` from now, if that is sooner."""
        self.deadline = min(self.deadline, anyio.current_time() + seconds)
        for scope in self._scopes:
            scope.deadline = min(scope.deadline, max(self.deadline, anyio.current_time()))

    @contextmanager
    def limit(self, minimum_s: float = 0.0) -> Iterator[anyio.CancelScope]:
        """Cancels the block at the deadline, but not before `minimum_s` have passed."""
        with anyio.CancelScope(deadline=max(self.deadline, anyio.current_time() + minimum_s)) as scope:
            self._scopes.add(scope)
            try:
                yield scope
            finally:
                self._scopes.discard(scope)


async def terminate(
    running: Container,
    spec: Object,
    stop_signal: str,
    grace: GracePeriod,
    hook_failed: Callable[[str], None],
    turn: Turn = (),
) -> None:
    """Ends a container within its grace, when it is its turn; returns when its process is gone."""
    hook = (spec.get("lifecycle") or {}).get("preStop")
    if hook and grace.deadline > anyio.current_time():
        with grace.limit():
            try:
                await run_hook(hook, spec, running)
            except HookFailed as error:
                hook_failed(str(error))
    with grace.limit():
        for before in turn:
            await before.wait()
    running.signal(stop_signal)
    with grace.limit(MINIMUM_S):
        await running.exited.wait()
    running.signal("SIGKILL")
    await running.exited.wait()


async def stop_all(record: PodRecord, workers: Mapping[str, ContainerWorker], grace: GracePeriod) -> None:
    """Stops the pod's containers: the hooks of all run side by side; the stop signal of a sidecar waits for the end of
    the main containers and of the sidecars after it."""
    ended = {container.name: anyio.Event() for container in record.all_containers}

    async def stop(name: str, turn: Turn) -> None:
        await workers[name].stop(grace, f"Stopping container {name}", turn)
        ended[name].set()

    before = [ended[container.name] for container in record.containers]
    async with anyio.create_task_group() as group:
        for container in reversed(record.all_containers):
            group.start_soon(stop, container.name, tuple(before) if container.sidecar else ())
            if container.sidecar:
                before.append(ended[container.name])


def settle_states(record: PodRecord) -> None:
    """Gives every container an end before the pod goes."""
    for container in record.all_containers:
        if isinstance(container.state, Waiting):
            container.state = container.last_state or _LOST


def never_ran(record: PodRecord) -> tuple[ContainerRecord, ...]:
    """The pod's containers of which none was ever started."""
    waiting = (one for one in record.all_containers if isinstance(one.state, Waiting))
    return tuple(one for one in waiting if one.last_state is None)


async def is_deleted(client: ApiClient, record: PodRecord) -> bool:
    """Deletes the pod's object, which has come to its end; whether that is done, or another pod has its name."""
    path = f"/api/v1/namespaces/{record.namespace}/pods/{record.name}"
    try:
        await client.delete(path, grace_s=0, uid=record.uid)
    except ApiError as error:
        return error.status in (404, 409)
    except (aiohttp.ClientError, OSError, TimeoutError):
        return False
    return True
