"""Bodies that are JSON and yet make no sense: each is refused as the real API refuses it, and nothing else is hurt."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from examples import examples
from hypothesis import HealthCheck, given, settings
from planes import control_plane
from test_api_hostile import anything, codes, encoded, plausible

from harness.sandbox.apiclient import ApiClient, PatchType
from harness.sandbox.apiserver.clock import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from planes import Plane

    Wait = Callable[..., Any]

pytestmark = [pytest.mark.anyio, pytest.mark.sandbox]

CORE, APPS = "/api/v1/namespaces/default", "/apis/apps/v1/namespaces/default"
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
WEB = {"metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE}}


async def asked(
    plane: Plane, method: str, path: str, body: bytes | Any, kind: str = "application/json"
) -> tuple[int, dict[str, Any]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(plane.socket))) as session,
        session.request(method, f"http://api{path}", data=raw, headers={"Content-Type": kind}) as response,
    ):
        answer: dict[str, Any] = await response.json()
        return response.status, answer


@pytest.mark.parametrize(
    "body", ["x", 5, [], None, {"spec": "x"}, {"metadata": "x"}, {"metadata": 5, "spec": {"replicas": 1}}]
)
async def test_a_scale_that_is_none_is_refused(plane: Plane, client: ApiClient, body: Any) -> None:
    await client.create(f"{APPS}/deployments", WEB)
    code, said = await asked(plane, "PUT", f"{APPS}/deployments/web/scale", body)
    assert (code, said["reason"]) == (400, "BadRequest")


@pytest.mark.parametrize("body", ["x", 5, [], {"spec": "x"}, {"metadata": 5}, {"spec": {"finalizers": "x"}}])
async def test_a_namespace_that_is_none_finalizes_nothing(plane: Plane, body: Any) -> None:
    assert (await asked(plane, "PUT", "/api/v1/namespaces/default/finalize", body))[0] == 400


@pytest.mark.parametrize("body", ["x", 5, [], {"target": "x"}, {"target": {"name": 5}}, {"metadata": "x"}, {}])
async def test_a_binding_that_is_none_binds_nothing(plane: Plane, body: Any) -> None:
    assert (await asked(plane, "POST", f"{CORE}/pods/any/binding", body))[0] == 400


@pytest.mark.parametrize("body", ["x", 5, [], {"deleteOptions": 5}, {"deleteOptions": {"gracePeriodSeconds": "1"}}])
async def test_an_eviction_that_is_none_evicts_nothing(plane: Plane, client: ApiClient, body: Any) -> None:
    await client.create(f"{CORE}/pods", {"metadata": {"name": "kept"}, "spec": TEMPLATE["spec"]})
    assert (await asked(plane, "POST", f"{CORE}/pods/kept/eviction", body))[0] == 400
    assert await client.get(f"{CORE}/pods/kept")


@pytest.mark.parametrize(
    ("term", "says"),
    [
        ({}, 'spec.selector.matchExpressions[0].key: Invalid value: "": name part must be non-empty'),
        ({"key": "a", "operator": "Near"}, "spec.selector.matchExpressions[0].operator: Invalid value"),
        ({"key": "a", "operator": "In"}, "spec.selector.matchExpressions[0].values: Required value"),
    ],
)
@pytest.mark.parametrize("path", ["/apis/batch/v1/namespaces/default/jobs", f"{APPS}/deployments"])
async def test_a_selector_that_cannot_be_matched_is_named(
    plane: Plane, path: str, term: dict[str, Any], says: str
) -> None:
    pod = {**TEMPLATE["spec"], **({"restartPolicy": "Never"} if path.endswith("jobs") else {})}
    spec = {"selector": {"matchExpressions": [term]}, "template": {**TEMPLATE, "spec": pod}}
    code, said = await asked(plane, "POST", path, {"metadata": {"name": "odd"}, "spec": spec})
    assert code == 422
    assert says in said["message"]


@pytest.mark.parametrize("number", [2**31, -(2**31) - 1, 2**63, 10**400])
async def test_a_number_that_is_too_large_is_no_number_of_replicas(
    plane: Plane, client: ApiClient, number: int
) -> None:
    body = {**WEB, "spec": {**WEB["spec"], "replicas": number}}
    code, said = await asked(plane, "POST", f"{APPS}/deployments", body)
    assert code == 400
    assert said["message"].endswith(" into Go struct field DeploymentSpec.spec.replicas of type int32")
    await client.create(f"{APPS}/deployments", WEB)
    scale = {"spec": {"replicas": number}}
    assert (await asked(plane, "PATCH", f"{APPS}/deployments/web/scale", scale, PatchType.MERGE))[0] == 400


async def test_a_grace_period_longer_than_time_ends_with_it(plane: Plane, client: ApiClient) -> None:
    """It may be an int64; a stamp has four digits for the year."""
    spec = {**TEMPLATE["spec"], "terminationGracePeriodSeconds": 10**12, "nodeName": "nowhere"}
    await client.create(f"{CORE}/pods", {"metadata": {"name": "long"}, "spec": spec})
    code, said = await asked(plane, "DELETE", f"{CORE}/pods/long", b"")
    assert code == 200
    assert said["metadata"]["deletionTimestamp"] == "9999-12-31T23:59:59Z"
    assert seconds(said["metadata"]["deletionTimestamp"])
    await client.delete(f"{CORE}/pods/long", grace_s=0)
    assert (await asked(plane, "GET", f"{CORE}/pods/long", b""))[0] == 404
    spec["terminationGracePeriodSeconds"] = 2**63
    assert (await asked(plane, "POST", f"{CORE}/pods", {"metadata": {"name": "longer"}, "spec": spec}))[0] == 400


@pytest.mark.parametrize("half", [b'"\\ud800"', b'"\xed\xa0\x80"', b'"\\udc00\\ud800"'])
async def test_half_a_character_is_replaced_as_by_gos_decoder(plane: Plane, half: bytes) -> None:
    body = b'{"metadata": {"name": "odd"}, "stringData": {"a": %s, "b": "\\ud83d\\ude00"}}' % half
    code, said = await asked(plane, "POST", f"{CORE}/secrets", body)
    assert code == 201
    values = {key: base64.b64decode(value).decode() for key, value in said["data"].items()}
    assert set(values["a"]) == {"\ufffd"}
    assert values["b"] == "\U0001f600"


@pytest.mark.parametrize(
    "patch", [{"$retainKeys": 5}, {"spec": {"strategy": {"$retainKeys": "type"}}}, {"spec": {"$retainKeys": {}}}]
)
async def test_a_directive_that_is_no_list_is_refused(plane: Plane, client: ApiClient, patch: Any) -> None:
    await client.create(f"{APPS}/deployments", WEB)
    assert (await asked(plane, "PATCH", f"{APPS}/deployments/web", patch, PatchType.STRATEGIC))[0] == 400


@pytest.mark.parametrize("path", ["/spec/template", "/spec/template/spec/containers/0", "/spec/none"])
async def test_nothing_can_be_moved_into_its_own_child(plane: Plane, client: ApiClient, path: str) -> None:
    before = await client.create(f"{APPS}/deployments", WEB)
    for where in ("/spec", ""):
        operation = {"op": "move", "from": where, "path": path}
        code, _ = await asked(plane, "PATCH", f"{APPS}/deployments/web", [operation], PatchType.JSON)
        assert code == 422
    assert (await client.get(f"{APPS}/deployments/web"))["spec"] == before["spec"]


async def test_what_every_namespace_has_comes_back(client: ApiClient, eventually: Wait) -> None:
    await eventually(f"{CORE}/configmaps", lambda found: len(found) == 1)
    root_ca = (await client.get(f"{CORE}/configmaps/kube-root-ca.crt"))["data"]
    await client.delete(f"{CORE}/configmaps/kube-root-ca.crt")
    await client.delete(f"{CORE}/serviceaccounts/default")
    held = lambda found: root_ca in [one.get("data") for one in found]  # noqa: E731
    await eventually(f"{CORE}/configmaps", held)
    await eventually(f"{CORE}/serviceaccounts", lambda found: [one["metadata"]["name"] for one in found] == ["default"])
    await client.patch(f"{CORE}/configmaps/kube-root-ca.crt", {"data": {"ca.crt": "mine", "other": "mine"}})
    await eventually(f"{CORE}/configmaps", held)


async def test_it_does_not_come_back_in_a_namespace_that_ends(client: ApiClient, eventually: Wait) -> None:
    await client.create("/api/v1/namespaces", {"metadata": {"name": "ending"}})
    await eventually("/api/v1/namespaces/ending/configmaps", lambda found: len(found) == 1)
    await client.delete("/api/v1/namespaces/ending")
    names = lambda found: "ending" not in [one["metadata"]["name"] for one in found]  # noqa: E731
    await eventually("/api/v1/namespaces", names)


@pytest.fixture(scope="module")
def shared() -> Iterator[Plane]:
    """One control plane, with a Deployment, for all examples."""
    with control_plane() as started:

        async def make() -> None:
            async with ApiClient(started.socket) as client:
                await client.create(f"{APPS}/deployments", {**WEB, "spec": {**WEB["spec"], "replicas": 0}})

        asyncio.run(make())
        yield started


BODIES = {
    ("PUT", f"{APPS}/deployments/web/scale"): "V1Scale",
    ("PUT", "/api/v1/namespaces/default/finalize"): "V1Namespace",
    ("POST", f"{CORE}/pods/none/binding"): "V1Binding",
    ("POST", f"{CORE}/pods/none/eviction"): "V1Eviction",
    ("DELETE", f"{CORE}/pods/none"): "V1DeleteOptions",
}


@pytest.mark.parametrize(("call", "kind"), BODIES.items(), ids=BODIES.values())
def test_no_body_below_an_object_is_a_fault(shared: Plane, call: tuple[str, str], kind: str) -> None:
    @settings(max_examples=examples(20), deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(body=plausible(kind) | anything)
    def check(body: Any) -> None:
        method, path = call
        (code,) = codes(shared, (method, path, {"dryRun": "All"}, encoded(body), "application/json"))
        assert code < 500, body

    check()
