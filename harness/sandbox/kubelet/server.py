"""Requests of the API server over a unix socket -> logs, commands, connections and answers of this node's pods.

`/logs/{namespace}/{pod}/{container}`, `/exec/...` and `/attach/...` alike, `/portForward/{namespace}/{pod}`: parameters
as the API's subresources have them. `/proxy/{address}/{path}` is passed on to that address, which only the node can
reach. What is refused before a WebSocket is opened says why in a header, since its body is lost to the other end.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import aiohttp
import anyio
from aiohttp import web

from harness.sandbox.hangup import hung_up
from harness.sandbox.kubelet import spdy_streams, websocket_streams
from harness.sandbox.kubelet.container_logs import logs
from harness.sandbox.kubelet.portforward import forward_channels, forward_streams
from harness.sandbox.kubelet.remotecommand import Options, OptionsError, attach, execute
from harness.sandbox.kubelet.spdy import SpdyError
from harness.sandbox.kubelet.spdy_streams import TUNNEL, SpdyStreams
from harness.sandbox.kubelet.websocket_streams import WebSocketChannels, WebSocketStreams

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from harness.sandbox.kubelet.container import Container
    from harness.sandbox.kubelet.container_worker import ContainerWorker
    from harness.sandbox.kubelet.kubelet import Kubelet
    from harness.sandbox.kubelet.pod_worker import PodWorker
    from harness.sandbox.kubelet.remotecommand import Streams

_POD_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=5)
_OF_THE_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})
UNREACHED = "X-Unreached"
"""Says that it is not the pod that answers."""
REFUSAL = "X-Refusal"
"""Why no stream is opened, as JSON."""
LARGEST_MESSAGE_BYTES = 32 << 20
_FORWARD = "portforward.k8s.io"


async def serve(kubelet: Kubelet, socket: Path) -> None:
    """Serves for ever."""
    app = web.Application()
    app.router.add_get("/logs/{namespace}/{pod}/{container}", partial(logs, kubelet))
    app.router.add_get("/exec/{namespace}/{pod}/{container}", partial(_exec, kubelet))
    app.router.add_get("/attach/{namespace}/{pod}/{container}", partial(_attach, kubelet))
    app.router.add_get("/portForward/{namespace}/{pod}", partial(_port_forward, kubelet))
    app.router.add_route("*", "/proxy/{address}/{path:.*}", _passed_on)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    await web.UnixSite(runner, str(socket)).start()
    await anyio.sleep_forever()


async def _exec(kubelet: Kubelet, request: web.Request) -> web.StreamResponse:
    found = _running(kubelet, request)
    if isinstance(found, web.Response):
        return found
    _, running = found
    command = tuple(request.query.getall("command", []))
    return await _streamed(request, lambda options, streams: execute(running, command, options, streams))


async def _attach(kubelet: Kubelet, request: web.Request) -> web.StreamResponse:
    found = _running(kubelet, request)
    if isinstance(found, web.Response):
        return found
    worker, running = found
    once = bool(worker.record.spec.get("stdinOnce"))
    return await _streamed(request, lambda options, streams: attach(running, options, streams, stdin_once=once))


async def _streamed(request: web.Request, work: Callable[[Options, Streams], Awaitable[None]]) -> web.StreamResponse:
    """Opens the WebSocket and does the work on its streams."""
    try:
        options = Options.of(request.query)
    except OptionsError as error:
        return _refused(400, str(error))
    socket = await _opened(request, (*websocket_streams.PROTOCOLS, *spdy_streams.PROTOCOLS))
    protocol = socket.ws_protocol or ""
    streams: Streams
    if protocol in spdy_streams.PROTOCOLS:
        streams = SpdyStreams(protocol, options, _messages(socket), socket.send_bytes)
    else:
        streams = WebSocketStreams(socket)
    await _while_there(request, partial(work, options, streams))
    await socket.close()
    return socket


async def _port_forward(kubelet: Kubelet, request: web.Request) -> web.StreamResponse:
    worker = _pod(kubelet, request)
    containers = worker.containers.values() if worker else ()
    network = next((container.running.network for container in containers if container.running), None)
    if worker is None or network is None:
        return _refused(404, "pod does not exist")
    name = worker.record.uid.replace("-", "")
    tunnelled = f"{TUNNEL}{_FORWARD}"
    offered = request.headers.get("Sec-WebSocket-Protocol", "")
    try:
        ports = [] if tunnelled in offered else _ports(request)
    except ValueError as error:
        return _refused(400, str(error))
    socket = await _opened(request, (tunnelled, "v4.channel.k8s.io", "v4.base64.channel.k8s.io"))
    if socket.ws_protocol == tunnelled:
        forwarding = partial(forward_streams, network, name, _messages(socket), socket.send_bytes)
    else:
        forwarding = partial(forward_channels, network, name, ports, WebSocketChannels(socket))
    await _while_there(request, forwarding)
    await socket.close()
    return socket


async def _while_there(request: web.Request, work: Callable[[], Awaitable[None]]) -> None:
    """Does the work until it is done or the other end has gone; a pod's end ends what depends on it by itself."""
    async with anyio.create_task_group() as group:

        async def watch() -> None:
            await hung_up(request.transport)
            group.cancel_scope.cancel()

        group.start_soon(watch)
        try:
            await work()
        except* (ConnectionError, SpdyError):
            pass  # the client went away, or speaks something else: the connection is closed either way
        group.cancel_scope.cancel()


async def _opened(request: web.Request, protocols: tuple[str, ...]) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(protocols=protocols, compress=False, max_msg_size=LARGEST_MESSAGE_BYTES)
    await socket.prepare(request)
    return socket


async def _messages(socket: web.WebSocketResponse) -> AsyncIterator[bytes]:
    """What comes in binary messages, which need not hold whole frames."""
    while (message := await socket.receive()).type is aiohttp.WSMsgType.BINARY:
        yield message.data


def _running(kubelet: Kubelet, request: web.Request) -> tuple[ContainerWorker, Container] | web.Response:
    worker = _pod(kubelet, request)
    if worker is None:
        return _refused(404, "pod does not exist")
    name = request.match_info["container"]
    container = worker.containers.get(name)
    if container is None or container.running is None:
        return _refused(500, f'container not found ("{name}")')
    return container, container.running


def _pod(kubelet: Kubelet, request: web.Request) -> PodWorker | None:
    return kubelet.worker(request.match_info["namespace"], request.match_info["pod"])


def _ports(request: web.Request) -> list[int]:
    """The ports of a request without streams of its own. Raises: ValueError with Kubernetes' words."""
    given = request.query.getall("ports", [])
    if not given:
        raise ValueError('query parameter "ports" is required')
    ports = []
    for text in ",".join(given).split(","):
        if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
            raise ValueError(f'unable to parse "{text}" as a port')
        ports.append(int(text))
    return ports


def _refused(status: int, why: str) -> web.Response:
    return web.Response(status=status, text=why, headers={REFUSAL: json.dumps(why)})


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
