"""A running sandbox as tests see it: makes pods, waits for what they become, and says what it saw last in vain."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from harness.sandbox import running
from harness.sandbox.apiclient import ApiClient, ChangeType
from harness.sandbox.embedded import Sandbox
from harness.sandbox.images import Image
from harness.sandbox.supervisor import STATE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from harness.sandbox.settings import Settings

Object = dict[str, Any]
Maker = Callable[..., Object]
Found = TypeVar("Found")

# How long a test waits for what it expects: no measure of anything, only when it gives up. A busy machine is no fault.
GIVE_UP_S = 60.0

# A shell with sleep and cat: what a test needs of a container that is not nginx.
SHELL = Image(name="shell", command=("sleep", "600"))


class Cluster:
    """A running sandbox as a test sees it."""

    def __init__(self, sandbox: Sandbox, client: ApiClient) -> None:
        self.sandbox, self.client = sandbox, client

    def kept_waiting(self) -> Callable[[], float]:
        """Tells for how many seconds its processes and this one, all together, have waited for a processor since.

        The kernel counts that: on a machine at rest it is next to nothing, and on no other is anything later by more.
        """
        before = self._waited_ns()
        return lambda: sum(ns - before.get(task, 0) for task, ns in self._waited_ns().items()) / 1e9

    def _waited_ns(self) -> dict[Path, int]:
        own = [Path("/proc/self"), *(Path(f"/proc/{one.pid}") for one in running.processes() if self._has(one))]
        found = dict[Path, int]()
        for task in (task for process in own for task in process.glob("task/*")):
            with suppress(OSError, IndexError):  # it has ended, or the kernel does not count
                found[task] = int((task / "schedstat").read_text().split()[1])
        return found

    def _has(self, process: running.Process) -> bool:
        return process.mark is not None and process.mark.id == self.sandbox.mark.id

    async def create(self, obj: Object, namespace: str = "default") -> Object:
        """Creates an object of a kind that the tests use."""
        group = {"Deployment": "/apis/apps/v1", "EndpointSlice": "/apis/discovery.k8s.io/v1"}.get(
            obj["kind"], "/api/v1"
        )
        return await self.client.create(f"{group}/namespaces/{namespace}/{obj['kind'].lower()}s", obj)

    async def pod(self, name: str, holds: Callable[[Object], bool], timeout_s: float = GIVE_UP_S) -> Object:
        """The pod as soon as `holds` is true of it."""
        informer = self.client.informer("/api/v1/namespaces/default/pods", field_selector=f"metadata.name={name}")
        last: Object = {}
        with anyio.move_on_after(timeout_s):
            async for change in informer:
                if change.type is not ChangeType.SYNCED:
                    last = change.object
                    if change.type is not ChangeType.DELETED and holds(last):
                        return last
        raise AssertionError(
            f"pod {name}: not within {timeout_s} s; last seen: {json.dumps(last.get('status'), indent=1)}"
        )

    async def gone(self, name: str, timeout_s: float = GIVE_UP_S) -> Object:
        """Waits until the API no longer has the pod; returns its last state."""
        informer = self.client.informer("/api/v1/namespaces/default/pods", field_selector=f"metadata.name={name}")
        last: Object = {}
        with anyio.move_on_after(timeout_s):
            async for change in informer:
                if change.type is ChangeType.SYNCED and not informer.objects:
                    return last
                last = change.object or last
                if change.type is ChangeType.DELETED:
                    return last
        raise AssertionError(f"pod {name} still there after {timeout_s} s: {json.dumps(last.get('status'), indent=1)}")

    async def history(self, name: str) -> list[Object]:
        """Every state of the pod from now until it is gone."""
        seen: list[Object] = []
        informer = self.client.informer("/api/v1/namespaces/default/pods", field_selector=f"metadata.name={name}")
        with anyio.fail_after(GIVE_UP_S):
            async for change in informer:
                if change.type is ChangeType.SYNCED:
                    continue
                seen.append(change.object)
                if change.type is ChangeType.DELETED:
                    return seen
        return seen

    async def delete(self, name: str, grace_s: int | None = None) -> None:
        """Asks for the pod's end."""
        await self.client.delete(f"/api/v1/namespaces/default/pods/{name}", grace_s=grace_s)

    async def events(
        self, name: str, reason: str, timeout_s: float = GIVE_UP_S, *, saying: str = "", times: int = 1
    ) -> list[Object]:
        """The events about the pod with this reason, and these words in the message, once they came so many times."""
        informer = self.client.informer("/api/v1/namespaces/default/events")
        listed, mine = False, list[Object]()
        with anyio.move_on_after(timeout_s):
            async for change in informer:
                listed = listed or change.type is ChangeType.SYNCED
                mine = [e for e in informer.objects.values() if e["involvedObject"]["name"] == name]
                found = [e for e in mine if e["reason"] == reason and saying in e["message"]]
                if listed and sum(e.get("count") or 1 for e in found) >= times:
                    return found
        seen = [(e["reason"], e["message"]) for e in mine]
        raise AssertionError(f"no event {reason} about {name} within {timeout_s} s; there are: {seen}")

    async def logs(self, pod: str, container: str = "", **parameters: Any) -> str:
        """What a container of the pod has written."""
        session = self.client._session
        assert session is not None
        url = f"{self.client._url}/api/v1/namespaces/default/pods/{pod}/log"
        params = {key: str(value).lower() for key, value in {"container": container, **parameters}.items() if value}
        async with session.get(url, params=params) as response:
            text = await response.text()
            assert response.status == 200, text
            return text

    async def proxied(self, segment: str, path: str) -> tuple[int, str]:
        """What `pods/{segment}/proxy/{path}` is answered with: (status, body)."""
        session = self.client._session
        assert session is not None
        url = f"{self.client._url}/api/v1/namespaces/default/pods/{segment}/proxy/{path}"
        async with session.get(url) as response:
            return response.status, await response.text()

    async def log_lines(self, pod: str, container: str) -> AsyncIterator[str]:
        """What a container of the pod writes, line by line as it comes, to its end."""
        session = self.client._session
        assert session is not None
        url = f"{self.client._url}/api/v1/namespaces/default/pods/{pod}/log"
        async with session.get(url, params={"container": container, "follow": "true"}) as response:
            assert response.status == 200, await response.text()
            async for line in response.content:
                yield line.decode().rstrip("\n")

    def _network(self, pod: Object) -> Path:
        return Path(f"/proc/{self.sandbox.pid}/root{STATE}/netns/pod-{pod['metadata']['uid']}")

    async def cleared(self, pod: Object, timeout_s: float = GIVE_UP_S) -> None:
        """Waits until the node has removed the pod's network namespace: the last thing it does."""
        network = self._network(pod)
        await polled(f"the end of {network}", lambda: not network.exists() or None, timeout_s)

    def first_processes(self, pod: Object) -> list[int]:
        """The machine's process ids of the programs that are PID 1 of the pod's containers."""
        network = self._network(pod).stat().st_ino
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "ns/net").stat().st_ino == network:
                    status = (entry / "status").read_text().splitlines()
                    inner = next(line for line in status if line.startswith("NSpid:")).split()
                    found += [int(entry.name)] if inner[-1] == "1" else []
            except OSError:
                continue
        return found

    async def curl(self, url: str, *arguments: str) -> tuple[int, str]:
        """curl on the client host: (exit code, headers and body). 7 = refused, 28 = timed out."""
        command = self.sandbox.client_command(["curl", "-si", "-m", "1", *arguments, url])
        done = await anyio.run_process(command, check=False)
        return done.returncode, done.stdout.decode()

    async def answered(self, url: str, code: int = 0, timeout_s: float = GIVE_UP_S) -> str:
        """The answer as soon as curl on the client host ends with `code`."""
        seen, answer = -1, ""
        with anyio.move_on_after(timeout_s):
            while seen != code:
                seen, answer = await self.curl(url)
            return answer
        raise AssertionError(f"{url}: curl ends with {seen}, not {code}, after {timeout_s} s: {answer}")


