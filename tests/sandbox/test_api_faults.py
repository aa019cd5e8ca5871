"""Trouble on demand: throttling, denials, missing rights, delays, outages, compaction, quotas."""

from __future__ import annotations

import asyncio
import ssl
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from harness.sandbox.apiclient import ApiClient, ApiError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from planes import Plane

    Wait = Callable[..., Any]

pytestmark = [pytest.mark.anyio, pytest.mark.sandbox]

MAPS, PODS = "/api/v1/namespaces/default/configmaps", "/api/v1/namespaces/default/pods"
Object = dict[str, Any]
ASKS = {"requests": {"cpu": "1"}}
QUOTAS = "/api/v1/namespaces/default/resourcequotas"


@pytest.fixture
async def outside(plane: Plane) -> AsyncIterator[ApiClient]:
    """A client over HTTPS, which meets the faults."""
    async with ApiClient(url=plane.url, token=plane.token, ca=plane.ca) as opened:
        yield opened


async def set_up(plane: Plane, method: str, path: str, body: Any = None) -> int:
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(plane.socket))) as session,
        session.request(method, f"http://api/sandbox/{path}", json=body) as response,
    ):
        return response.status


async def refusal(call: Any) -> tuple[int, str]:
    with pytest.raises(ApiError) as refused:
        await call
    return refused.value.status, refused.value.message


async def test_throttling_counts_down_and_spares_the_sandbox_itself(
    plane: Plane, client: ApiClient, outside: ApiClient
) -> None:
    rule = {"do": "throttle", "methods": ["GET"], "resources": ["configmaps"], "times": 2, "retry_after_s": 3}
    assert await set_up(plane, "PUT", "faults", [rule]) == 200
    await client.list(MAPS)
    for _ in range(2):
        assert (await refusal(outside.list(MAPS)))[0] == 429
    await outside.list(MAPS)


async def test_a_throttled_answer_says_when_to_come_again(plane: Plane) -> None:
    await set_up(plane, "PUT", "faults", [{"do": "throttle", "retry_after_s": 3}])
    headers = {"Authorization": f"Bearer {plane.token}"}
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False), headers=headers) as session,
        session.get(plane.url + MAPS) as response,
    ):
        await response.read()  # the session waits for the end of connections that it has back, not of others
        assert (response.status, response.headers["Retry-After"]) == (429, "3")


async def test_denials_and_missing_rights_speak_as_the_real_api(plane: Plane, outside: ApiClient) -> None:
    rules = [
        {"do": "deny", "methods": ["POST"], "resources": ["configmaps"], "message": "no"},
        {"do": "forbid", "methods": ["PATCH"], "resources": ["configmaps"]},
    ]
    await set_up(plane, "PUT", "faults", rules)
    denied = await refusal(outside.create(MAPS, {"metadata": {"name": "a"}}))
    assert denied == (403, 'admission webhook "deny.sandbox" denied the request: no')
    forbidden = await refusal(outside.patch(f"{MAPS}/a", {}))
    assert forbidden == (
        403,
        'configmaps "a" is forbidden: User "sandbox" cannot patch resource "configmaps" in API group "" in the '
        'namespace "default"',
    )
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    for verb, allowed in (("patch", False), ("get", True)):
        review = {"spec": {"resourceAttributes": {"verb": verb, "resource": "configmaps", "namespace": "default"}}}
        assert (await outside.create(path, review))["status"]["allowed"] is allowed
    await set_up(plane, "PUT", "faults", [])
    await outside.create(MAPS, {"metadata": {"name": "a"}})


async def test_delays_hold_only_what_they_are_meant_for(plane: Plane, outside: ApiClient) -> None:
    await set_up(plane, "PUT", "faults", [{"do": "delay", "delay_s": 1.5, "methods": ["GET"], "names": ["slow"]}])
    began = time.monotonic()
    await outside.list(MAPS)
    assert time.monotonic() - began < 1.5
    began = time.monotonic()
    assert (await refusal(outside.get(f"{MAPS}/slow")))[0] == 404
    assert time.monotonic() - began >= 1.5


