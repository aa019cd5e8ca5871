"""A server of fixtures/servers -> what it does at its stop signal, seen from its own clients.

    python -m scripts.servers.stop NAME

It runs the server as PID 1 of a PID namespace, as a container's first process, in a network of its own; has clients in
every state in which a connection can be; sends the signal; and prints one JSON object. Needs root.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.sandbox.kubelet.runtime_spec import DEFAULT_PATH
from harness.sandbox.kubelet.spawn import Child, spawn
from harness.sandbox.netns import node_address
from scripts.servers.client import Client
from scripts.servers.rollouts import server_experiment

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from harness.model.cluster_settings import SandboxImage

GRACE_S = 30.0  # terminationGracePeriodSeconds, as it is where nobody says otherwise
_UP_S, _LOOK_S, _UNDER_WAY_S = 40.0, 0.01, 0.15
_ASKED_LATE_S = 1.0
_BACKEND = (node_address(1), 30050)  # fixtures/servers/backend.yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of a connection, so long after the signal.

    `answered`, or with which status; `eof`, `reset`, `refused`; `open` to the end, `closed before` it was asked, and
    `not kept` where none is kept alive.
    """

    what: str
    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """What a server did. `first_process`: PID 1 of its container. `listener_closed_s`: None if it listened to its end.

    `work`: by path, what became of a request that was under way at the signal. `idle`: a kept connection without one.
    `asked_late`: a request on such a connection 1 s after the signal. `new`: a connection made just after the signal.
    `exit_code` is 137 where nothing but SIGKILL ended it.
    """

    server: str
    signal: str
    first_process: str
    listener_closed_s: float | None
    work: dict[str, Fate]
    idle: Fate
    asked_late: Fate
    new: Fate
    exit_s: float
    exit_code: int


async def observed(name: str, image: SandboxImage) -> Stop:
    """Start it, ask it, stop it."""
    environment = {"PATH": DEFAULT_PATH, "HOSTNAME": "pod", **image.env}
    words = [word.replace("{python}", sys.executable) for word in image.command]
    child = spawn(["env", "-i", *(f"{key}={value}" for key, value in environment.items()), *words])
    output = asyncio.create_task(_kept_output(child))
    try:
        await asyncio.wait_for(_up(child, output), _UP_S)
        return await _stopped(name, image.stop_signal, child)
    finally:
        with suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)
        await output
        child.close()


async def _kept_output(child: Child) -> bytes:
    return b"".join([chunk async for chunk in child.output()])


async def _up(child: Child, output: asyncio.Task[bytes]) -> None:
    while True:
        with suppress(OSError):
            client = await Client.connected()
            client.ask("/5ms")
            answer = await client.answer()
            client.close()
            if answer == "answered":
                return
        if output.done():
            raise SystemExit(f"it ended before it listened: {output.result().decode(errors='replace')[-2000:]}")
        await asyncio.sleep(_LOOK_S * 5)


async def _stopped(name: str, stop_signal: str, child: Child) -> Stop:
    first = _program(child.pid)
    clients = {place: await Client.connected() for place in ("idle", "late", "/250ms", "/5s")}
    for place in ("idle", "late"):
        clients[place].ask("/5ms")
        await clients[place].answered()
    clients["/5s"].ask("/5s")
    await asyncio.sleep(_UNDER_WAY_S / 2)
    clients["/250ms"].ask("/250ms")
    await asyncio.sleep(_UNDER_WAY_S / 2)
    os.kill(child.pid, signal.Signals[stop_signal])
    began = time.monotonic()
    ended = asyncio.create_task(_exit(child, began))
    work = {path: asyncio.create_task(_timed(clients[path].answer(), began)) for path in ("/250ms", "/5s")}
    idle = asyncio.create_task(_idle(clients["idle"], began))
    late = asyncio.create_task(_late(clients["late"], began))
    new = asyncio.create_task(_new(began))
    closed = await _listener_closed(began, ended)
    exit_s, code = await ended
    fates = {path: await _settled(task, began) for path, task in work.items()}
    return Stop(
        server=name,
        signal=stop_signal,
        first_process=first,
        listener_closed_s=closed,
        work=fates,
        idle=await _settled(idle, began),
        asked_late=await _settled(late, began),
        new=await _settled(new, began),
        exit_s=exit_s,
        exit_code=code,
    )


