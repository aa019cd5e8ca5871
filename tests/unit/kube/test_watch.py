"""A watch goes on through what real API servers do to it: ends, breaks, 410, and lists again where it must.

The API here is a real HTTP server that answers each request with the next step of a script.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from harness.errors import ClusterError
from harness.kube.client import Kube
from harness.kube.connection import from_kubeconfig
from harness.kube.errors import ApiRefusal
from harness.kube.watch import WatchEvent, watch

pytestmark = pytest.mark.anyio

DISCOVERY = {"resources": [{"name": "pods", "kind": "Pod", "namespaced": True}]}


def pod(name: str, version: int) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": f"uid-{name}", "resourceVersion": str(version)}}


def listed(version: int, *pods: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": str(version)}, "items": list(pods)}


def event(type_: str, object_: dict[str, Any]) -> dict[str, Any]:
    return {"type": type_, "object": object_}


GONE = event("ERROR", {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"})
BREAK = "break"


def kubeconfig(port: int) -> dict[str, Any]:
    return {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [{"name": "a", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "a", "user": {"token": "t"}}],
    }


@asynccontextmanager
async def api(*script: Any) -> AsyncIterator[tuple[Kube, list[dict[str, str]]]]:
    """Lists are dicts, watches are lists of events, an int is a refusal; requests tells what was asked."""
    steps = iter(script)
    asked: list[dict[str, str]] = []

    async def discovery(request: web.Request) -> web.Response:
        return web.json_response(DISCOVERY)

    async def pods(request: web.Request) -> web.StreamResponse:
        asked.append(dict(request.query))
        step: Any = next(steps, [])
        if isinstance(step, int):
            return web.json_response({"kind": "Status", "reason": "Gone", "message": "so it is"}, status=step)
        if isinstance(step, dict):
            return web.json_response(step)
        response = web.StreamResponse()
        await response.prepare(request)
        for each in step:
            if each == BREAK:
                assert request.transport is not None
                request.transport.abort()
                return response
            line = each if isinstance(each, bytes) else json.dumps(each).encode() + b"\n"
            await response.write(line[:7])  # lines do not come whole
            await response.write(line[7:])
        return response

    app = web.Application()
    app.router.add_get("/api/v1", discovery)
    app.router.add_get("/api/v1/namespaces/shop/pods", pods)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with from_kubeconfig(kubeconfig(port)) as kube:
            yield kube, asked
    finally:
        await runner.cleanup()


async def first(kube: Kube, count: int) -> list[str]:
    """The first events in short: "ADDED a@1", "GAP"."""
    found: list[str] = []
    async with aclosing(watch(kube, "v1", "Pod", namespace="shop")) as events:
        async for seen in events:
            found.append(short(seen))
            if len(found) == count:
                break
    return found


def short(seen: WatchEvent) -> str:
    meta = seen.object.get("metadata")
    return f"{seen.type} {meta['name']}@{meta['resourceVersion']}" if meta else str(seen.type)


async def test_what_exists_comes_as_added_then_every_change() -> None:
    changes = [event("MODIFIED", pod("a", 7)), event("ADDED", pod("b", 8)), event("DELETED", pod("a", 9))]
    async with api(listed(5, pod("a", 3)), changes) as (kube, asked):
        assert await first(kube, 4) == ["ADDED a@3", "MODIFIED a@7", "ADDED b@8", "DELETED a@9"]
    assert asked[1]["resourceVersion"] == "5"


async def test_a_watch_that_the_server_ends_is_taken_up_where_it_was() -> None:
    async with api(listed(5), [event("ADDED", pod("a", 6))], [event("MODIFIED", pod("a", 7))]) as (kube, asked):
        assert await first(kube, 2) == ["ADDED a@6", "MODIFIED a@7"]
    assert asked[2]["resourceVersion"] == "6"


@pytest.mark.parametrize(
    "garbled",
    [b'{"type":"MODI\n', b"null\n", b"[]\n", b"\xff\xfe\n", b'{"type":"MODIFIED","object":{"metadata":{}}}\n',
     b'{"type":"MODIFIED","object":"pod"}\n', b'{"type":"RENAMED","object":{"metadata":{"resourceVersion":"9"}}}\n',
     b'{"type":"ERROR","object":{"code":"much"}}\n', b"[" * 100_000 + b"\n"],
)  # fmt: skip
async def test_what_is_no_event_is_a_gap_and_is_asked_for_again(garbled: bytes) -> None:
    steps = [event("ADDED", pod("a", 6)), garbled], [event("MODIFIED", pod("a", 7))]
    async with api(listed(5), *steps) as (kube, asked):
        assert await first(kube, 3) == ["ADDED a@6", "GAP", "MODIFIED a@7"]
    assert asked[2]["resourceVersion"] == "6"


@pytest.mark.parametrize("answer", [{"kind": "Status"}, {"metadata": {}, "items": []}, listed(5, {"metadata": "a"})])
async def test_an_answer_that_is_no_list_is_said(answer: dict[str, Any]) -> None:
    async with api(answer) as (kube, _):
        with pytest.raises(ClusterError, match="what came is no list"):
            await first(kube, 1)


async def test_bookmarks_move_the_place_and_say_nothing() -> None:
    bookmark = event("BOOKMARK", {"metadata": {"resourceVersion": "50"}})
    async with api(listed(5), [bookmark], [event("ADDED", pod("a", 51))]) as (kube, asked):
        assert await first(kube, 1) == ["ADDED a@51"]
    assert asked[2]["resourceVersion"] == "50"


async def test_a_watch_that_breaks_leaves_a_gap_and_goes_on() -> None:
    async with api(listed(5), [event("ADDED", pod("a", 6)), BREAK], [event("MODIFIED", pod("a", 7))]) as (kube, asked):
        assert await first(kube, 3) == ["ADDED a@6", "GAP", "MODIFIED a@7"]
    assert asked[2]["resourceVersion"] == "6"


@pytest.mark.parametrize("gone", [[GONE], 410])
async def test_after_410_everything_is_listed_again_and_what_went_meanwhile_is_deleted(gone: Any) -> None:
    script = (
        listed(5, pod("a", 1), pod("b", 2), pod("c", 3)),
        gone,
        listed(90, pod("b", 2), pod("c", 80), pod("d", 81)),
    )
    async with api(*script) as (kube, asked):
        seen = await first(kube, 7)
    assert seen[:3] == ["ADDED a@1", "ADDED b@2", "ADDED c@3"]
    assert seen[3:] == ["GAP", "DELETED a@1", "MODIFIED c@80", "ADDED d@81"]
    assert "resourceVersion" not in asked[2]


async def test_a_first_list_that_is_refused_is_an_error() -> None:
    async with api(403) as (kube, _):
        with pytest.raises(ApiRefusal, match="403"):
            await first(kube, 1)


async def test_an_api_that_does_not_answer_is_an_error_that_names_it() -> None:
    async with from_kubeconfig(kubeconfig(1)) as nowhere:
        with pytest.raises(ClusterError, match=r"GET /version on 127.0.0.1:1: no answer"):
            await nowhere.version()
