"""A lifecycle hook (postStart, preStop) -> its action, done in or to the running container.

Source: pkg/kubelet/lifecycle/handlers.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from harness.sandbox.kubelet.container import RuntimeFailure
from harness.sandbox.kubelet.prober import http_get

if TYPE_CHECKING:
    from harness.sandbox.kubelet.container import Container
    from harness.sandbox.kubelet.records import Object

_HTTP_TIMEOUT_S = 30.0


class HookFailed(Exception):
    """The hook could not be run or did not succeed; the text is what the event says."""


async def run_hook(handler: Object, container: Object, running: Container) -> None:
    """Runs a hook to its end; a sleep also ends with the container.

    Raises:
        HookFailed: it did not succeed.
    """
    if "sleep" in handler:
        with anyio.move_on_after(float(handler["sleep"]["seconds"])):
            await running.exited.wait()
    elif "exec" in handler:
        command = tuple(handler["exec"]["command"])
        try:
            code, output = await running.exec(command, None)
        except RuntimeFailure as error:
            raise HookFailed(str(error)) from None
        if code != 0 and not running.exited.is_set():
            raise HookFailed(f"command '{' '.join(command)}' exited with {code}: {output.strip()}")
    elif "httpGet" in handler:
        try:
            seen = await http_get(handler["httpGet"], container, running.network.address, _HTTP_TIMEOUT_S)
        except ValueError as error:  # a port that there is not
            raise HookFailed(str(error)) from None
        if not seen.ok:
            raise HookFailed(seen.message)
    else:  # a tcpSocket too, which nothing but the API takes: pkg/kubelet/lifecycle/handlers.go
        raise HookFailed(f"invalid handler: {', '.join(handler)}")
