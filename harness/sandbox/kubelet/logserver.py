"""Logs of this node's containers -> answers to `kubectl logs`, over a unix socket that the API server asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import anyio
from aiohttp import web

if TYPE_CHECKING:
    from pathlib import Path

    from harness.sandbox.kubelet.kubelet import Kubelet
    from harness.sandbox.kubelet.logs import Log


async def serve_logs(kubelet: Kubelet, socket: Path) -> None:
    """Serves `GET /logs/{namespace}/{pod}/{container}` for ever; parameters as the API's `log` subresource has them."""

    async def logs(request: web.Request) -> web.StreamResponse:
        found = _log(kubelet, request)
        if isinstance(found, str):
            return web.Response(status=400, text=found)
        query = request.query
        tail = int(query["tailLines"]) if "tailLines" in query else None
        since = datetime.now(UTC) - timedelta(seconds=int(query["sinceSeconds"])) if "sinceSeconds" in query else None
        timestamps, follow = query.get("timestamps") == "true", query.get("follow") == "true"
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        async for line in found.read(tail=tail, since=since, follow=follow):
            await response.write(line.render(timestamps))
        return response

    app = web.Application()
    app.router.add_get("/logs/{namespace}/{pod}/{container}", logs)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, str(socket)).start()
    await anyio.sleep_forever()


def _log(kubelet: Kubelet, request: web.Request) -> Log | str:
    names = request.match_info
    worker = kubelet.worker(names["namespace"], names["pod"])
    container = worker.containers.get(names["container"]) if worker else None
    if worker is None or container is None:
        return f"container {names['container']} of pod {names['pod']} is not on this node"
    runs = container.logs
    if request.query.get("previous") == "true":
        if len(runs) < 2:
            pod = f"{names['namespace']}/{names['pod']}"
            return f'previous terminated container "{names["container"]}" in pod "{pod}" not found'
        return runs[-2]
    if not runs:
        return f'container "{names["container"]}" in pod "{names["pod"]}" is waiting to start: ContainerCreating'
    return runs[-1]
