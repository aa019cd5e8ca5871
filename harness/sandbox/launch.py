"""Settings -> how a sandbox is started and reached, and what its supervisor said first -> ready, or why it is not.

What starts a sandbox for a block of code (`embedded`) and what starts one that stays (`kept`) have this in common.
"""

from __future__ import annotations

import base64
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.sandbox.component import ROOM
from harness.sandbox.component_end import sentence
from harness.sandbox.errors import MachineUnfit, StartFailed
from harness.sandbox.netns import CLIENT
from harness.sandbox.preflight import PATH, missing, namespaces_command
from harness.sandbox.running import CLIENT_MARK, MARK, Mark
from harness.sandbox.supervisor import STATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.sandbox.settings import Settings

START_TIMEOUT_S, END_TIMEOUT_S = 60.0, 10.0


def settings_here(settings: Settings) -> Settings:
    """The settings with what depends on the machine and on who starts the sandbox.

    Raises:
        MachineUnfit: a program or a right is missing.
    """
    balancer = settings.balancer
    lacking = missing(http_balancer=balancer is not None and balancer.http is not None)
    if lacking:
        raise MachineUnfit("start the sandbox", " ".join(lacking))
    return replace(settings, rootless=os.geteuid() != 0)


def supervisor_command() -> list[str]:
    """The command line of the sandbox's first process, in namespaces of its own."""
    return [*namespaces_command(), sys.executable, "-P", "-m", "harness.sandbox.supervisor", ROOM]


def supervisor_environment(mark: Mark) -> dict[str, str]:
    """The environment of the sandbox: its mark, and of the caller's what finds programs and this package."""
    path = os.pathsep.join((str(Path(__file__).parents[2]), *sys.path[1:]))
    return {"PATH": PATH, "LANG": "C.UTF-8", "PYTHONPATH": path, MARK: mark.to_json()}


def ready_or_why(message: dict[str, Any] | None, stderr: Sequence[str]) -> dict[str, Any]:
    """What each component said when it was ready, from the supervisor's first message.

    `message`: None where none came in time, empty where the supervisor ended without one, with `stderr` as last words.

    Raises:
        StartFailed: a component, or the supervisor itself, did not come up.
    """
    if message is None:
        raise StartFailed("start the sandbox", f"not ready within {START_TIMEOUT_S:.0f} s", "Is the machine busy?")
    if "ready" in message:
        ready: dict[str, Any] = message["ready"]
        return ready
    told = message.get("died") or {"component": "supervisor", "how": "ended", "stderr": stderr}
    raise StartFailed("start the sandbox", sentence(told))


def kubeconfig(control_plane: dict[str, Any], mark_id: str) -> dict[str, Any]:
    """The kubeconfig for an API server on this machine's loopback, from what the control plane said when ready.

    It says in an extension, as clients leave alone, to which sandbox it belongs.
    """
    ca = base64.b64encode(control_plane["ca"].encode()).decode()
    cluster = {
        "server": f"https://127.0.0.1:{control_plane['port']}",
        "certificate-authority-data": ca,
        "extensions": [{"name": "rollout-harness", "extension": {"sandbox": mark_id}}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "sandbox", "cluster": cluster}],
        "users": [{"name": "sandbox", "user": {"token": control_plane["token"]}}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "sandbox"}}],
        "current-context": "sandbox",
    }


def client_command(pid: int, mark_id: str, argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` on the client host of the sandbox whose outermost process is `pid`.

    What runs there carries the sandbox' `id`, so that it can be found when that is gone.
    """
    user = [] if os.geteuid() == 0 else [f"--user=/proc/{pid}/ns/user", "--preserve-credentials"]
    return [
        "env",
        f"{CLIENT_MARK}={mark_id}",
        "nsenter",
        *user,
        f"--net=/proc/{pid}/root{STATE}/netns/{CLIENT}",
        "--",
        *argv,
    ]
