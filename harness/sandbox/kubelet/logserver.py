"""Logs of this node's containers, and answers of its pods -> the API server, which asks over a unix socket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import aiohttp
import anyio
from aiohttp import web

from harness.sandbox.kubelet.records import Waiting

if TYPE_CHECKING:
    from pathlib import Path

    from harness.sandbox.kubelet.kubelet import Kubelet
    from harness.sandbox.kubelet.logs import Log


_POD_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=5)
_OF_THE_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})
UNREACHED = "X-Unreached"
"""Says that it is not the pod that answers."""


async def serve_logs(kubelet: Kubelet, socket: Path) -> None:
    """Serves `GET /logs/{namespace}/{pod}/{container}` for ever; parameters as the API's `log` subresource has them.

    `/proxy/{address}/{path}` is passed on to that address, which only the node can reach.
    """

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
    app.router.add_route("*", "/proxy/{address}/{path:.*}", _passed_on)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, str(socket)).start()
    await anyio.sleep_forever()


async def _passed_on(request: web.Request) -> web.Response:
    """The answer of what listens at the address, whole."""
    url = f"http://{request.match_info['address']}/{request.match_info['path']}"
    headers = {key: value for key, value in request.headers.items() if key.lower() not in ("host", "connection")}
    try:
        async with (
            aiohttp.ClientSession(timeout=_POD_TIMEOUT, auto_decompress=False) as session,
            session.request(
                request.method,
                url,
                params=request.query,
                headers=headers,
                data=await request.read() or None,
                allow_redirects=False,
            ) as answer,
        ):
            kept = {key: value for key, value in answer.headers.items() if key.lower() not in _OF_THE_CONNECTION}
            return web.Response(status=answer.status, headers=kept, body=await answer.read())
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return web.Response(status=502, headers={UNREACHED: "yes"}, text=str(error))


def _log(kubelet: Kubelet, request: web.Request) -> Log | str:
    names = request.match_info
    worker = kubelet.worker(names["namespace"], names["pod"])
    container = worker.containers.get(names["container"]) if worker else None
    if worker is None or container is None:
        return f"container {names['container']} of pod {names['pod']} is not on this node"
    runs = container.logs
    if request.query.get("previous") == "true":
        # As lastState has it: while the container waits to be started again, the run before is the newest of all.
        newer = 0 if isinstance(container.record.state, Waiting) else 1
        if len(runs) <= newer:
            pod = f"{names['namespace']}/{names['pod']}"
            return f'previous terminated container "{names["container"]}" in pod "{pod}" not found'
        return runs[-1 - newer]
    if not runs:
        return f'container "{names["container"]}" in pod "{names["pod"]}" is waiting to start: ContainerCreating'
    return runs[-1]
