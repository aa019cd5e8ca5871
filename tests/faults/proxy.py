"""Calls of a sandbox's API -> the same calls, but for those that a rule answers, cuts, loses, delays or silences.

It stands between the harness and the API as a broken network or load balancer would: it ends TLS with a certificate of
its own and passes everything on, watches and logs as they come. `Proxy.kubeconfig` is how it is reached. Faults of the
API server itself (`harness.sandbox.instruments.faults`) are set on the sandbox; these happen on the way to it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import ssl
import time
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

import aiohttp
import trustme
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

NAME = "faulty"
_LOOK_S = 0.02
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10)
_HOP_BY_HOP = frozenset({"host", "connection", "transfer-encoding", "content-length", "keep-alive"})
_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
# A collection is asked for where the path ends with a plural: /api/v1/pods, /apis/apps/v1/namespaces/shop/deployments.
_COLLECTION = re.compile(r"/(?:api/v1|apis/[^/]+/[^/]+)(?:/namespaces/[^/]+)?/[a-z]+")


class Do(StrEnum):
    """What becomes of a call that a rule means."""

    ANSWER = "answered"  # by the proxy; the API never sees it
    CUT = "cut"  # the connection is reset before the API sees it
    LOSE = "lost"  # the API does it; the connection is reset instead of an answer
    DELAY = "delayed"
    SILENCE = "unanswered"  # the API never sees it, and nothing comes back
    SWALLOW = "swallowed"  # the API does it, and nothing comes back
    MASK = "masked"  # the API does it; another answer comes back, as from a balancer whose time is up
    TEAR = "torn"  # half of the answer, then the connection is reset


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which calls are meant, by verb (as RBAC has them; `log` is a Pod's log) and a pattern of the path, and how often.

    `times` None is for ever. What an answer is made of: `status`, `retry_after_s`, and `body` in place of a Status.
    """

    do: Do
    verbs: tuple[str, ...] = ()
    path: str = ""
    times: int | None = 1
    status: int = 503
    retry_after_s: int | None = None
    body: bytes | None = None
    delay_s: float = 0.0

    def means(self, verb: str, path: str) -> bool:
        """Whether it means this call."""
        return (not self.verbs or verb in self.verbs) and re.search(self.path, path) is not None


def verb_of(method: str, path: str, query: Mapping[str, str]) -> str:
    """The verb of a call.

    >>> verb_of("GET", "/api/v1/namespaces/shop/pods", {"watch": "true"}), verb_of("GET", "/api/v1/pods", {})
    ('watch', 'list')
    """
    if query.get("dryRun"):  # what a preflight asks is not what the run does
        return "dry-run"
    if method == "GET" and path.endswith("/log"):
        return "log"
    if method == "GET" and query.get("watch") in ("true", "1"):
        return "watch"
    if method == "GET" and _COLLECTION.fullmatch(path):
        return "list"
    return _VERBS.get(method, method.lower())


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


