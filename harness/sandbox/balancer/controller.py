"""A state directory -> the load balancer of one sandbox: its controller, its health checks, its kernel's rules.

    python -m harness.sandbox.balancer.controller --state DIR      (inside the balancer's network namespace)

Writes one line of JSON to standard output when it is up: `{"ready": {}}`. With `truth` it appends to that file,
whenever new connections begin to go elsewhere, a line of kind `balancer`: since when, and to which targets.
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
from harness.sandbox.balancer.fronts import Front, fronts, is_served, obstacle, served_as, slices_of
from harness.sandbox.balancer.network import ADDRESSES, rules
from harness.sandbox.balancer.settings import Targets
from harness.sandbox.balancer.targets import TargetGroup
from harness.sandbox.controllers.eventrecorder import EventRecorder
from harness.sandbox.gates.conditions import Health
from harness.sandbox.gates.keeper import AGENTS, GateKeeper
from harness.sandbox.kubeproxy import RulesRefused
from harness.sandbox.settings import Settings

if TYPE_CHECKING:
    import anyio.abc

    from harness.sandbox.balancer.settings import BalancerSettings, Check
    from harness.sandbox.balancer.targets import Key

Place = tuple[str, str, int]
"""Address, protocol and port of a front."""


class LoadBalancer:
    """Keeps the rules of its namespace in step with the API, as late as it is set to be."""

    def __init__(
        self,
        client: ApiClient,
        settings: BalancerSettings,
        truth: Path | None = None,
        gates: GateKeeper | None = None,
    ) -> None:
        self._client, self._settings, self._truth, self._gates = client, settings, truth, gates
        self._random = random.Random(settings.seed)
        self._recorder = EventRecorder(client, "service-controller")
        self._services = client.informer("/api/v1/services")
        self._slices = client.informer("/apis/discovery.k8s.io/v1/endpointslices")
        self._nodes = client.informer("/api/v1/nodes")
        self._listed: set[Informer] = set()
        self._changed = anyio.Event()
        self._addresses: dict[str, str] = {}
        self._provisioned: dict[str, float] = {}
        self._groups: dict[Place, TargetGroup] = {}
        self._fronts: dict[Place, Front] = {}
        self._served: dict[Place, BalancerSettings] = {}
        self._told: set[tuple[str, str]] = set()
        self._rules = ""
        self.synced = anyio.Event()

    async def run(self) -> None:
        """Watches, checks and programs for ever."""
        async with anyio.create_task_group() as tasks:
            watched = (self._services, self._slices, self._nodes, *([self._gates.pods] if self._gates else ()))
            for informer in watched:
                tasks.start_soon(self._watch, informer)
            tasks.start_soon(self._recorder.run)
            while True:
                now = anyio.current_time()
                due = min([math.inf, *(group.next_due(now) for group in self._groups.values())])
                due = min([due, *(moment for moment in self._provisioned.values() if moment > now)])
                due = min(due, self._gates.next_due() if self._gates else math.inf)
                with anyio.CancelScope(deadline=due):
                    await self._changed.wait()
                if len(self._listed) == len(watched):
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
        for service in list(self._services.objects.values()):
            if self._provisioned.get(service["metadata"]["uid"], math.inf) <= now:
                await self._tell_address(service)
        self.synced.set()

    def _reconcile(self, now: float) -> None:
        wanted: dict[Place, Front] = {}
        self._served = {}
        for service in self._services.objects.values():
            if not is_served(service, self._settings):
                continue
            settings = served_as(service, self._settings)
            if said := obstacle(service, settings):
                self._complain(service, said)
                continue
            slices = slices_of(service, self._slices.objects.values())
            by_pod = self._gates is not None and settings.targets is Targets.PODS
            admitted = self._gates.look(service, slices, now) if self._gates and by_pod else frozenset()
            for front in fronts(service, slices, self._nodes.objects.values(), settings, admitted):
                place = (self._address(front.uid, now), front.protocol, front.port)
                wanted[place], self._served[place] = front, settings
        for place in self._groups.keys() - wanted.keys():
            del self._groups[place]
        for place, front in wanted.items():
            if place not in self._groups:
                self._groups[place] = TargetGroup(self._served[place], self._check_of(place, front), self._random)
            self._groups[place].want(front.targets, now)
        self._fronts = wanted

    def _address(self, uid: str, now: float) -> str:
        if uid not in self._addresses:
            self._addresses[uid] = str(ADDRESSES[len(self._addresses) + 1])
            self._provisioned[uid] = now + self._settings.provisioning.drawn(self._random)
        return self._addresses[uid]

    def _check_of(self, place: Place, front: Front) -> Check | None:
        settings = self._served[place]
        by_node = front.health_check_port and settings.targets is Targets.NODES
        return settings.local_check if by_node else settings.check

    async def _check(self, place: Place, key: Key) -> None:
        front = self._fronts.get(place)
        check = None if front is None else self._check_of(place, front)
        if front is None or check is None or place not in self._groups:
            return
        port = key[1] if check.port is None else (check.port or front.health_check_port)
        passed = await passes(check, key[0], port)
        if place in self._groups:
            self._groups[place].checked(key, passed, anyio.current_time())
            self._changed.set()

    async def _keep_gates(self, gates: GateKeeper, now: float) -> None:
        served = {each["metadata"]["uid"]: each for each in self._services.objects.values()}
        served = {uid: each for uid, each in served.items() if is_served(each, self._settings)}
        types = {Targets.PODS: "ip", Targets.NODES: "instance"}
        bound = {uid: (each, types[served_as(each, self._settings).targets]) for uid, each in served.items()}
        await gates.bind(bound, lambda: self._settings.controller.drawn(self._random), now)
        for uid, (service, type_) in bound.items():
            if type_ == "ip":
                groups = {front.port: self._groups[place] for place, front in self._fronts.items() if front.uid == uid}
                slices = slices_of(service, self._slices.objects.values())
                await gates.tell(service, slices, partial(_health, groups, now), now)

    async def _program(self, now: float) -> None:
        serving = {place: group.serving(now) for place, group in self._groups.items()}
        text = rules(serving)
        if text == self._rules:
            return
        since_ns = time.monotonic_ns()
        done = await anyio.run_process(["nft", "-f", "-"], input=text.encode(), check=False)
        if done.returncode != 0:
            raise RulesRefused(done.stderr.decode(errors="replace").strip())
        self._rules = text
        if self._truth is not None:
            self._record(since_ns, serving)

    def _record(self, since_ns: int, serving: dict[Place, tuple[Key, ...]]) -> None:
        times = {"start_ns": since_ns, "end_ns": time.monotonic_ns()}
        to = {f"{a}:{port}": [f"{to}:{number}" for to, number in keys] for (a, _, port), keys in serving.items()}
        assert self._truth is not None
        with self._truth.open("a") as file:
            file.write(json.dumps({"kind": "balancer", **times, "fronts": to}) + "\n")

    async def _tell_address(self, service: dict[str, Any]) -> None:
        metadata, address = service["metadata"], self._addresses[service["metadata"]["uid"]]
        entry = {"ip": address, "ipMode": "VIP" if self._settings.vip else "Proxy"}
        del self._provisioned[metadata["uid"]]
        path = f"/api/v1/namespaces/{metadata['namespace']}/services/{metadata['name']}/status"
        try:
            await self._client.patch(path, {"status": {"loadBalancer": {"ingress": [entry]}}})
        except ApiError as error:
            if error.status != 404:  # it has gone meanwhile
                raise
            return
        self._recorder.normal(service, "EnsuredLoadBalancer", "Ensured load balancer")

    def _complain(self, service: dict[str, Any], said: str) -> None:
        if (known := (service["metadata"]["uid"], said)) not in self._told:
            self._told.add(known)
            self._recorder.warning(service, "SyncLoadBalancerFailed", f"Error syncing load balancer: {said}")


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
        balancer = LoadBalancer(client, settings.balancer, settings.truth, gates)
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
