"""A state directory -> the control plane of one sandbox: API server and controllers in one process.

    python -m harness.sandbox.controlplane --state DIR [--fd N]

When it is up it writes one line of JSON to the file descriptor N (standard output where none is given):
`{"ready": {"port": ..., "ca": PEM, "token": ...}}`. It ends with SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import signal
import ssl
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import trustme

from harness.sandbox import kubeproxyconfig
from harness.sandbox.apiclient import ApiClient
from harness.sandbox.apiserver.bootstrap import API_ADDRESS, API_PORT, SERVICE_ADDRESS
from harness.sandbox.apiserver.server import ApiServer
from harness.sandbox.controllers.running import run_controllers
from harness.sandbox.gates.injection import inject
from harness.sandbox.inner_socket import listening_socket
from harness.sandbox.instruments.faults import Faults
from harness.sandbox.netns import node_name
from harness.sandbox.settings import Settings

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from harness.sandbox.apiserver.admission import PodWebhook

_SERVICE_NAMES = tuple(f"kubernetes{rest}" for rest in ("", ".default", ".default.svc", ".default.svc.cluster.local"))


async def serve(state: Path, ready_fd: int) -> None:
    """Runs until a signal ends it."""
    authority, token = trustme.CA(organization_name="rollout-harness sandbox"), secrets.token_urlsafe(32)
    server = ApiServer(state, token, interception=Faults(), mutate_pod=_webhook(state))
    root_ca = authority.cert_pem.bytes().decode()
    listening = await server.listen(_context(authority), _inside(state))
    stop, synced = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with ApiClient(state / "api.sock", agent="kube-controller-manager") as client, asyncio.TaskGroup() as group:
        controllers = group.create_task(run_controllers(client, root_ca, synced))
        await synced.wait()
        if (settings := _settings(state)) is not None:
            await client.create(kubeproxyconfig.PATH, kubeproxyconfig.config_map(settings.proxy_min_sync_period_s))
        ready = {"port": listening.port, "ca": root_ca, "token": token}
        os.write(ready_fd, json.dumps({"ready": ready}).encode() + b"\n")
        await stop.wait()
        controllers.cancel()
    await listening.close()


def _context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost", *_SERVICE_NAMES, SERVICE_ADDRESS, API_ADDRESS).configure_cert(
        context
    )
    return context


def _webhook(state: Path) -> PodWebhook | None:
    """What gives new pods their readiness gates, where the cluster's balancer has such."""
    settings = _settings(state)
    balancer = None if settings is None else settings.balancer
    return None if balancer is None or balancer.gates is None else partial(inject, gates=balancer.gates)


def _settings(state: Path) -> Settings | None:
    """The whole sandbox's; a control plane by itself has none."""
    told = state / "settings.json"
    return Settings.from_json(told.read_text()) if told.exists() else None


def _inside(state: Path) -> Callable[[], socket.socket] | None:
    """What listens where pods can reach it, on the first node; a control plane by itself has no node."""
    namespace = state / "netns" / node_name(1)
    return partial(listening_socket, namespace, API_ADDRESS, API_PORT) if namespace.exists() else None


def main() -> None:
    """The process' entry."""
    parser = argparse.ArgumentParser(description="The control plane of one sandbox.")
    parser.add_argument("--state", type=Path, required=True, help="directory of the sandbox's sockets")
    parser.add_argument("--fd", type=int, default=sys.stdout.fileno(), help="where the ready line goes")
    arguments = parser.parse_args()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serve(arguments.state, arguments.fd))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


if __name__ == "__main__":
    main()
