"""Starts a control plane as a process of its own, and plays nodes towards it."""

from __future__ import annotations

import asyncio
import base64
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pretendkubelet import PretendKubelet

from harness.sandbox import controlplane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from multiprocessing.connection import Connection

    from harness.sandbox.apiclient import ApiClient


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


# Every control plane is a process of its own, forked from one that has loaded what a control plane is: that takes
# longer than most tests.
_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(["__main__", "harness.sandbox.controlplane"])


def _serve(state: str, ready: Connection, errors: str) -> None:
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT, 0o600), sys.stderr.fileno())
    sys.argv = ["controlplane", "--state", state, "--fd", str(ready.fileno())]
    controlplane.main()


@contextmanager
def control_plane() -> Iterator[Plane]:
    """A control plane without nodes, ended with the block. Fails where it wrote anything to its standard error."""
    state = Path(tempfile.mkdtemp(prefix="cp"))
    errors = state / "stderr"
    reading, writing = _FORKED.Pipe(duplex=False)
    process = _FORKED.Process(target=_serve, args=(str(state), writing, str(errors)))
    process.start()
    writing.close()
    try:
        with open(reading.fileno(), "rb", closefd=False) as lines:
            line = lines.readline()
        reading.close()
        if not line:
            process.join(timeout=200)
            raise AssertionError(f"the control plane did not start: {errors.read_text()}")
        ready = json.loads(line)["ready"]
        url = f"https://127.0.0.1:{ready['port']}"
        assert process.pid is not None
        yield Plane(state=state, pid=process.pid, url=url, ca=ready["ca"], token=ready["token"])
    finally:
        process.terminate()
        process.join(timeout=200)
        code, complaints = process.exitcode, errors.read_text()
        process.close()
        shutil.rmtree(state)
    assert complaints == "", complaints
    assert code == 0, f"the control plane ended with {code}"


@asynccontextmanager
async def playing(
    client: ApiClient, name: str = "node1", *, stop_s: float = 0.0, allocatable: dict[str, str] | None = None
) -> AsyncIterator[PretendKubelet]:
    """A registered node with a pretended kubelet, for the length of the block."""
    kubelet = PretendKubelet(client, name, stop_s=stop_s)
    await kubelet.register(allocatable)
    task = asyncio.ensure_future(kubelet.run())
    try:
        yield kubelet
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
