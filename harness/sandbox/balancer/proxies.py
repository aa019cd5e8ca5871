"""To which targets requests go -> one HAProxy an address, told so over its runtime API: the data plane of layer 7."""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from harness.sandbox.balancer import haproxy
from harness.sandbox.balancer.haproxy import Proxy
from harness.sandbox.balancer.network import SILENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.sandbox.balancer.ingresses import Rule
    from harness.sandbox.balancer.settings import Http
    from harness.sandbox.balancer.targets import Key, Place, Sending

_UP_WITHIN_S = 5.0
_LOOK_S = 0.01
_AGAIN_S = 1.0
_ANSWER_BYTES = 65536


class ProxyFailed(Exception):
    """HAProxy did not come up, or refused a command."""


@dataclass(slots=True, kw_only=True)
class Server:
    """A target as HAProxy has it. `cut_at`: when what is still open to it ends; infinite while it is registered."""

    ready: bool = True
    cut_at: float = math.inf


@dataclass(slots=True, kw_only=True)
class Running:
    """A HAProxy and its servers, by backend."""

    proxy: Proxy
    process: subprocess.Popen[bytes]
    servers: dict[str, dict[Key, Server]] = field(default_factory=dict)


class Proxies:
    """A HAProxy for each address. A change of rules starts another in its place; the old one ends with its requests.

    `truth`: where its own log goes, a line of JSON a request. `directory`: of sockets and configurations.
    """

    def __init__(self, http: Http, directory: Path, truth: Path | None) -> None:
        self._http, self._directory, self._truth = http, directory, truth
        self._running: dict[str, Running] = {}
        self._started = 0

    async def apply(self, sending: dict[Place, Sending], routes: dict[str, tuple[Rule, ...]], now: float) -> bool:
        """Make it so; whether anything changed. `routes`: the rules of each address."""
        changed = False
        for address in self._running.keys() - routes.keys():
            self._running.pop(address).process.terminate()
            changed = True
        for address, rules in routes.items():
            mine = {place[1]: each for place, each in sending.items() if place[0] == address}
            running = self._running.get(address)
            if running is None or running.proxy.rules != rules:
                self._running[address] = await self._start(address, rules, mine, running)
                changed = True
            elif commands := list(self._commands(running, mine, now)):
                answer = await _told(running.proxy.admin, commands)
                if trouble := _refused(answer):
                    raise ProxyFailed(f"{'; '.join(commands)}: {trouble}")
                changed = True
            await self._cut(self._running[address], now)
        return changed

    def next_due(self, now: float) -> float:
        """When the next draining target is cut; infinite where none is."""
        moments = [
            server.cut_at
            for running in self._running.values()
            for known in running.servers.values()
            for server in known.values()
        ]
        return min((moment for moment in moments if moment > now), default=math.inf)

    def _commands(self, running: Running, mine: dict[str, Sending], now: float) -> Iterable[str]:
        for backend, sending in mine.items():
            known = running.servers.setdefault(backend, {})
            for key in sending.serving:
                if key not in known:
                    known[key] = Server()
                    yield haproxy.added(backend, key, self._http)
                elif not known[key].ready:
                    known[key] = Server()
                    yield haproxy.state(backend, key, "ready")
            for key in known.keys() - set(sending.serving):
                if known[key].ready:
                    known[key].ready = False
                    yield haproxy.state(backend, key, "drain")
                if key not in sending.registered and known[key].cut_at == math.inf:
                    known[key].cut_at = now + self._http.draining_s

    async def _cut(self, running: Running, now: float) -> None:
        for backend, known in running.servers.items():
            for key in [key for key, server in known.items() if server.cut_at <= now]:
                answer = await _told(running.proxy.admin, [haproxy.cut(backend, key)])
                if "Server deleted" in answer:
                    del known[key]
                else:  # its connections take a moment to end
                    known[key].cut_at = now + _AGAIN_S

    async def _start(
        self, address: str, rules: tuple[Rule, ...], mine: dict[str, Sending], before: Running | None
    ) -> Running:
        self._started += 1
        proxy = Proxy(address=address, rules=rules, directory=self._directory / str(self._started))
        proxy.directory.mkdir(parents=True)
        for name, text in haproxy.error_files(self._http).items():
            (proxy.directory / name).write_text(text)
        serving = {backend: sending.serving for backend, sending in mine.items()}
        path = proxy.directory / "haproxy.cfg"
        path.write_text(haproxy.configuration(proxy, self._http, serving))
        await anyio.run_process(["ip", "addr", "replace", f"{address}/32", "dev", "lo"])
        await anyio.run_process(["nft", "-f", "-"], input=SILENT.encode())
        command = ["haproxy", "-db", "-f", str(path)]
        if before is not None:
            command += ["-sf", str(before.process.pid)]
        running = Running(proxy=proxy, process=self._process(command, proxy))
        running.servers = {backend: {key: Server() for key in keys} for backend, keys in serving.items()}
        await _up(running)
        return running

    def _process(self, command: list[str], proxy: Proxy) -> subprocess.Popen[bytes]:
        """HAProxy, whose log goes to the truth or nowhere: this process' own output is where readiness is told."""
        log_path = Path(os.devnull) if self._truth is None else _log_beside(self._truth, proxy)
        with (proxy.directory / "stderr").open("wb") as stderr, log_path.open("ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=stderr)
        _hurry(process.pid)
        return process


def _log_beside(truth: Path, proxy: Proxy) -> Path:
    """A file of its own: HAProxy takes O_APPEND away from what it logs to, and would write over what others append."""
    return truth.with_name(f"{truth.stem}-haproxy-{proxy.directory.name}.jsonl")


def _hurry(pid: int) -> None:
    """Let HAProxy run before all else that this machine does, where that is allowed: a cloud's balancer is elsewhere.

    It takes a hundredth of a processor, and each request makes it wait for one some six times.
    """
    with contextlib.suppress(OSError):
        os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(1))


async def _up(running: Running) -> None:
    with anyio.move_on_after(_UP_WITHIN_S):
        while running.process.poll() is None:
            if running.proxy.admin.exists():
                return
            await anyio.sleep(_LOOK_S)
    said = (running.proxy.directory / "stderr").read_text(errors="replace").strip()
    raise ProxyFailed(f"HAProxy did not come up at {running.proxy.address}: {said or 'it said nothing'}")


async def _told(socket: Path, commands: Iterable[str]) -> str:
    """What HAProxy answers to commands of its runtime API."""
    async with await anyio.connect_unix(socket) as stream:
        await stream.send("; ".join(commands).encode() + b"\n")
        answer = b""
        while True:
            try:
                answer += await stream.receive(_ANSWER_BYTES)
            except anyio.EndOfStream:
                return answer.decode(errors="replace")


def _refused(answer: str) -> str:
    """What a refusal says; a command that was done says nothing, or that a server is registered."""
    lines = (line.strip() for line in answer.splitlines())
    return "; ".join(line for line in lines if line and line != "New server registered.")
