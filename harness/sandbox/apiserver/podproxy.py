"""A request to `pods/{name}:{port}/proxy/PATH`, or to a Service's -> the pod's own answer, fetched by its node.

Source: kubernetes `pkg/registry/core/pod/strategy.go` (ResourceLocation), apimachinery `pkg/util/proxy/transport.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.resources import PODS, SERVICES
from harness.sandbox.apiserver.serviceproxy import service_location

if TYPE_CHECKING:
    from pathlib import Path

    from harness.sandbox.apiserver.registry import Registry
    from harness.sandbox.apiserver.requests import Target
    from harness.sandbox.apiserver.store import Object

_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5)
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "host", "content-length"})
_KEPT_FROM_US = frozenset({"authorization"})


async def proxied(registry: Registry, state: Path, target: Target, request: web.BaseRequest) -> web.StreamResponse:
    """The pod's answer, whole. Raises: StatusError (404, 400, 501, 503)."""
    located = service_location if target.resource is SERVICES else _pod_location
    node, place = located(registry, target.namespace, target.name)
    headers = {key: value for key, value in request.headers.items() if key.lower() not in _HOP_BY_HOP | _KEPT_FROM_US}
    connector = aiohttp.UnixConnector(path=str(state / f"node-{node}.sock"))
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT, auto_decompress=False) as session,
            session.request(
                request.method,
                f"http://node/proxy/{place}/{target.rest}",
                params=request.query,
                headers=headers,
                data=await request.read() or None,
                allow_redirects=False,
            ) as answer,
        ):
            if "X-Unreached" in answer.headers:
                raise _unreached(place, await answer.text())
            kept = {key: value for key, value in answer.headers.items() if key.lower() not in _HOP_BY_HOP}
            return web.Response(status=answer.status, headers=kept, body=await answer.read())
    except (aiohttp.ClientError, OSError) as error:
        raise _unreached(place, str(error)) from None


def _pod_location(registry: Registry, namespace: str, segment: str) -> tuple[str, str]:
    name, port = _name_and_port(segment)
    pod = registry.existing(PODS, namespace, name).obj
    node, address = pod["spec"].get("nodeName"), (pod.get("status") or {}).get("podIP")
    if not node or not address:
        raise api_errors.StatusError(503, "ServiceUnavailable", f"address not allowed: pod {name} has no address")
    return node, f"{address}:{port or _first_port(pod)}"


def _unreached(place: str, why: str) -> api_errors.StatusError:
    message = f"error trying to reach service: dial tcp {place}: {why}"
    return api_errors.StatusError(503, "ServiceUnavailable", message)


def _name_and_port(segment: str) -> tuple[str, int | None]:
    """`NAME` or `NAME:PORT`; a scheme before it asks for TLS, which the sandbox does not do."""
    name, _, port = segment.removeprefix("http:").partition(":")
    if not port:
        return name, None
    if ":" in port:
        raise api_errors.not_implemented(f"pods/proxy as {segment}")
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise api_errors.bad_request(f'invalid pod request "{segment}"')
    return name, int(port)


def _first_port(pod: Object) -> int:
    ports = [port for container in pod["spec"]["containers"] for port in container.get("ports") or ()]
    return int(ports[0]["containerPort"]) if ports else 80
