"""What the sandbox costs: `python bench/sandbox_bench.py [--pods 50] [--seconds 6]`, each figure beside the one wanted.

Ready: from nothing to a sandbox that answers. Create: objects at 100/s over HTTPS, as a client of another program sends
them, counted from the moment each was due. Rollout: 50 pods of real nginx rolled with maxSurge 25 % while five clients
watch, one of which never reads. Memory: proportional set size, so that what processes share counts once. The bench runs
on the same cores: how late its own timers were says how busy they are.
"""

from __future__ import annotations

import argparse
import socket
import ssl
import statistics
import time
from base64 import b64decode
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from harness.sandbox.apiclient import ApiClient, PatchType
from harness.sandbox.embedded import Sandbox
from harness.sandbox.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

Object = dict[str, Any]

STARTS, PER_S, READERS = 3, 100, 4
READY_S, CREATE_P99_MS, ROLLOUT_S, SPREAD_P99_MS = 2.0, 10.0, 15.0, 50.0
IDLE_MB, UNREAD_MB = 120.0, 25.0
PODS = "/api/v1/namespaces/default/pods"
MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


class Watcher:
    """A client that reads: when it got which version of a pod."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self.seen: dict[str, float] = {}

    async def run(self) -> None:
        """Watches until it is cancelled."""
        async for kind, obj in self._client.watch(PODS, {"resourceVersion": "0"}):
            self.seen[f"{kind} {obj['metadata']['resourceVersion']}"] = time.monotonic()


def tell(what: str, seen: str, wanted: str = "") -> None:
    """One line of the table."""
    print(f"{what:<58}{seen:>14}   {wanted}", flush=True)


def quantile(values: list[float], share: float) -> float:
    """The value below which `share` of them lie."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def below(pid: int) -> list[int]:
    """`pid` and every process below it."""
    found, left = [], [pid]
    while left:
        current = left.pop()
        with suppress(OSError):
            left += [int(n) for n in Path(f"/proc/{current}/task/{current}/children").read_text().split()]
            found.append(current)
    return found


def megabytes(pid: int, part: str = "") -> float:
    """The proportional set size of the sandbox's processes whose command line contains `part`."""
    total = 0
    for one in below(pid):
        with suppress(OSError):
            if part in Path(f"/proc/{one}/cmdline").read_text().replace("\0", " "):
                lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
                total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def way_in(sandbox: Sandbox) -> tuple[str, str, str]:
    """URL, token and authority of the API server."""
    cluster, user = sandbox.kubeconfig["clusters"][0]["cluster"], sandbox.kubeconfig["users"][0]["user"]
    return cluster["server"], user["token"], b64decode(cluster["certificate-authority-data"]).decode()


@contextmanager
def never_reading(sandbox: Sandbox) -> Iterator[None]:
    """A client that asks to watch all pods and then does not read a byte."""
    url, token, ca = way_in(sandbox)
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.connect(("127.0.0.1", int(url.rpartition(":")[2])))
    with ssl.create_default_context(cadata=ca).wrap_socket(plain, server_hostname="127.0.0.1") as lazy:
        request = f"GET {PODS}?watch=true HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {token}\r\n\r\n"
        lazy.sendall(request.encode())
        yield


def deployment(pods: int) -> Object:
    """nginx with a readiness probe, rolled a quarter at a time."""
    probe = {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1}
    spec = {"containers": [{"name": "nginx", "image": "nginx:1.28.0", "readinessProbe": probe}]}
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}}
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": spec}
    return {
        "metadata": {"name": "web"},
        "spec": {"replicas": pods, "selector": {"matchLabels": labels}, "strategy": strategy, "template": template},
    }


async def rolled_out(client: ApiClient) -> None:
    """Returns when every pod is of the newest revision and available, and the others are no longer counted."""
    informer = client.informer(DEPLOYMENTS)
    with anyio.fail_after(120):
        async for _ in informer:
            for obj in informer.objects.values():
                status, wanted = obj.get("status", {}), obj["spec"]["replicas"]
                counts = {status.get(key) for key in ("replicas", "updatedReplicas", "availableReplicas")}
                if status.get("observedGeneration") == obj["metadata"]["generation"] and counts == {wanted}:
                    return


async def bench_ready() -> None:
    """How long a start takes."""
    times = []
    for _ in range(STARTS):
        began = time.monotonic()
        async with Sandbox.start(Settings()):
            times.append(time.monotonic() - began)
    tell(f"ready, median of {STARTS} starts", f"{statistics.median(times):.2f} s", f"under {READY_S:.0f} s")


