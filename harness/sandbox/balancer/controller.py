"""A state directory -> the load balancer of one sandbox: its controller, its health checks, its data plane.

    python -m harness.sandbox.balancer.controller --state DIR      (inside the balancer's network namespace)

Writes one line of JSON to standard output when it is up: `{"ready": {}}`. With `truth` it appends to that file,
whenever new connections or requests begin to go elsewhere, a line of kind `balancer`: since when, and to which targets,
and how late this process and the slowest passed health check had made it since the line before.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from harness.sandbox.apiclient import ApiClient, ApiError, ChangeType, Informer
from harness.sandbox.balancer.checks import passes
from harness.sandbox.balancer.fronts import slices_of
from harness.sandbox.balancer.kernel import Kernel
from harness.sandbox.balancer.network import ADDRESSES
from harness.sandbox.balancer.owners import Ingresses, Services
from harness.sandbox.balancer.proxies import Proxies
from harness.sandbox.balancer.settings import Targets
from harness.sandbox.balancer.targets import TargetGroup
from harness.sandbox.controllers.eventrecorder import EventRecorder
from harness.sandbox.gates.conditions import Health
from harness.sandbox.gates.keeper import AGENTS, GateKeeper
from harness.sandbox.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    import anyio.abc

    from harness.sandbox.balancer.fronts import Front
    from harness.sandbox.balancer.ingresses import Rule
    from harness.sandbox.balancer.settings import BalancerSettings, Check
    from harness.sandbox.balancer.targets import Key, Place, Sending

Object = dict[str, Any]


class LoadBalancer:
    """Keeps its data plane in step with the API, as late as it is set to be."""

    def __init__(
        self,
        client: ApiClient,
        settings: BalancerSettings,
        directory: Path,
        truth: Path | None = None,
        gates: GateKeeper | None = None,
    ) -> None:
        self._client, self._settings, self._truth, self._gates = client, settings, truth, gates
        self._random = random.Random(settings.seed)
        http = settings.http
        self._owners = Services(settings) if http is None else Ingresses(settings)
        self._plane = Kernel() if http is None else Proxies(http, directory, truth)
        self._recorder = EventRecorder(client, self._owners.component)
        self._services = client.informer("/api/v1/services")
        self._slices = client.informer("/apis/discovery.k8s.io/v1/endpointslices")
        self._nodes = client.informer("/api/v1/nodes")
        self._owning = self._services if http is None else client.informer(self._owners.path)
        self._listed: set[Informer] = set()
        self._changed = anyio.Event()
        self._addresses: dict[str, str] = {}
        self._provisioned: dict[str, float] = {}
        self._groups: dict[Place, TargetGroup] = {}
        self._fronts: dict[Place, Front] = {}
        self._served: dict[Place, tuple[BalancerSettings, Check | None]] = {}
        self._rules: dict[str, tuple[Rule, ...]] = {}
        self._late_s = self._check_s = 0.0
        self._told: set[tuple[str, str]] = set()
        self.synced = anyio.Event()

    @property
    def services(self) -> Iterable[Object]:
        """Those that the watch has shown."""
        return tuple(self._services.objects.values())

    @property
    def slices(self) -> Iterable[Object]:
        """Those that the watch has shown."""
        return tuple(self._slices.objects.values())

    @property
    def nodes(self) -> Iterable[Object]:
        """Those that the watch has shown."""
        return tuple(self._nodes.objects.values())

    async def run(self) -> None:
        """Watches, checks and programs for ever."""
        informers = {
            self._services,
            self._slices,
            self._nodes,
            self._owning,
            *([self._gates.pods] if self._gates else ()),
        }
        async with anyio.create_task_group() as tasks:
            for informer in informers:
                tasks.start_soon(self._watch, informer)
            tasks.start_soon(self._recorder.run)
            while True:
                now = anyio.current_time()
                due = min([self._plane.next_due(now), *(group.next_due(now) for group in self._groups.values())])
                due = min([due, *(moment for moment in self._provisioned.values() if moment > now)])
                due = min(due, self._gates.next_due() if self._gates else math.inf)
                with anyio.CancelScope(deadline=due) as scope:
                    await self._changed.wait()
                if scope.cancelled_caught:
                    self._late_s = max(self._late_s, anyio.current_time() - due)
                if len(self._listed) == len(informers):
                    self._changed = anyio.Event()
                    await self._step(tasks)

    async def _watch(self, informer: Informer) -> None:
        async for change in informer:
            if change.type is ChangeType.SYNCED:
                self._listed.add(informer)
            self._changed.set()

    async def _step(self, tasks: anyio.abc.TaskGroup) -> None:
        now = anyio.current_time()
        self._reconcile(now)
        for place, group in self._groups.items():
            for key in group.due_checks(now):
                tasks.start_soon(self._check, place, key)
        await self._program(now)
        for group in self._groups.values():
            group.forget(now)
        if self._gates is not None:
            await self._keep_gates(self._gates, now)
        for owner in list(self._owning.objects.values()):
            if self._provisioned.get(owner["metadata"]["uid"], math.inf) <= now:
                await self._tell_address(owner)
        self.synced.set()

    def _reconcile(self, now: float) -> None:
        wanted: dict[Place, Front] = {}
        self._served, self._rules = {}, {}
        for owner in self._owning.objects.values():
            if not self._owners.is_served(owner):
                continue
            settings = self._owners.settings(owner)
            if said := self._owners.obstacle(owner, self):
                self._complain(owner, said)
                continue
            address = self._address(owner["metadata"]["uid"], now)
            found = self._owners.fronts(owner, address, self, self._admitted(owner, settings, now))
            self._served |= {place: (settings, self._owners.check(owner, front)) for place, front in found.items()}
            self._rules[address] = self._owners.rules(owner)
            wanted |= found
        for place in self._groups.keys() - wanted.keys():
            del self._groups[place]
        for place, front in wanted.items():
            if place not in self._groups:
                self._groups[place] = TargetGroup(*self._served[place], self._random)
            self._groups[place].want(front.targets, now)
        self._fronts = wanted

    def _address(self, uid: str, now: float) -> str:
        if uid not in self._addresses:
            self._addresses[uid] = str(ADDRESSES[len(self._addresses) + 1])
            self._provisioned[uid] = now + self._settings.provisioning.drawn(self._random)
        return self._addresses[uid]

    def _admitted(self, owner: Object, settings: BalancerSettings, now: float) -> frozenset[str]:
        """The pods that are targets although they are not ready, since a gate of theirs waits for that."""
        if self._gates is None or settings.targets is not Targets.PODS:
            return frozenset()
        return self._gates.look(owner, slices_of(owner, self._slices.objects.values()), now)

    async def _check(self, place: Place, key: Key) -> None:
        front, (_, check) = self._fronts.get(place), self._served.get(place, (None, None))
        if front is None or check is None or place not in self._groups:
            return
        port = key[1] if check.port is None else (check.port or front.health_check_port)
        begun = anyio.current_time()
        passed = await passes(check, key[0], port)
        if passed:
            self._check_s = max(self._check_s, anyio.current_time() - begun)
        if place in self._groups:
            self._groups[place].checked(key, passed, anyio.current_time())
            self._changed.set()

    async def _keep_gates(self, gates: GateKeeper, now: float) -> None:
        served = {each["metadata"]["uid"]: each for each in self._services.objects.values()}
        served = {uid: each for uid, each in served.items() if self._owners.is_served(each)}
        types = {Targets.PODS: "ip", Targets.NODES: "instance"}
        bound = {uid: (each, types[self._owners.settings(each).targets]) for uid, each in served.items()}
        await gates.bind(bound, lambda: self._settings.controller.drawn(self._random), now)
        for uid, (service, type_) in bound.items():
            if type_ == "ip":
                groups = {front.port: self._groups[place] for place, front in self._fronts.items() if front.uid == uid}
                slices = slices_of(service, self._slices.objects.values())
                await gates.tell(service, slices, partial(_health, groups, now), now)

    async def _program(self, now: float) -> None:
        sending = {place: group.sending(now) for place, group in self._groups.items()}
        since_ns = time.monotonic_ns()
        if await self._plane.apply(sending, self._rules, now) and self._truth is not None:
            self._record(self._truth, since_ns, sending)

    def _record(self, truth: Path, since_ns: int, sending: dict[Place, Sending]) -> None:
        times = {"start_ns": since_ns, "end_ns": time.monotonic_ns(), "wall_ns": time.time_ns()}
        times |= {"late_ns": round(self._late_s * 1e9), "check_ns": round(self._check_s * 1e9)}
        self._late_s = self._check_s = 0.0
        to = {
            f"{address}:{port}/{what}": [f"{host}:{number}" for host, number in each.serving]
            for (address, what, port), each in sending.items()
        }
        with truth.open("a") as file:
            file.write(json.dumps({"kind": "balancer", **times, "fronts": to}) + "\n")

    async def _tell_address(self, owner: Object) -> None:
        metadata, address = owner["metadata"], self._addresses[owner["metadata"]["uid"]]
        path, entry = self._owners.status(owner, address)
        del self._provisioned[metadata["uid"]]
        try:
            await self._client.patch(path, {"status": {"loadBalancer": {"ingress": [entry]}}})
        except ApiError as error:
            if error.status != 404:  # it has gone meanwhile
                raise
            return
        self._recorder.normal(owner, *self._owners.done)

    def _complain(self, owner: Object, said: str) -> None:
        if (known := (owner["metadata"]["uid"], said)) not in self._told:
            self._told.add(known)
            self._recorder.warning(owner, self._owners.event, f"{self._owners.said}{said}")


def _health(groups: dict[int, TargetGroup], now: float, port: dict[str, Any], key: Key) -> Health:
    group = groups.get(port["port"])
    return Health.REGISTERING if group is None else group.health(key, now)


async def run(state: Path) -> None:
    """Runs the load balancer for ever."""
    settings = Settings.from_json((state / "settings.json").read_text())
    assert settings.balancer is not None
    kept = settings.balancer.gates
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(ApiClient(state / "api.sock", agent="load-balancer"))
        gates = None
        if kept is not None:
            own = ApiClient(state / "api.sock", agent=AGENTS[kept.keeper])
            gates = GateKeeper(await stack.enter_async_context(own), kept)
        tasks = await stack.enter_async_context(anyio.create_task_group())
        balancer = LoadBalancer(client, settings.balancer, state / "balancer", settings.truth, gates)
        tasks.start_soon(balancer.run)
        await balancer.synced.wait()
        sys.stdout.write('{"ready": {}}\n')
        sys.stdout.flush()


def main() -> None:
    """The process' entry."""
    parser = argparse.ArgumentParser(description="The load balancer of one sandbox.")
    parser.add_argument("--state", type=Path, required=True, help="the sandbox's state directory")
    anyio.run(run, parser.parse_args().state)


if __name__ == "__main__":
    main()
