"""The proxy does to a call what its rule says, and nothing to any other."""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp import web

from .proxy import Do, Proxy, Rule, verb_of

pytestmark = pytest.mark.anyio

POD = "/api/v1/namespaces/shop/pods/a"


class Api:
    """An API of one's own behind TLS, which counts what reaches it."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.kubeconfig: dict[str, Any] = {}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append(f"{request.method} {request.path}")
        if request.query.get("watch") != "true":
            return web.json_response({"kind": "Pod"})
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first\n")
        await asyncio.Event().wait()
        return response


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    authority, tls, api = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), Api()
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    runner = web.ServerRunner(web.Server(api.handle), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    ca = base64.b64encode(authority.cert_pem.bytes()).decode()
    cluster = {"server": f"https://127.0.0.1:{runner.addresses[0][1]}", "certificate-authority-data": ca}
    api.kubeconfig = {"clusters": [{"cluster": cluster}], "users": [{"user": {"token": "t"}}]}
    yield api
    await runner.cleanup()


@pytest.fixture
async def proxy(api: Api) -> AsyncIterator[Proxy]:
    async with Proxy.before(api.kubeconfig) as proxy:
        yield proxy


@pytest.fixture
async def client(api: Api, proxy: Proxy) -> AsyncIterator[aiohttp.ClientSession]:
    cluster = proxy.kubeconfig(api.kubeconfig)["clusters"][0]["cluster"]
    ca = base64.b64decode(cluster["certificate-authority-data"]).decode()
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cadata=ca), force_close=True)
    async with aiohttp.ClientSession(cluster["server"], connector=connector) as client:
        yield client


async def test_what_no_rule_means_is_passed_on(api: Api, proxy: Proxy, client: aiohttp.ClientSession) -> None:
    proxy.add(Rule(do=Do.CUT, verbs=("delete",)), Rule(do=Do.CUT, path="/pods/b$"))
    async with client.get(POD) as answer:
        assert (answer.status, await answer.json()) == (200, {"kind": "Pod"})
    assert api.seen == [f"GET {POD}"]
    assert not proxy.hits


async def test_a_rule_acts_as_often_as_it_says(api: Api, proxy: Proxy, client: aiohttp.ClientSession) -> None:
    rule = Rule(do=Do.ANSWER, status=429, retry_after_s=7, times=2)
    proxy.add(rule)
    answers = []
    for _ in range(3):
        async with client.patch(POD) as answer:
            answers.append((answer.status, answer.headers.get("Retry-After")))
    assert answers == [(429, "7"), (429, "7"), (200, None)]
    assert len(api.seen) == 1
    assert proxy.hits[rule] == 2


@pytest.mark.parametrize(
    ("do", "reaches", "error"),
    [
        (Do.CUT, 0, aiohttp.ClientError),
        (Do.LOSE, 1, aiohttp.ClientError),
        (Do.TEAR, 1, aiohttp.ClientError),
        (Do.SILENCE, 0, TimeoutError),
        (Do.SWALLOW, 1, TimeoutError),
    ],
)
async def test_a_call_that_gets_no_answer_may_have_been_done_or_not(
    api: Api, proxy: Proxy, client: aiohttp.ClientSession, do: Do, reaches: int, error: type[Exception]
) -> None:
    proxy.add(Rule(do=do))
    with pytest.raises(error):
        async with client.post(POD, timeout=aiohttp.ClientTimeout(total=0.5)) as answer:
            await answer.json()
    assert len(api.seen) == reaches


async def test_a_delayed_call_comes_later(proxy: Proxy, client: aiohttp.ClientSession) -> None:
    proxy.add(Rule(do=Do.DELAY, delay_s=0.3))
    begun = time.monotonic()
    async with client.get(POD) as answer:
        assert answer.status == 200
    assert time.monotonic() - begun >= 0.3


async def test_a_watch_comes_as_it_is_written_and_can_be_broken(proxy: Proxy, client: aiohttp.ClientSession) -> None:
    async with client.get(POD, params={"watch": "true"}) as answer:
        assert await answer.content.readline() == b"first\n"
        assert proxy.break_streams("log") == 0
        assert proxy.break_streams("watch") == 1
        with pytest.raises(aiohttp.ClientError):
            await answer.content.readline()


async def test_during_an_outage_nobody_listens_and_afterwards_on_the_same_port(
    proxy: Proxy, client: aiohttp.ClientSession
) -> None:
    outage = asyncio.ensure_future(proxy.outage(0.3))
    await asyncio.sleep(0)  # it has begun
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.get(POD)
    await outage
    async with client.get(POD) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    ("method", "path", "query", "verb"),
    [
        ("GET", POD, {}, "get"),
        ("GET", "/api/v1/namespaces/shop/pods", {}, "list"),
        ("GET", "/apis/apps/v1/deployments", {"watch": "true"}, "watch"),
        ("GET", f"{POD}/log", {"follow": "true"}, "log"),
        ("GET", "/version", {}, "get"),
        ("GET", "/api/v1", {}, "get"),
        ("POST", "/api/v1/namespaces", {}, "create"),
        ("PATCH", POD, {}, "patch"),
        ("DELETE", POD, {}, "delete"),
    ],
)
async def test_verbs_are_those_of_rbac(method: str, path: str, query: dict[str, str], verb: str) -> None:
    assert verb_of(method, path, query) == verb