async def bench_create(client: ApiClient, seconds: float) -> None:
    """How long creates take at a steady rate, open loop."""
    late_ms: list[float] = []
    own_ms: list[float] = []
    start = anyio.current_time() + 0.2

    async def one(number: int, due: float) -> None:
        own_ms.append(1000 * (anyio.current_time() - due))
        body = {"metadata": {"name": f"bench-{number}"}, "data": {"text": "x" * 1000}}
        await client.create(MAPS, body)
        late_ms.append(1000 * (anyio.current_time() - due))

    async with anyio.create_task_group() as group:
        for number in range(int(seconds * PER_S)):
            due = start + number / PER_S
            await anyio.sleep_until(due)
            group.start_soon(one, number, due)
    tell(f"create at {PER_S}/s over HTTPS, p50 of {len(late_ms)}", f"{quantile(late_ms, 0.5):.1f} ms")
    tell("  p99", f"{quantile(late_ms, 0.99):.1f} ms", f"under {CREATE_P99_MS:.0f} ms")
    tell("  of which the bench's own timers were late, p99", f"{quantile(own_ms, 0.99):.1f} ms")


async def bench_rollout(sandbox: Sandbox, client: ApiClient, pods: int) -> None:
    """How long a big rollout takes while others watch, one of them badly."""
    watchers = [Watcher(client) for _ in range(READERS)]
    with never_reading(sandbox):
        async with anyio.create_task_group() as group:
            for watcher in watchers:
                group.start_soon(watcher.run)
            began = time.monotonic()
            await client.create(DEPLOYMENTS, deployment(pods))
            await rolled_out(client)
            tell(f"{pods} pods from nothing to available", f"{time.monotonic() - began:.1f} s")
            before = megabytes(sandbox.pid, "sandbox.controlplane")
            began = time.monotonic()
            image = {"spec": {"containers": [{"name": "nginx", "image": "nginx:1.29.1"}]}}
            await client.patch(f"{DEPLOYMENTS}/web", {"spec": {"template": image}}, PatchType.STRATEGIC)
            await rolled_out(client)
            took = time.monotonic() - began
            grown = megabytes(sandbox.pid, "sandbox.controlplane") - before
            group.cancel_scope.cancel()
    tell(f"{pods} pods rolled, maxSurge 25 %, five clients watching", f"{took:.1f} s", f"under {ROLLOUT_S:.0f} s")
    everywhere = set.intersection(*(set(watcher.seen) for watcher in watchers))
    spread = [1000 * (max(at) - min(at)) for key in everywhere for at in [[w.seen[key] for w in watchers]]]
    most = max(len(watcher.seen) for watcher in watchers)
    tell("  events that all four readers got", f"{len(everywhere)} of {most}", "all, but those under way at the end")
    tell(
        "  last reader after the first, p99",
        f"{quantile(spread, 0.99):.1f} ms",
        f"under {SPREAD_P99_MS:.0f} ms: no stall",
    )
    tell("  control plane grew by, with one client that never reads", f"{grown:.1f} MB", f"under {UNREAD_MB:.0f} MB")


async def bench(pods: int, seconds: float) -> None:
    """Everything, one after the other."""
    await bench_ready()
    async with Sandbox.start(Settings()) as sandbox:
        url, token, ca = way_in(sandbox)
        async with ApiClient(url=url, token=token, ca=ca) as client:
            tell("memory of an empty sandbox", f"{megabytes(sandbox.pid):.0f} MB", f"under {IDLE_MB:.0f} MB")
            await bench_create(client, seconds)
            await bench_rollout(sandbox, client, pods)
            parts = {"control plane": "sandbox.controlplane", "node": "sandbox.node", f"{pods} pods": "nginx"}
            sizes = ", ".join(f"{name} {megabytes(sandbox.pid, part):.0f}" for name, part in parts.items())
            tell("memory after all that", f"{megabytes(sandbox.pid):.0f} MB", f"of which {sizes} MB")


def main() -> None:
    """The command line."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--pods", type=int, default=50)
    arguments.add_argument("--seconds", type=float, default=6.0, help="of creating objects")
    asked = arguments.parse_args()
    tell("", "seen", "wanted")
    anyio.run(bench, asked.pods, asked.seconds)


if __name__ == "__main__":
    main()
