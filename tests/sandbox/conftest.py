"""A control plane of one's own for each test: a process, a socket, and where wanted a pretended kubelet."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import sys
import tempfile
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pretendkubelet import PretendKubelet

from harness.sandbox.apiclient import ApiClient, ChangeType

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """A running control plane."""

    state: Path
    pid: int
    url: str
    ca: str
    token: str

    @property
    def socket(self) -> Path:
        """The trusted way in."""
        return self.state / "api.sock"

    def kubeconfig(self) -> Path:
        """A kubeconfig file for kubectl and the official client."""
        ca = base64.b64encode(self.ca.encode()).decode()
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "sandbox",
            "clusters": [{"name": "sandbox", "cluster": {"server": self.url, "certificate-authority-data": ca}}],
            "users": [{"name": "sandbox", "user": {"token": self.token}}],
            "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "sandbox"}}],
        }
        path = self.state / "kubeconfig"
        path.write_text(json.dumps(config))
        path.chmod(0o600)
        return path


@contextmanager
def control_plane() -> Iterator[Plane]:
    """A control plane without nodes, ended with the block. Fails where it wrote anything to its standard error."""
    state = Path(tempfile.mkdtemp(prefix="cp"))
    command = [sys.executable, "-m", "harness.sandbox.controlplane", "--state", str(state)]
    errors = state / "stderr"
    with errors.open("wb") as sink:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=sink)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise AssertionError(f"the control plane did not start: {errors.read_text()}")
        ready = json.loads(line)["ready"]
        url = f"https://127.0.0.1:{ready['port']}"
        yield Plane(state=state, pid=process.pid, url=url, ca=ready["ca"], token=ready["token"])
    finally:
        process.terminate()
        process.communicate(timeout=10)
        complaints = errors.read_text()
        shutil.rmtree(state)
    assert complaints == "", complaints


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def plane() -> Iterator[Plane]:
    """A control plane for this test alone."""
    with control_plane() as started:
        yield started


@pytest.fixture
async def client(plane: Plane) -> AsyncIterator[ApiClient]:
    """A client over the control plane's unix socket."""
    async with ApiClient(plane.socket) as opened:
        yield opened


@asynccontextmanager
async def playing(client: ApiClient, name: str = "node1", *, stop_s: float = 0.0) -> AsyncIterator[PretendKubelet]:
    """A registered node with a pretended kubelet, for the length of the block."""
    kubelet = PretendKubelet(client, name, stop_s=stop_s)
    await kubelet.register()
    task = asyncio.ensure_future(kubelet.run())
    try:
        yield kubelet
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def eventually(client: ApiClient) -> Callable[..., Any]:
    """Waits on a collection's watch until a predicate on its objects holds; else says what was seen last."""

    async def wait(path: str, holds: Callable[[list[Object]], bool], timeout_s: float = 10.0) -> list[Object]:
        informer = client.informer(path)
        try:
            async with asyncio.timeout(timeout_s):
                synced = False
                async for kind, _ in informer:
                    synced = synced or kind is ChangeType.SYNCED
                    objects = list(informer.objects.values())
                    if synced and holds(objects):
                        return objects
        except TimeoutError:
            seen = json.dumps(list(informer.objects.values()), indent=1)[:4000]
            raise AssertionError(f"not within {timeout_s} s at {path}; last seen: {seen}") from None
        raise AssertionError("the informer ended")

    return wait
