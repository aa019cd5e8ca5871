"""A request for `exec`, `attach` or `portforward` -> a connection to the pod's node, passed on both ways as it is.

Clients ask for a WebSocket, or for SPDY over the connection itself (`spdy_upgrade`). The node gets a WebSocket in both
cases. Source: pkg/registry/core/pod (strategy.go, rest/subresources.go), apiserver `pkg/util/proxy`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import aiohttp
import anyio
from aiohttp import web

from harness.sandbox.apiserver import api_errors, spdy_upgrade
from harness.sandbox.apiserver.podlogs import valid_container
from harness.sandbox.apiserver.resources import PODS
from harness.sandbox.hangup import cut, hung_up, knocked

if TYPE_CHECKING:
    from pathlib import Path

    from harness.sandbox.apiserver.registry import Registry
    from harness.sandbox.apiserver.requests import Target

_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5)
_FIRST_SEGMENT = {"exec": "exec", "attach": "attach", "portforward": "portForward"}
_REFUSAL = "X-Refusal"
_V5 = "v5.channel.k8s.io"
_ERROR_CHANNEL = b"\x03"
_LARGEST_MESSAGE_BYTES = 32 << 20


async def streamed(registry: Registry, state: Path, target: Target, request: web.BaseRequest) -> web.StreamResponse:
    """Serves the request to its end. Raises: StatusError (400, 404, 500)."""
    pod = registry.existing(PODS, target.namespace, target.name)
    steps = [_FIRST_SEGMENT[target.subresource], target.namespace, target.name]
    if target.subresource != "portforward":
        steps.append(valid_container(pod, request.query.get("container", "")))
    node = pod.obj["spec"].get("nodeName")
    if not node:
        raise api_errors.bad_request(f"pod {target.name} does not have a host assigned")
    upgrade = request.headers.get("Upgrade", "").lower()
    if upgrade not in ("websocket", "spdy/3.1"):
        raise api_errors.bad_request("Upgrade request required")
    over_spdy = upgrade == "spdy/3.1"
    offered = spdy_upgrade.protocols(request) if over_spdy else _protocols(request)
    connector = aiohttp.UnixConnector(path=str(state / f"node-{node}.sock"))
    async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT) as session:
        try:
            upstream = await session.ws_connect(
                f"http://node/{'/'.join(steps)}",
                params=[(key, value) for key, value in request.query.items() if key != "container"],
                protocols=offered,
                max_msg_size=_LARGEST_MESSAGE_BYTES,
            )
        except aiohttp.WSServerHandshakeError as error:
            return await _refused(request, error)
        except (aiohttp.ClientError, OSError) as error:
            message = f"the kubelet of node {node} does not answer ({error})"
            raise api_errors.StatusError(500, "InternalError", message) from None
        try:
            if over_spdy:
                return await spdy_upgrade.joined(request, upstream)
            return await _joined(request, upstream)
        finally:
            cut(upstream.get_extra_info("socket"))


async def _joined(request: web.BaseRequest, upstream: aiohttp.ClientWebSocketResponse) -> web.StreamResponse:
    """Passes messages on, until either end closes."""
    client = _client_end((upstream.protocol,) if upstream.protocol else ())
    await client.prepare(request)
    async with anyio.create_task_group() as group:

        async def up() -> None:
            await _copy(client, upstream)
            group.cancel_scope.cancel()

        async def watch() -> None:
            await hung_up(request.transport)
            group.cancel_scope.cancel()

        group.start_soon(up)
        group.start_soon(watch)
        group.start_soon(knocked, client.ping)
        await _copy(upstream, client)
        group.cancel_scope.cancel()
    await client.close(code=upstream.close_code or aiohttp.WSCloseCode.OK)
    return client


async def _copy(
    source: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
    sink: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
) -> None:
    try:
        while True:
            message = await source.receive()
            if message.type is aiohttp.WSMsgType.BINARY:
                await sink.send_bytes(message.data)
            elif message.type is aiohttp.WSMsgType.TEXT:
                await sink.send_str(message.data)
            else:
                return
    except ConnectionError:
        return  # an end has gone: so does the other


async def _refused(request: web.BaseRequest, error: aiohttp.WSServerHandshakeError) -> web.StreamResponse:
    """What the node said, told in the way that the client's protocol has for it."""
    said = error.headers.get(_REFUSAL) if error.headers is not None else None
    why = json.loads(said) if said else "the kubelet refused the request"
    if _V5 not in _protocols(request):
        return web.Response(status=error.status, text=f"{why}\n")
    client = _client_end((_V5,))
    await client.prepare(request)
    status = api_errors.StatusError(
        500,
        "InternalError",
        f"Internal error occurred: unable to upgrade connection: {why}",
        {"causes": [{"message": f"unable to upgrade connection: {why}"}]},
    )
    await client.send_bytes(_ERROR_CHANNEL + status.encoded())
    await client.close()
    return client


def _client_end(protocols: tuple[str, ...]) -> web.WebSocketResponse:
    return web.WebSocketResponse(protocols=protocols, compress=False, max_msg_size=_LARGEST_MESSAGE_BYTES)


def _protocols(request: web.BaseRequest) -> tuple[str, ...]:
    offered = ",".join(request.headers.getall("Sec-WebSocket-Protocol", []))
    return tuple(name.strip() for name in offered.split(",") if name.strip())
