"""Starts a control plane as a process of its own, and plays nodes towards it."""

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
from typing import TYPE_CHECKING

from pretendkubelet import PretendKubelet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

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
