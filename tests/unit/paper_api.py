"""A table of answers -> a Kubernetes API on loopback that gives them and keeps what it was asked."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from harness.kube.client import Kube
from harness.kube.connection import from_kubeconfig

_DISCOVERY = {
    "/api/v1": {
        "Pod": "pods",
        "Node": "nodes",
        "Namespace": "namespaces",
        "ConfigMap": "configmaps",
        "Service": "services",
        "Secret": "secrets",
        "Event": "events",
    },
    "/apis/apps/v1": {
        "Deployment": "deployments",
        "StatefulSet": "statefulsets",
        "ReplicaSet": "replicasets",
        "ControllerRevision": "controllerrevisions",
        "DaemonSet": "daemonsets",
    },
    "/apis/discovery.k8s.io/v1": {"EndpointSlice": "endpointslices"},
    "/apis/coordination.k8s.io/v1": {"Lease": "leases"},
    "/apis/gateway.networking.k8s.io/v1": {"Gateway": "gateways", "HTTPRoute": "httproutes"},
    "/apis/networking.k8s.io/v1": {"Ingress": "ingresses", "IngressClass": "ingressclasses"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that came."""

    what: str  # "PATCH /api/v1/namespaces/shop/pods/a"
    query: dict[str, str]
    body: Any
    content_type: str
    token: str = ""


_CLUSTER_WIDE = ("Node", "Namespace", "IngressClass")

PATIENCE_S = 2.0
"""How long the client of `paper_kube` repeats a call: tests do not wait as long as people do."""

CUT = object()
"""The connection is cut in place of an answer, though what was asked for may have been done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A success with Warning headers."""

    body: dict[str, Any]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A refusal with a Status of its own."""

    status: int
    body: dict[str, Any]


SILENCE = object()
"""An answer that does not come."""


@dataclass(slots=True)
class PaperApi:
    """Answers per "METHOD /path", given one after the other; the last is given again and again.

    A dict or a string is a success, an int a refusal with that status, a tuple one with its Retry-After, a list the
    lines of a log (bytes: a part of one, as it is) or the events of a watch, which lasts on when it is the last;
    SILENCE no answer. What is not in the table is not found.
    """

    answers: Mapping[str, list[Any]]
    port: int = 0
    calls: list[Call] = field(default_factory=list)
    discovery: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """In place of the usual: what the API tells of its resources."""
    _given: dict[str, int] = field(default_factory=dict)
    _closing: asyncio.Event = field(default_factory=asyncio.Event)

    def asked(self, what: str) -> list[Call]:
        """The requests of that method and path, in order."""
        return [call for call in self.calls if call.what == what]

    def done(self) -> list[str]:
        """What was asked for, without discovery."""
        return [call.what for call in self.calls if call.what.removeprefix("GET ") not in _DISCOVERY]

    @property
    def kubeconfig(self) -> dict[str, Any]:
        """What a client needs to reach it, as context `paper`."""
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "paper",
            "contexts": [{"name": "paper", "context": {"cluster": "paper", "user": "paper"}}],
            "clusters": [{"name": "paper", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "users": [{"name": "paper", "user": {"token": "t"}}],
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        text = await request.text()
        what = f"{request.method} {request.path}"
        body = json.loads(text) if text else None
        self.calls.append(
            Call(
                what=what,
                query=dict(request.query),
                body=body,
                content_type=request.content_type,
                token=request.headers.get("Authorization", ""),
            )
        )
        if request.path in self.discovery:
            return web.json_response({"resources": self.discovery[request.path]})
        if request.path in _DISCOVERY:
            kinds = _DISCOVERY[request.path].items()
            return web.json_response(
                {
                    "resources": [
                        {"name": name, "kind": kind, "namespaced": kind not in _CLUSTER_WIDE} for kind, name in kinds
                    ]
                }
            )
        script = self.answers.get(what, [404])
        turn = self._given.get(what, 0)
        self._given[what] = turn + 1
        answer = script[min(turn, len(script) - 1)]
        if isinstance(answer, int):
            status = {"kind": "Status", "reason": "No", "message": f"{what} is refused"}
            return web.json_response(status, status=answer)
        if isinstance(answer, dict):
            return web.json_response(answer)
        if isinstance(answer, Refused):
            return web.json_response({"kind": "Status", **answer.body}, status=answer.status)
        if isinstance(answer, Warned):
            response = web.json_response(answer.body)
            for text in answer.warnings:
                response.headers.add("Warning", text)
            return response
        if answer is CUT:
            assert request.transport is not None
            request.transport.abort()
            return web.Response(status=500)
        if isinstance(answer, tuple):
            status, after = answer
            return web.json_response({"kind": "Status", "reason": "No"}, status=status, headers={"Retry-After": after})
        if answer is SILENCE:
            await self._closing.wait()
            return web.Response(status=500)
        return await self._lines(request, answer, lasts="watch" in request.query and turn >= len(script) - 1)

    async def _lines(self, request: web.Request, lines: list[Any], *, lasts: bool) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for line in lines:
            text = line if isinstance(line, str) else "" if isinstance(line, bytes) else json.dumps(line)
            await response.write(line if isinstance(line, bytes) else text.encode() + b"\n")
        if lasts:
            await self._closing.wait()
        return response

    def close(self) -> None:
        """End what lasts."""
        self._closing.set()


@asynccontextmanager
async def serving(answers: Mapping[str, list[Any]], *, tls: ssl.SSLContext | None = None) -> AsyncIterator[PaperApi]:
    """The API while it listens."""
    api = PaperApi(answers)
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", api.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    api.port = runner.addresses[0][1]
    try:
        yield api
    finally:
        api.close()
        await runner.cleanup()


@asynccontextmanager
async def paper_kube(answers: Mapping[str, list[Any]]) -> AsyncIterator[tuple[Kube, PaperApi]]:
    """The same, and a client that is connected to it."""
    async with serving(answers) as api, from_kubeconfig(api.kubeconfig) as kube:
        kube.patience_s = PATIENCE_S
        yield kube, api