@asynccontextmanager
async def cluster_of(settings: Settings) -> AsyncIterator[Cluster]:
    """A cluster for the length of the block."""
    async with Sandbox.start(settings) as sandbox, ApiClient.of_kubeconfig(sandbox.kubeconfig) as client:
        yield Cluster(sandbox, client)


async def polled(what: str, look: Callable[[], Found | None], timeout_s: float = GIVE_UP_S) -> Found:
    """What `look` finds, for what tells nobody of its changes: a file, the kernel. `what` says what is awaited.

    A look at all processes of a machine takes long: it pauses for as long, and leaves the processor to what it awaits.
    """
    with anyio.move_on_after(timeout_s):
        while True:
            began = anyio.current_time()
            if (found := look()) is not None:
                return found
            await anyio.sleep(max(0.01, anyio.current_time() - began))
    raise AssertionError(f"not within {timeout_s} s: {what}")


def recorded(truth: Path, kind: str = "") -> list[Object]:
    """The lines, those of one kind or all, that a sandbox has written into its file of the truth."""
    lines = truth.read_bytes().split(b"\n")[:-1] if truth.exists() else ()
    return [line for line in map(json.loads, lines) if kind in ("", line["kind"])]


def pod_of(name: str, container: Object, *, labels: dict[str, str] | None = None, spec: Object | None = None) -> Object:
    """A pod with one container."""
    metadata = {"name": name, "labels": labels or {"app": name}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [container], **(spec or {})},
    }


def is_ready(pod: Object) -> bool:
    """Whether the pod's condition Ready is True."""
    return condition(pod, "Ready").get("status") == "True"


def condition(pod: Object, kind: str) -> Object:
    """One condition of the pod; empty where it has none."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return next((c for c in conditions if c["type"] == kind), {})


def container(pod: Object, index: int = 0, *, init: bool = False) -> Object:
    """The status of one container; empty where there is none yet."""
    statuses = (pod.get("status") or {}).get("initContainerStatuses" if init else "containerStatuses") or [{}]
    found: Object = statuses[index]
    return found


def ended(pod: Object) -> bool:
    """Whether the pod's first container has ended."""
    return "terminated" in container(pod).get("state", {})