async def test_hanging_up_is_not_an_answer(plane: Plane, outside: ApiClient) -> None:
    await set_up(plane, "PUT", "faults", [{"do": "hang-up", "methods": ["POST"], "times": 1}])
    with pytest.raises(aiohttp.ClientError):
        await outside.create(MAPS, {"metadata": {"name": "a"}})
    assert (await refusal(outside.get(f"{MAPS}/a")))[0] == 404, "it was never stored"


async def test_an_informer_lives_through_an_outage_and_a_compaction(
    plane: Plane, client: ApiClient, outside: ApiClient
) -> None:
    seen: list[str] = []
    known, told = asyncio.Event(), asyncio.Event()

    async def follow() -> None:
        async for kind, obj in outside.informer(MAPS):
            seen.append(f"{kind} {obj['metadata']['name'] if obj else ''}".strip())
            known.set()
            if "late" in seen[-1]:
                told.set()

    task = asyncio.ensure_future(follow())
    async with asyncio.timeout(60):
        await known.wait()
        outage = asyncio.ensure_future(set_up(plane, "POST", "outage", {"for_s": 0.5}))
        await client.create(MAPS, {"metadata": {"name": "late"}})
        await set_up(plane, "POST", "compaction")
        assert await outage == 200
        await told.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert seen.count("ADDED late") == 1


async def test_an_outage_is_over_in_time_also_where_whoever_asked_for_it_went_away(
    plane: Plane, outside: ApiClient
) -> None:
    assert (await refusal(outside.get(f"{MAPS}/none")))[0] == 404  # connected: no handshake is under way
    asked = asyncio.ensure_future(set_up(plane, "POST", "outage", {"for_s": 1.0}))
    async with asyncio.timeout(60):
        while True:  # until it is away
            try:
                await outside.get(f"{MAPS}/none")
            except aiohttp.ClientError:
                break
            except ApiError:
                await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        while True:  # and back
            try:
                assert (await refusal(outside.get(f"{MAPS}/none")))[0] == 404
                break
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


def client_hello(plane: Plane) -> bytes:
    """How a handshake begins."""
    written = ssl.MemoryBIO()
    handshake = ssl.create_default_context(cadata=plane.ca).wrap_bio(
        ssl.MemoryBIO(), written, server_hostname="localhost"
    )
    with pytest.raises(ssl.SSLWantReadError):
        handshake.do_handshake()
    return written.read()


@pytest.mark.parametrize("sent", ["nothing", "a part", "all of it"])
async def test_a_handshake_that_is_under_way_when_an_outage_begins_is_cut(plane: Plane, sent: str) -> None:
    hello = client_hello(plane)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(plane.url.rpartition(":")[2]))
    writer.write(hello[: {"nothing": 0, "a part": 100}.get(sent)])
    await writer.drain()
    if sent == "all of it":
        await reader.readexactly(100)  # the server's part has come: it waits for the client's last
    else:
        await set_up(plane, "POST", "compaction")  # the server has come round: it has accepted
    outage = asyncio.ensure_future(set_up(plane, "POST", "outage", {"for_s": 3.0}))
    async with asyncio.timeout(60):
        with suppress(ConnectionResetError):
            await reader.read()
    assert not outage.done(), "cut as it begins, not when it is over"
    writer.close()
    with suppress(ConnectionResetError):
        await writer.wait_closed()
    assert await outage == 200


async def test_a_client_that_goes_in_the_middle_of_a_watch_leaves_no_socket_behind(
    plane: Plane, client: ApiClient
) -> None:
    await client.create(MAPS, {"metadata": {"name": "a"}})

    def sockets() -> int:
        return sum("socket:" in path.readlink().name for path in open_files())

    before = sockets()
    for _ in range(5):
        async with ApiClient(url=plane.url, token=plane.token, ca=plane.ca) as leaving:
            known = asyncio.Event()

            async def follow(informer: AsyncIterator[Any], known: asyncio.Event) -> None:
                async for _ in informer:
                    known.set()

            task = asyncio.ensure_future(follow(aiter(leaving.informer(MAPS)), known))
            async with asyncio.timeout(60):
                await known.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert sockets() == before


def open_files() -> list[Path]:
    """This process' file descriptors; one that was opened to list them is gone again."""
    return [path for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]


