"""Settings -> a running embedded cluster, for as long as a block of code lasts.

async with Sandbox.start(Settings()) as sandbox:
    ... sandbox.kubeconfig, sandbox.client_command(["curl", ...]), sandbox.died ...
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.abc
import anyio.to_thread

from harness.sandbox.component_end import sentence
from harness.sandbox.errors import ComponentDied
from harness.sandbox.images import nginx_version
from harness.sandbox.launch import (
    END_TIMEOUT_S,
    START_TIMEOUT_S,
    client_command,
    kubeconfig,
    ready_or_why,
    settings_here,
    supervisor_command,
    supervisor_environment,
)
from harness.sandbox.netns import client_addresses, node_address, node_name
from harness.sandbox.running import Mark

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from harness.sandbox.settings import Settings

_CONNTRACK_MAX = Path("/proc/sys/net/netfilter/nf_conntrack_max")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What reports say of the cluster.

    `proxy_min_sync_period_s` is what kube-proxy was configured with. `conntrack_max`: how many connections the kernel
    can track at a time, those that ended up to 120 s ago among them; None where it does not say.
    """

    kubernetes: str
    nodes: tuple[str, ...]
    node_addresses: tuple[str, ...]
    proxy_mode: str
    proxy_min_sync_period_s: float
    nginx: str
    conntrack_max: int | None


class Sandbox:
    """A running embedded cluster: how to reach it, what is known of it, and whether it still lives."""

    def __init__(self, settings: Settings, pid: int, mark: Mark, ready: dict[str, Any]) -> None:
        self.pid = pid
        self.mark = mark
        self.settings = settings
        self.kubeconfig = kubeconfig(ready["control plane"], mark.id)
        self.client_addresses = client_addresses(settings.nodes, settings.client_addresses)
        self.facts = facts(settings, ready["control plane"])
        self.death: ComponentDied | None = None
        self.died = anyio.Event()

    @classmethod
    @asynccontextmanager
    async def start(cls, settings: Settings) -> AsyncIterator[Sandbox]:
        """Starts a sandbox and ends it, with everything in it, when the block is left.

        Raises:
            MachineUnfit: a program or a right is missing; nothing was started.
            StartFailed: a component did not come up within 20 s.
        """
        settings = await anyio.to_thread.run_sync(settings_here, settings)
        command, mark = supervisor_command(), Mark()
        process = await anyio.open_process(command, start_new_session=True, cwd="/", env=supervisor_environment(mark))
        try:
            lines = _lines(process)
            ready = await _ready(process, lines, settings)
            sandbox = cls(settings, process.pid, mark, ready)
            failure: Exception | None = None
            async with anyio.create_task_group() as group:
                group.start_soon(sandbox._watch, process, lines)
                try:
                    yield sandbox
                except Exception as error:  # the block's own error, not to be wrapped into a group of them
                    failure = error
                group.cancel_scope.cancel()
            if failure is not None:
                raise failure
        finally:
            with anyio.CancelScope(shield=True):
                await _end(process)

    def client_command(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs `argv` on the client host: its network, the machine's files, a direct child."""
        return client_command(self.pid, self.mark.id, argv)

    async def wait_died(self) -> ComponentDied:
        """Returns only if a component of the sandbox dies while it should run: which and why."""
        await self.died.wait()
        assert self.death is not None
        return self.death

    async def _watch(self, process: anyio.abc.Process, lines: AsyncIterator[dict[str, Any]]) -> None:
        told: dict[str, Any] = {}
        async for message in lines:
            told = message.get("died", told)
        await process.wait()
        self.death = _died(told, process.returncode)
        self.died.set()


def facts(settings: Settings, control_plane: dict[str, Any]) -> Facts:
    """What reports say of a sandbox with these settings."""
    numbers = range(1, settings.nodes + 1)
    return Facts(
        kubernetes=control_plane.get("version", "v1.36.2"),
        nodes=tuple(map(node_name, numbers)),
        node_addresses=tuple(map(node_address, numbers)),
        proxy_mode="nftables",
        proxy_min_sync_period_s=settings.proxy_min_sync_period_s,
        nginx=nginx_version() or "none",
        conntrack_max=int(_CONNTRACK_MAX.read_text()) if _CONNTRACK_MAX.exists() else None,
    )


async def _ready(
    process: anyio.abc.Process, lines: AsyncIterator[dict[str, Any]], settings: Settings
) -> dict[str, Any]:
    assert process.stdin is not None
    message: dict[str, Any] | None = None
    with anyio.move_on_after(START_TIMEOUT_S):
        with suppress(anyio.BrokenResourceError):  # it ended before it read: its stderr says why
            await process.stdin.send(settings.to_json().encode() + b"\n")
        message = await anext(lines, {})
    return ready_or_why(message, await _stderr(process) if message == {} else ())


async def _lines(process: anyio.abc.Process) -> AsyncIterator[dict[str, Any]]:
    assert process.stdout is not None
    torn = b""
    async for chunk in process.stdout:
        *lines, torn = (torn + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"{"):  # the supervisor's word, and no other's who had its standard output
                yield json.loads(line)


async def _stderr(process: anyio.abc.Process) -> list[str]:
    assert process.stderr is not None
    text = b"".join([chunk async for chunk in process.stderr])
    return text.decode(errors="replace").splitlines()[-12:]


async def _end(process: anyio.abc.Process) -> None:
    """Closes the pipe that keeps the sandbox alive; what does not end by that is killed."""
    assert process.stdin is not None
    await process.stdin.aclose()
    with anyio.move_on_after(END_TIMEOUT_S):
        await process.wait()
    if process.returncode is None:
        process.kill()
        await process.wait()
    await process.aclose()


def _died(told: dict[str, Any], returncode: int | None) -> ComponentDied:
    if not told:
        how = f"was killed by signal {-returncode}" if returncode and returncode < 0 else f"ended with {returncode}"
        told = {"component": "supervisor", "how": how, "stderr": []}
    return ComponentDied("keep the sandbox running", sentence(told), "Start it again.")
