"""A request for a pod's log -> its options, looked at as Kubernetes does, and the answer of the pod's node.

Source: pkg/apis/core/validation (ValidatePodLogOptions), pkg/registry/core/pod/strategy.go (LogLocation).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.field_errors import FieldErrors
from harness.sandbox.apiserver.resources import PODS

if TYPE_CHECKING:
    from pathlib import Path

    from harness.sandbox.apiserver.registry import Registry
    from harness.sandbox.apiserver.requests import Target
    from harness.sandbox.apiserver.store import Stored

_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5)
_NUMBERS = ("tailLines", "limitBytes", "sinceSeconds")
_FLAGS = ("follow", "previous", "timestamps")
_RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
_LARGEST = 2**63 - 1


async def logged(registry: Registry, state: Path, target: Target, request: web.BaseRequest) -> web.StreamResponse:
    """The log, as it comes. Raises: StatusError (400, 404, 422, 500)."""
    options = log_options(target.name, request)
    pod = registry.existing(PODS, target.namespace, target.name)
    container = valid_container(pod, request.query.get("container", ""))
    node = pod.obj["spec"].get("nodeName")
    if not node:
        return web.Response(content_type="text/plain")  # nothing has been written yet
    path = f"/logs/{target.namespace}/{target.name}/{container}"
    connector = aiohttp.UnixConnector(path=str(state / f"node-{node}.sock"))
    try:
        async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT) as session:
            return await _relayed(session, path, options, request)
    except aiohttp.ClientConnectionError as error:
        message = f'Get "{path}": the kubelet of node {node} does not answer ({error})'
        raise api_errors.StatusError(500, "InternalError", message) from None


def log_options(pod: str, request: web.BaseRequest) -> dict[str, str]:
    """What the node needs of the query. Raises: StatusError (400, 422)."""
    query = request.query
    numbers = {name: _number(query[name]) for name in _NUMBERS if query.get(name)}
    errors = FieldErrors()
    errors.not_negative("tailLines", numbers.get("tailLines"))
    for name in ("limitBytes", "sinceSeconds"):
        if numbers.get(name, 1) < 1:
            errors.invalid(name, numbers[name], "must be greater than 0")
    options = {name: str(number) for name, number in numbers.items()}
    if query.get("sinceTime"):
        options["sinceTime"] = _time(query["sinceTime"])
        if "sinceSeconds" in numbers:
            errors.forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be specified")
    if errors.causes:
        raise _invalid(pod, errors)
    flags = {name: "true" for name in _FLAGS if name in query and query[name].lower() not in ("false", "0")}
    return {**options, **flags}


def valid_container(pod: Stored, asked: str) -> str:
    """The container that is meant. Raises: StatusError (400)."""
    spec, name = pod.obj["spec"], pod.obj["metadata"]["name"]
    kinds = ("initContainers", "containers", "ephemeralContainers")
    names = [item["name"] for kind in kinds for item in spec.get(kind) or ()]
    if asked and asked not in names:
        raise api_errors.bad_request(f"container {asked} is not valid for pod {name}")
    if not asked and len(spec["containers"]) > 1:
        raise api_errors.bad_request(
            f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]"
        )
    return asked or str(spec["containers"][0]["name"])


async def _relayed(
    session: aiohttp.ClientSession, path: str, options: dict[str, str], request: web.BaseRequest
) -> web.StreamResponse:
    """The node's answer, passed on as it comes. The client's leaving cancels the handler and with it this."""
    async with session.get(f"http://node{path}", params=options) as source:
        if source.status >= 400:
            raise api_errors.bad_request((await source.text()).strip())
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        try:
            async for chunk in source.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
        except ConnectionResetError:
            pass  # whoever read the log went away
        return response


def _number(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise api_errors.bad_request(f"strconv.ParseInt: parsing {api_errors.shown(text)}: invalid syntax")
    if not -_LARGEST - 1 <= int(text) <= _LARGEST:
        raise api_errors.bad_request(f"strconv.ParseInt: parsing {api_errors.shown(text)}: value out of range")
    return int(text)


def _time(text: str) -> str:
    """The time as the node reads it; what is no time is refused in Go's words."""
    try:
        if re.fullmatch(_RFC3339, text):
            return datetime.fromisoformat(text).isoformat()
    except ValueError:
        pass
    quoted, form = api_errors.shown(text), "2006-01-02T15:04:05Z07:00"
    raise api_errors.bad_request(f'parsing time {quoted} as "{form}": cannot parse {quoted} as "2006"')


def _invalid(pod: str, errors: FieldErrors) -> api_errors.StatusError:
    texts = [f"{cause.field}: {cause.message}" for cause in errors.causes]
    listed = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    causes = [{"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in errors.causes]
    details = {"name": pod, "kind": "PodLogOptions", "causes": causes}
    return api_errors.StatusError(422, "Invalid", f'PodLogOptions "{pod}" is invalid: {listed}', details)