async def test_the_means_of_trouble_are_not_there_over_https(outside: ApiClient) -> None:
    assert (await refusal(outside.create("/sandbox/compaction", {})))[0] == 404


@pytest.mark.parametrize("body", [{}, [{"do": "explode"}], [{"do": "deny", "colour": "blue"}], "x"])
async def test_rules_that_make_no_sense_are_refused(plane: Plane, body: Any) -> None:
    assert await set_up(plane, "PUT", "faults", body) == 400


async def test_quotas_are_counted_and_kept(client: ApiClient, eventually: Wait) -> None:
    spec = {"hard": {"pods": "1", "requests.cpu": "1", "count/configmaps": "100"}}
    await client.create(QUOTAS, {"metadata": {"name": "small"}, "spec": spec})
    container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": "600m"}}}
    pod = {"metadata": {"generateName": "p-"}, "spec": {"containers": [container]}}
    await client.create(PODS, pod)
    code, message = await refusal(client.create(PODS, pod))
    assert code == 403
    assert message.endswith(
        "is forbidden: exceeded quota: small, requested: pods=1,requests.cpu=600m, used: pods=1,requests.cpu=600m, "
        "limited: pods=1,requests.cpu=1"
    )
    used = lambda found: found[0].get("status", {}).get("used", {}).get("requests.cpu") == "600m"  # noqa: E731
    (quota,) = await eventually(QUOTAS, used)
    assert quota["status"]["used"]["pods"] == "1"


@pytest.mark.parametrize(
    ("hard", "containers", "whole", "missing"),
    [
        ({"requests.cpu": "4"}, [{"limits": {"memory": "1Gi"}}], {}, "requests.cpu for: c0"),
        ({"cpu": "4", "limits.memory": "4Gi"}, [{}, ASKS], {}, "cpu for: c0; limits.memory for: c0,c1"),
        ({"limits.cpu": "4"}, [{"requests": {"cpu": "1"}}], {}, "limits.cpu for: c0"),
        ({"requests.cpu": "4"}, [{"limits": {"cpu": "1"}}], {}, ""),  # a request left out is the limit
        ({"requests.cpu": "4"}, [{}], {"requests": {"cpu": "1"}}, ""),
        ({"pods": "4"}, [{}], {}, ""),
    ],
)  # fmt: skip
async def test_what_a_quota_counts_pods_must_ask_for(
    client: ApiClient, hard: Object, containers: list[Object], whole: Object, missing: str
) -> None:
    await client.create(QUOTAS, {"metadata": {"name": "q"}, "spec": {"hard": hard}})
    made = [{"name": f"c{number}", "image": "i", "resources": asked} for number, asked in enumerate(containers)]
    pod = {"metadata": {"name": "p"}, "spec": {"containers": made, **({"resources": whole} if whole else {})}}
    if not missing:
        await client.create(PODS, pod)
        return
    code, message = await refusal(client.create(PODS, pod))
    assert (code, message) == (403, f'pods "p" is forbidden: failed quota: q: must specify {missing}')


async def test_a_quota_of_a_scope_asks_nothing_of_other_pods(client: ApiClient) -> None:
    scope = {"scopeName": "PriorityClass", "operator": "In", "values": ["batch"]}
    spec = {"hard": {"requests.cpu": "4"}, "scopeSelector": {"matchExpressions": [scope]}}
    await client.create(QUOTAS, {"metadata": {"name": "batch"}, "spec": spec})
    await client.create(PODS, {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})


async def test_a_replica_set_tells_of_a_quota_that_holds_it_back(client: ApiClient, eventually: Wait) -> None:
    await client.create(QUOTAS, {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})
    template = {"metadata": {"labels": {"app": "w"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"selector": {"matchLabels": {"app": "w"}}, "template": template}
    await client.create("/apis/apps/v1/namespaces/default/deployments", {"metadata": {"name": "w"}, "spec": spec})

    def failed(found: list[dict[str, Any]]) -> bool:
        conditions = [item for obj in found for item in obj["status"].get("conditions", ())]
        return any(item["type"] == "ReplicaFailure" and "exceeded quota" in item["message"] for item in conditions)

    await eventually("/apis/apps/v1/namespaces/default/deployments", failed)