def _program(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


async def _exit(child: Child, began: float) -> tuple[float, int]:
    waiting = asyncio.create_task(child.wait())
    done, _ = await asyncio.wait([waiting], timeout=GRACE_S)
    if not done:
        os.kill(child.pid, signal.SIGKILL)
    code = await waiting
    return round(time.monotonic() - began, 3), code


async def _timed(answer: Coroutine[None, None, str], began: float) -> Fate:
    what = await answer
    return Fate(what=what, after_s=round(time.monotonic() - began, 3))


async def _idle(client: Client, began: float) -> Fate:
    """An idle connection; one that was closed already after its answer says that none is kept."""
    if client.closed:
        return Fate(what="not kept", after_s=0.0)
    return await _timed(client.drained(), began)


async def _settled(task: asyncio.Task[Fate], began: float) -> Fate:
    """What is not known a second after the server's end never comes."""
    done, _ = await asyncio.wait([task], timeout=1.0)
    if not done:
        task.cancel()
        return Fate(what="open", after_s=round(time.monotonic() - began, 3))
    return task.result()


async def _late(client: Client, began: float) -> Fate:
    """A request on a kept connection a while after the signal; a client that looks first finds a closed one."""
    closing = asyncio.create_task(client.first_byte())
    done, _ = await asyncio.wait([closing], timeout=_ASKED_LATE_S)
    if done:
        with suppress(ConnectionError):
            closing.result()
        return Fate(what="closed before", after_s=round(time.monotonic() - began, 3))
    client.ask("/5ms")
    try:
        what = "answered" if await closing == b"H" else "eof"
    except ConnectionError:
        what = "reset"
    return Fate(what=what, after_s=round(time.monotonic() - began, 3))


async def _new(began: float) -> Fate:
    await asyncio.sleep(0.1)
    try:
        client = await Client.connected()
    except OSError:
        return Fate(what="refused", after_s=round(time.monotonic() - began, 3))
    client.ask("/5ms")
    return await _timed(client.answer(), began)


async def _listener_closed(began: float, ended: asyncio.Task[tuple[float, int]]) -> float | None:
    """By the kernel's table of sockets: a connection that asked would itself keep a server from its end."""
    while not ended.done():
        if not _listens():
            return round(time.monotonic() - began, 3)
        await asyncio.sleep(_LOOK_S)
    return None


def _listens() -> bool:
    tables = (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6"))
    return any(
        line.split()[1].endswith(":1F90") and line.split()[3] == "0A"
        for table in tables
        for line in table.read_text().splitlines()[1:]
    )


def _apart() -> None:
    """A network and a /var/log of this process' own; everything in them ends with it."""
    for command in (
        ["ip", "link", "set", "lo", "up"],
        ["ip", "address", "add", f"{_BACKEND[0]}/32", "dev", "lo"],
        ["mount", "-t", "tmpfs", "none", "/var/log"],
    ):
        subprocess.run(command, check=True, timeout=10)
    Path("/var/log/app").mkdir(mode=0o777)
    Path("/var/log/app").chmod(0o777)


def stop_of(name: str) -> dict[str, object]:
    """What the server does at its stop signal, from a process of its own.

    Raises:
        RuntimeError: it could not be started.
    """
    unshare = shutil.which("unshare") or "unshare"
    command = [
        unshare,
        "--net",
        "--mount",
        "--propagation",
        "private",
        sys.executable,
        "-m",
        "scripts.servers.stop",
        name,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"stopping {name}: {done.stderr.strip()[-2000:]}")
    found: dict[str, object] = json.loads(done.stdout)
    return found


def main(arguments: list[str]) -> int:
    """The process' entry, inside its own namespaces."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    name = parser.parse_args(arguments).name
    experiment = server_experiment(name)
    _apart()
    backend = None
    if "backend:1" in experiment.images:
        command = list(experiment.images["backend:1"].command)
        backend = subprocess.Popen(command, env={"PORT": str(_BACKEND[1]), "PATH": DEFAULT_PATH})
    try:
        found = asyncio.run(observed(name, experiment.images["server"]))
    finally:
        if backend is not None:
            backend.kill()
            backend.wait()
    print(json.dumps(asdict(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
