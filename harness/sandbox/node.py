"""A state directory and a node's name -> that node: kubelet, kube-proxy and the server of its pods' logs and streams.

    python -m harness.sandbox.node --state DIR --node NAME      (inside the node's network namespace)

Writes one line of JSON to standard output when it is up: `{"ready": {}}`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import anyio

from harness.sandbox.apiclient import ApiClient
from harness.sandbox.instruments.truth.syncs import SyncRecorder
from harness.sandbox.kubelet.kubelet import Kubelet
from harness.sandbox.kubelet.server import serve
from harness.sandbox.kubeproxy import KubeProxy
from harness.sandbox.settings import Settings


async def run(state: Path, node: str) -> None:
    """Runs the node for ever."""
    settings = Settings.from_json((state / "settings.json").read_text())
    async with ApiClient(state / "api.sock", agent="kubelet") as client, anyio.create_task_group() as group:
        kubelet = Kubelet(client, node, settings, state)
        on_sync = None if settings.truth is None else SyncRecorder(node, settings.truth)
        proxy = KubeProxy(client, node, settings.proxy_min_sync_period_s, on_sync)
        group.start_soon(kubelet.run)
        group.start_soon(proxy.run)
        group.start_soon(serve, kubelet, state / f"node-{node}.sock")
        await kubelet.synced.wait()
        await proxy.synced.wait()
        sys.stdout.write('{"ready": {}}\n')
        sys.stdout.flush()


def main() -> None:
    """The process' entry."""
    parser = argparse.ArgumentParser(description="One node of a sandbox.")
    parser.add_argument("--state", type=Path, required=True, help="the sandbox's state directory")
    parser.add_argument("--node", required=True, help="the node's name")
    arguments = parser.parse_args()
    anyio.run(run, arguments.state, arguments.node)


if __name__ == "__main__":
    main()
