"""Services and EndpointSlices of the API -> rules in the node's kernel, at the times at which a kube-proxy does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from harness.sandbox.apiclient import ApiClient, ChangeType, Informer
from harness.sandbox.netns import node_address, node_number
from harness.sandbox.nodehealth import NodeHealth
from harness.sandbox.proxyrules import ServicePort, affinity_sets, ruleset, service_ports, sync_due

if TYPE_CHECKING:
    from collections.abc import Callable


class RulesRefused(Exception):
    """nft refused a ruleset; the text is what it said."""


@dataclass(frozen=True, slots=True)
class ProxySync:
    """Rules for `ports` were put in place between the two monotonic times."""

    start_ns: int
    end_ns: int
    ports: tuple[ServicePort, ...]


class KubeProxy:
    """Keeps one node's rules in step with the API, with a cool-down between two syncs; `on_sync` hears of each."""

    def __init__(
        self, client: ApiClient, node: str, min_sync_period_s: float, on_sync: Callable[[ProxySync], None] | None = None
    ) -> None:
        self._node, self._min_sync_period_s, self._on_sync = node, min_sync_period_s, on_sync
        self._services = client.informer("/api/v1/services")
        self._slices = client.informer("/apis/discovery.k8s.io/v1/endpointslices")
        self._listed: set[Informer] = set()
        self._ports: tuple[ServicePort, ...] | None = None
        self._changed = anyio.Event()
        self._last_ended: float | None = None
        self._affinities: frozenset[str] = frozenset()
        self._rules = ""
        self._health = NodeHealth(node, node_address(node_number(node)))
        self.synced = anyio.Event()

    async def run(self) -> None:
        """Watches and syncs for ever."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._watch, self._services)
            group.start_soon(self._watch, self._slices)
            while True:
                await self._changed.wait()
                now = anyio.current_time()
                await anyio.sleep_until(sync_due(now, self._last_ended, self._min_sync_period_s))
                self._changed = anyio.Event()
                await self._sync(self._ports or ())

    async def _watch(self, informer: Informer) -> None:
        async for change in informer:
            if change.type is ChangeType.SYNCED:
                self._listed.add(informer)
            if len(self._listed) == 2:
                ports = service_ports(self._services.objects.values(), self._slices.objects.values())
                if ports != self._ports:
                    self._ports = ports
                    self._changed.set()

    async def _sync(self, ports: tuple[ServicePort, ...]) -> None:
        start_ns = time.monotonic_ns()
        address = node_address(node_number(self._node))
        rules = ruleset(ports, self._node, address, gone=self._affinities)
        await self._write(rules)
        end_ns = time.monotonic_ns()
        self._last_ended = anyio.current_time()
        self._affinities = affinity_sets(ports, self._node, address)
        await self._health.sync(ports)
        self.synced.set()
        if self._on_sync is not None:
            self._on_sync(ProxySync(start_ns, end_ns, ports))

    async def _write(self, rules: str) -> None:
        """What the kernel has already is not written again, as kube-proxy leaves alone what did not change: a packet
        that is being routed as the rules are exchanged may find the old map empty, and is rejected."""
        if rules == self._rules:
            return
        done = await anyio.run_process(["nft", "-f", "-"], input=rules.encode(), check=False)
        if done.returncode != 0:
            raise RulesRefused(done.stderr.decode(errors="replace").strip())
        self._rules = rules
