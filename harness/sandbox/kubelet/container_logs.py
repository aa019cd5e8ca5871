"""A request for a container's log -> the run of the container whose log that is, line by line, or why there is none.

Source: pkg/kubelet/kubelet_pods.go (validateContainerLogStatus).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from aiohttp import web

from harness.sandbox.kubelet.logs import rendered
from harness.sandbox.kubelet.records import Waiting

if TYPE_CHECKING:
    from harness.sandbox.kubelet.kubelet import Kubelet
    from harness.sandbox.kubelet.logs import Log

_NOT_PULLED = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}


async def logs(kubelet: Kubelet, request: web.Request) -> web.StreamResponse:
    """Serves the log; parameters as the API's `log` subresource has them, which has looked at them already."""
    found = log_of(kubelet, request)
    if isinstance(found, str):
        return web.Response(status=400, text=found)
    query = request.query
    tail = int(query["tailLines"]) if "tailLines" in query else None
    limit = int(query["limitBytes"]) if "limitBytes" in query else None
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    lines = found.read(tail=tail, since=_since(request), follow=query.get("follow") == "true")
    async for text in rendered(lines, timestamps=query.get("timestamps") == "true", limit_bytes=limit):
        await response.write(text)
    return response


def log_of(kubelet: Kubelet, request: web.Request) -> Log | str:
    """The log that is meant, or in Kubernetes' words why there is none."""
    names = request.match_info
    where = f'container "{names["container"]}" in pod "{names["pod"]}"'
    worker = kubelet.worker(names["namespace"], names["pod"])
    container = worker.containers.get(names["container"]) if worker else None
    runs = container.logs if container else []
    state = container.record.state if container else Waiting(reason="ContainerCreating")
    if request.query.get("previous") == "true":
        # As lastState has it: while the container waits to be started again, the run before is the newest of all.
        newer = 0 if isinstance(state, Waiting) else 1
        return runs[-1 - newer] if len(runs) > newer else f"previous terminated {where} not found"
    if runs:
        return runs[-1]
    reason = state.reason if isinstance(state, Waiting) else "ContainerCreating"
    return f"{where} is waiting to start: {_NOT_PULLED.get(reason, reason)}"


def _since(request: web.Request) -> datetime | None:
    if "sinceSeconds" in request.query:
        return datetime.now(UTC) - timedelta(seconds=int(request.query["sinceSeconds"]))
    if "sinceTime" in request.query:
        return datetime.fromisoformat(request.query["sinceTime"])
    return None