@dataclass(slots=True, eq=False)
class Proxy:
    """A running proxy; every attribute may be looked at, what is done is done by the methods."""

    target: str
    port: int = 0
    hits: Counter[Rule] = field(default_factory=Counter)
    first_hit: float | None = None  # time.time() of the first call that met a rule
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    _rules: list[Rule] = field(default_factory=list)
    _flowing: asyncio.Event = field(default_factory=asyncio.Event)
    _streams: list[tuple[str, web.BaseRequest, web.StreamResponse]] = field(default_factory=list)  # none has a hash
    _held: frozenset[str] = frozenset()
    _runner: web.ServerRunner | None = None
    _session: aiohttp.ClientSession | None = None
    _tls: ssl.SSLContext | None = None

    @classmethod
    @asynccontextmanager
    async def before(cls, kubeconfig: Mapping[str, Any]) -> AsyncIterator[Proxy]:
        """A proxy before the API of a kubeconfig, for as long as the block lasts."""
        cluster = kubeconfig["clusters"][0]["cluster"]
        ca = base64.b64decode(cluster["certificate-authority-data"]).decode()
        proxy = cls(target=cluster["server"])
        proxy._flowing.set()
        proxy._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _authority().issue_cert("127.0.0.1").configure_cert(proxy._tls)
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cadata=ca), limit=0, force_close=True)
        async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT, auto_decompress=False) as session:
            proxy._session = session
            proxy._runner = web.ServerRunner(web.Server(proxy._handle, access_log=None), shutdown_timeout=0.1)
            await proxy._runner.setup()
            await proxy._open()
            try:
                yield proxy
            finally:
                proxy._flowing.set()
                proxy._reset()
                await proxy._runner.cleanup()

    def kubeconfig(self, kubeconfig: Mapping[str, Any]) -> dict[str, Any]:
        """The kubeconfig with this proxy in place of the API; its context is called `faulty`."""
        ca = base64.b64encode(_authority().cert_pem.bytes()).decode()
        cluster = {"server": f"https://127.0.0.1:{self.port}", "certificate-authority-data": ca}
        user = kubeconfig["users"][0]["user"]
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": NAME, "cluster": cluster}],
            "users": [{"name": NAME, "user": user}],
            "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME}}],
            "current-context": NAME,
        }

    def add(self, *rules: Rule) -> None:
        """Puts rules in force; the first that means a call and is not used up is applied."""
        self._rules += rules

    def clear(self) -> None:
        """Takes all rules back."""
        self._rules.clear()

    async def outage(self, for_s: float) -> None:
        """Nobody listens for so long, and all connections are reset."""
        assert self._runner is not None
        for site in tuple(self._runner.sites):
            await site.stop()
        self._reset()
        await asyncio.sleep(for_s)
        await self._open()

    async def hold(self, for_s: float) -> None:
        """For so long nothing comes through in either direction, as where packets are dropped."""
        self._flowing.clear()
        await asyncio.sleep(for_s)
        self._flowing.set()

    async def hold_streams(self, *verbs: str, for_s: float) -> None:
        """For so long running watches or logs stand still, with their connections open; other calls are answered."""
        self._held = frozenset(verbs)
        await asyncio.sleep(for_s)
        self._held = frozenset()

    async def say(self, verb: str, line: bytes) -> int:
        """Has running watches or logs show a line that the API did not send; how many there were."""
        meant = [response for known, _, response in self._streams if known == verb]
        for response in meant:
            await response.write(line)
        return len(meant)

    def break_streams(self, *verbs: str) -> int:
        """Resets the connections of running watches or logs; how many there were."""
        meant = [request for verb, request, _ in self._streams if verb in verbs]
        for request in meant:
            if request.transport is not None:
                request.transport.abort()
        return len(meant)

    async def _open(self) -> None:
        assert self._runner is not None
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._tls, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    def _reset(self) -> None:
        assert self._runner is not None
        assert self._runner.server is not None
        for connection in tuple(self._runner.server.connections):
            if connection.transport is not None:
                connection.transport.abort()

    def _rule(self, verb: str, path: str) -> Rule | None:
        for rule in self._rules:
            if rule.means(verb, path) and (rule.times is None or self.hits[rule] < rule.times):
                self.hits[rule] += 1
                self.first_hit = self.first_hit or time.time()
                return rule
        return None

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        verb = verb_of(request.method, request.path, request.query)
        self.reached.set()
        await self._flowing.wait()
        rule = self._rule(verb, request.path)
        match rule.do if rule else None:
            case Do.ANSWER:
                assert rule is not None
                return _answer(rule)
            case Do.CUT:
                return _abort(request)
            case Do.SILENCE:
                await asyncio.Event().wait()  # until the client goes away
            case Do.DELAY:
                assert rule is not None
                await asyncio.sleep(rule.delay_s)
        return await self._pass_on(request, verb, rule)

    async def _pass_on(self, request: web.BaseRequest, verb: str, rule: Rule | None) -> web.StreamResponse:
        assert self._session is not None
        do = rule.do if rule else None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        body = await request.read()
        try:
            async with self._session.request(
                request.method, self.target + request.path_qs, data=body, headers=headers, allow_redirects=False
            ) as upstream:
                if verb in ("watch", "log") and do in (None, Do.DELAY):
                    return await self._stream(request, verb, upstream)
                answer = await upstream.read()
        except aiohttp.ClientError:
            return _abort(request)
        await self._flowing.wait()
        if rule is not None and do is Do.MASK:
            return _answer(rule)
        if do is Do.LOSE:
            return _abort(request)
        if do is Do.SWALLOW:
            await asyncio.Event().wait()
        response = web.StreamResponse(status=upstream.status, headers=_passed(upstream.headers))
        response.content_length = len(answer)
        await response.prepare(request)
        if do is Do.TEAR:
            await response.write(answer[: len(answer) // 2])
            return _abort(request)
        await response.write(answer)
        return response

    async def _stream(
        self, request: web.BaseRequest, verb: str, upstream: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=upstream.status, headers=_passed(upstream.headers))
        await response.prepare(request)
        known = (verb, request, response)
        self._streams.append(known)
        try:
            async for chunk in upstream.content.iter_any():
                await self._flowing.wait()
                while verb in self._held:  # noqa: ASYNC110 - of one of two kinds of stream
                    await asyncio.sleep(_LOOK_S)
                await response.write(chunk)
        finally:
            self._streams = [other for other in self._streams if other is not known]
        return response


def _passed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}


def _answer(rule: Rule) -> web.Response:
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": rule.status, "message": "by the proxy"}
    headers = {} if rule.retry_after_s is None else {"Retry-After": str(rule.retry_after_s)}
    if rule.body is not None:
        return web.Response(status=rule.status, body=rule.body, headers=headers)
    return web.Response(status=rule.status, body=json.dumps(status), content_type="application/json", headers=headers)


def _abort(request: web.BaseRequest) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)  # nobody gets it
