"""The API server over its socket and over HTTPS: what clients rely on."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from harness.sandbox.apiclient import ApiClient, ApiError, PatchType
from harness.sandbox.apiserver.resources import DEFINITIONS
from harness.sandbox.definitions import definition_of

if TYPE_CHECKING:
    from planes import Plane

pytestmark = [pytest.mark.anyio, pytest.mark.sandbox]

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
SECRETS = "/api/v1/namespaces/default/secrets"
PODS = "/api/v1/namespaces/default/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": data}


def pod(name: str = "p", **spec: Any) -> dict[str, Any]:
    container = {"name": "c", "image": "nginx:1.28.0"}
    return {"metadata": {"name": name}, "spec": {"containers": [container], **spec}}


async def test_what_is_created_can_be_read_and_listed(client: ApiClient) -> None:
    made = await client.create(CONFIG_MAPS, config_map("a", color="blue"))
    assert made["kind"] == "ConfigMap"
    assert made["metadata"]["uid"]
    assert await client.get(f"{CONFIG_MAPS}/a") == made
    listed = await client.list(CONFIG_MAPS, fieldSelector="metadata.name=a")
    assert listed["kind"] == "ConfigMapList"
    assert [item["metadata"]["name"] for item in listed["items"]] == ["a"]
    assert "kind" not in listed["items"][0]


async def test_resource_versions_rise_with_every_change(client: ApiClient) -> None:
    first = await client.create(CONFIG_MAPS, config_map("a"))
    second = await client.patch(f"{CONFIG_MAPS}/a", {"data": {"x": "1"}})
    assert int(second["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])
    assert (await client.patch(f"{CONFIG_MAPS}/a", {"data": {"x": "1"}})) == second, "nothing changed, nothing stored"


async def test_an_update_of_an_old_version_is_a_conflict(client: ApiClient) -> None:
    first = await client.create(CONFIG_MAPS, config_map("a"))
    await client.patch(f"{CONFIG_MAPS}/a", {"data": {"x": "1"}})
    with pytest.raises(ApiError, match="the object has been modified") as refused:
        await client.update(f"{CONFIG_MAPS}/a", {**first, "data": {"x": "2"}})
    assert (refused.value.status, refused.value.reason) == (409, "Conflict")


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "reason", "message"),
    [
        ("GET", f"{CONFIG_MAPS}/no", None, 404, "NotFound", 'configmaps "no" not found'),
        ("GET", f"{DEPLOYMENTS}/no", None, 404, "NotFound", 'deployments.apps "no" not found'),
        ("POST", f"{CONFIG_MAPS}/a", {}, 405, "MethodNotAllowed", "does not allow this method"),
        ("POST", "/api/v1/namespaces/no/configmaps", config_map("a"), 404, "NotFound", 'namespaces "no" not found'),
        ("GET", f"{PODS}?fieldSelector=spec.foo%3Da", None, 400, "BadRequest", "field label not supported: spec.foo"),
        ("GET", f"{PODS}?labelSelector=a%20b", None, 400, "BadRequest", "unable to parse requirement"),
        ("GET", f"{PODS}?watch=true&resourceVersion=x", None, 400, "BadRequest", "resourceVersion: Invalid value"),
        ("POST", CONFIG_MAPS, {"data": {}}, 422, "Invalid", "name or generateName is required"),
        ("DELETE", "/api/v1/namespaces/default", None, 403, "Forbidden", "this namespace may not be deleted"),
        ("POST", CONFIG_MAPS, [], 400, "BadRequest", "the body is not a ConfigMap"),
        ("POST", CONFIG_MAPS, {"kind": "Pod", "apiVersion": "v1"}, 400, "BadRequest", "cannot be handled as"),
    ],
)
async def test_refusals_carry_the_real_reasons(
    plane: Plane, method: str, path: str, body: Any, code: int, reason: str, message: str
) -> None:
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(plane.socket))) as session,
        session.request(method, f"http://api{path}", json=body) as response,
    ):
        status = await response.json()
    assert (response.status, status["kind"], status["code"], status["reason"]) == (code, "Status", code, reason)
    assert message in status["message"]


async def test_a_path_of_no_resource_is_answered_as_text_for_clients_to_word(plane: Plane) -> None:
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(plane.socket))) as session,
        session.get("http://api/apis/none/v1/things") as response,
    ):
        assert (response.status, response.content_type) == (404, "text/plain")
        assert await response.text() == "404 page not found\n"


@pytest.mark.parametrize(
    ("endpoints", "causes"),
    [
        ([{"addresses": ["10.244.1.2"]}], set()),
        ([{"addresses": ["10.244.1.300"]}, {}], {"endpoints[0].addresses[0]", "endpoints[1].addresses"}),
        ([{"addresses": ["10.244.1.2; flush ruleset"]}], {"endpoints[0].addresses[0]"}),
    ],
)
async def test_an_endpoint_is_an_address_and_nothing_else(
    plane: Plane, endpoints: list[dict[str, Any]], causes: set[str]
) -> None:
    path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
    body = {"metadata": {"name": "s"}, "addressType": "IPv4", "endpoints": endpoints, "ports": [{"port": 80}]}
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(plane.socket))) as session,
        session.post(f"http://api{path}", json=body) as response,
    ):
        answer = await response.json()
    assert response.status == (422 if causes else 201)
    assert {cause["field"] for cause in answer.get("details", {}).get("causes", ())} == causes


async def test_a_second_object_of_the_same_name_already_exists(client: ApiClient) -> None:
    await client.create(CONFIG_MAPS, config_map("settings"))
    with pytest.raises(ApiError, match='configmaps "settings" already exists') as refused:
        await client.create(CONFIG_MAPS, config_map("settings"))
    assert (refused.value.status, refused.value.reason) == (409, "AlreadyExists")


async def test_generated_names_begin_with_their_prefix(client: ApiClient) -> None:
    made = await client.create(CONFIG_MAPS, {"metadata": {"generateName": "web-"}})
    assert made["metadata"]["name"].startswith("web-")
    assert len(made["metadata"]["name"]) == len("web-") + 5


async def define(client: ApiClient, api_version: str, kind: str) -> None:
    """Has the kind served from now on."""
    definition = definition_of(api_version, kind)
    assert definition is not None
    await client.create(DEFINITIONS.collection(), definition)


def protobuf(api_version: str, kind: str, raw: bytes) -> bytes:
    """An object in Kubernetes' envelope: its type, then itself."""

    def field(number: int, value: bytes) -> bytes:
        return bytes([number << 3 | 2, len(value)]) + value

    return b"k8s\0" + field(1, field(1, api_version.encode()) + field(2, kind.encode())) + field(2, raw)


NAMED_A = bytes.fromhex("0a030a0161")  # metadata: {name: a}
ROUTES, GATEWAY_API = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes", "gateway.networking.k8s.io/v1"


@pytest.mark.parametrize(
    ("path", "body", "code", "reason", "message"),
    [
        (CONFIG_MAPS, protobuf("v1", "ConfigMap", NAMED_A), 201, None, None),
        (ROUTES, protobuf(GATEWAY_API, "HTTPRoute", NAMED_A), 415, "UnsupportedMediaType",
         "the body of the request was in an unknown format - accepted media types include: application/json"),
        (CONFIG_MAPS, protobuf("v1", "Namespace", NAMED_A), 400, "BadRequest",
         'Namespace in version "v1" cannot be handled as a ConfigMap'),
        (CONFIG_MAPS, protobuf("v1", "ConfigMap", NAMED_A)[:-1], 400, "BadRequest",
         "the object provided is unrecognized: unexpected EOF"),
        (CONFIG_MAPS, b"k8s\0", 400, "BadRequest", "the object provided is unrecognized: empty body"),
        (CONFIG_MAPS, b"{}", 400, "BadRequest", "does not appear to be a protobuf message"),
    ],
)  # fmt: skip
async def test_protobuf_is_taken_whole_and_of_the_right_kind_or_refused(
    plane: Plane, client: ApiClient, path: str, body: bytes, code: int, reason: str | None, message: str | None
) -> None:
    if path == ROUTES:
        await define(client, GATEWAY_API, "HTTPRoute")
    headers = {"Content-Type": "application/vnd.kubernetes.protobuf"}
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(plane.socket))) as session,
        session.post(f"http://api{path}", data=body, headers=headers) as response,
    ):
        answer = await response.json()
    assert (response.status, answer.get("reason")) == (code, reason)
    assert (message or "") in answer.get("message", "")
    assert code != 201 or answer["metadata"]["name"] == "a"


async def test_https_without_the_token_is_unauthorized_and_with_it_is_served(plane: Plane) -> None:
    for token, code in ((None, 401), ("wrong", 401), (plane.token, 200)):
        async with ApiClient(url=plane.url, token=token, ca=plane.ca) as client:
            try:
                await client.get("/api/v1/namespaces/default")
                seen = 200
            except ApiError as error:
                seen = error.status
        assert seen == code


async def test_labels_and_fields_select(client: ApiClient) -> None:
    for name, labels in (("a", {"app": "web"}), ("b", {"app": "db"}), ("c", {})):
        await client.create(CONFIG_MAPS, {"metadata": {"name": name, "labels": labels}})

    async def names(selector: str) -> str:
        items = (await client.list(CONFIG_MAPS, labelSelector=selector))["items"]
        return "".join(item["metadata"]["name"] for item in items if item["metadata"]["name"] in "abc")

    assert await names("app=web") == "a"
    assert await names("app!=web") == "bc"
    assert await names("app in (web, db)") == "ab"
    assert await names("app notin (web)") == "bc"
    assert await names("app") == "ab"
    assert await names("!app") == "c"
    assert await names("app=web,app!=db") == "a"


async def test_the_generation_counts_changes_of_the_spec_alone(client: ApiClient) -> None:
    template = {"metadata": {"labels": {"app": "w"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": "w"}}, "template": template}
    made = await client.create(DEPLOYMENTS, {"metadata": {"name": "w"}, "spec": spec})
    assert made["metadata"]["generation"] == 1
    path = f"{DEPLOYMENTS}/w"
    assert (await client.patch(path, {"metadata": {"labels": {"x": "y"}}}))["metadata"]["generation"] == 1
    assert (await client.patch(path, {"spec": {"minReadySeconds": 3}}))["metadata"]["generation"] == 2
    changed = await client.patch(f"{path}/status", {"status": {"replicas": 7}, "spec": {"replicas": 9}})
    assert changed["metadata"]["generation"] == 2
    assert changed["spec"]["replicas"] == 0


async def test_a_strategic_patch_merges_containers_by_name(client: ApiClient) -> None:
    await client.create(PODS, pod())
    patch = {"spec": {"containers": [{"name": "c", "image": "nginx:1.29.1"}]}}
    patched = await client.patch(f"{PODS}/p", patch, PatchType.STRATEGIC)
    (container,) = patched["spec"]["containers"]
    assert (container["image"], container["terminationMessagePolicy"]) == ("nginx:1.29.1", "File")


async def test_a_strategic_patch_without_one_of_two_taints_removes_it(client: ApiClient) -> None:
    taints = [{"key": key, "effect": "NoSchedule"} for key in ("a", "b")]
    await client.create("/api/v1/nodes", {"metadata": {"name": "n1"}, "spec": {"taints": taints}})
    patched = await client.patch("/api/v1/nodes/n1", {"spec": {"taints": taints[1:]}}, PatchType.STRATEGIC)
    assert patched["spec"]["taints"] == taints[1:]


async def test_custom_resources_take_no_strategic_patch(client: ApiClient) -> None:
    await define(client, "argoproj.io/v1alpha1", "Rollout")
    rollouts = "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts"
    await client.create(rollouts, {"metadata": {"name": "r"}, "spec": {}})
    with pytest.raises(ApiError, match="the body of the request was in an unknown format") as refused:
        await client.patch(f"{rollouts}/r", {"spec": {"replicas": 1}}, PatchType.STRATEGIC)
    assert (refused.value.status, refused.value.reason) == (415, "UnsupportedMediaType")
    assert (await client.patch(f"{rollouts}/r", {"spec": {"replicas": 1}}))["spec"] == {"replicas": 1}


async def test_a_pod_with_a_node_is_marked_first_and_goes_with_grace_zero(client: ApiClient) -> None:
    made = await client.create(PODS, pod(nodeName="n1", terminationGracePeriodSeconds=7))
    version = made["metadata"]["resourceVersion"]
    marked = await client.delete(f"{PODS}/p")
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 7
    assert marked["metadata"]["generation"] == 2
    assert (await client.delete(f"{PODS}/p", grace_s=60))["metadata"] == marked["metadata"], "grace is only shortened"
    await client.delete(f"{PODS}/p", grace_s=0)
    events = []
    async with asyncio.timeout(60):
        async for kind, obj in client.watch(PODS, {"resourceVersion": version}):
            events.append((kind, obj["metadata"].get("deletionGracePeriodSeconds")))
            if kind == "DELETED":
                break
    assert events == [("MODIFIED", 7), ("MODIFIED", 0), ("DELETED", 0)]


async def test_a_deletion_for_another_uid_is_a_conflict(client: ApiClient) -> None:
    await client.create(CONFIG_MAPS, config_map("a"))
    with pytest.raises(ApiError, match="Precondition failed: UID in precondition: other"):
        await client.delete(f"{CONFIG_MAPS}/a", uid="other")


async def test_finalizers_hold_an_object_until_the_last_is_gone(client: ApiClient) -> None:
    await client.create(CONFIG_MAPS, {"metadata": {"name": "a", "finalizers": ["test/hold"]}})
    await client.delete(f"{CONFIG_MAPS}/a")
    held = await client.get(f"{CONFIG_MAPS}/a")
    assert held["metadata"]["deletionTimestamp"]
    await client.patch(f"{CONFIG_MAPS}/a", {"metadata": {"finalizers": None}})
    with pytest.raises(ApiError, match="not found"):
        await client.get(f"{CONFIG_MAPS}/a")


async def test_scale_reads_and_writes_the_replicas(client: ApiClient) -> None:
    template = {"metadata": {"labels": {"app": "w"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "w"}}, "template": template}
    await client.create(DEPLOYMENTS, {"metadata": {"name": "w"}, "spec": spec})
    scale = await client.get(f"{DEPLOYMENTS}/w/scale")
    assert (scale["kind"], scale["spec"]["replicas"], scale["status"]["selector"]) == ("Scale", 1, "app=w")
    await client.patch(f"{DEPLOYMENTS}/w/scale", {"spec": {"replicas": 3}})
    assert (await client.get(f"{DEPLOYMENTS}/w"))["spec"]["replicas"] == 3


async def test_a_watch_tells_of_an_object_that_leaves_the_selection_as_deleted(client: ApiClient) -> None:
    made = await client.create(CONFIG_MAPS, {"metadata": {"name": "a", "labels": {"app": "web"}}})
    version = made["metadata"]["resourceVersion"]
    await client.patch(f"{CONFIG_MAPS}/a", {"metadata": {"labels": {"app": "other"}}})
    last = await client.patch(f"{CONFIG_MAPS}/a", {"metadata": {"labels": {"app": "web"}}})
    seen = []
    params = {"resourceVersion": version, "labelSelector": "app=web"}
    async with asyncio.timeout(60):
        async for kind, obj in client.watch(CONFIG_MAPS, params):
            seen.append((kind, obj["metadata"]["labels"]["app"]))
            if obj["metadata"]["resourceVersion"] == last["metadata"]["resourceVersion"]:
                break
    assert seen == [("DELETED", "web"), ("ADDED", "web")]


async def test_a_watch_from_before_the_remembered_past_is_gone(client: ApiClient) -> None:
    made = await client.create(CONFIG_MAPS, config_map("a"))
    for n in range(1001):
        await client.patch(f"{CONFIG_MAPS}/a", {"data": {"n": str(n)}})
    with pytest.raises(ApiError) as refused:
        async for _ in client.watch(CONFIG_MAPS, {"resourceVersion": made["metadata"]["resourceVersion"]}):
            pass
    assert (refused.value.status, refused.value.reason) == (410, "Expired")


async def test_a_watch_with_a_timeout_ends_by_itself(client: ApiClient) -> None:
    await client.create(SECRETS, config_map("a"))
    async with asyncio.timeout(60):
        kinds = [kind async for kind, _ in client.watch(SECRETS, {"timeoutSeconds": "1"})]
    assert kinds == ["ADDED"], "what was there, then the end"


async def test_a_list_as_a_stream_ends_with_a_bookmark(client: ApiClient) -> None:
    await client.create(SECRETS, config_map("a"))
    params = {"sendInitialEvents": "true", "allowWatchBookmarks": "true", "resourceVersionMatch": "NotOlderThan"}
    seen = []
    async with asyncio.timeout(60):
        async for kind, obj in client.watch(SECRETS, params):
            seen.append(kind)
            if kind == "BOOKMARK":
                assert obj["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
                break
    assert seen == ["ADDED", "BOOKMARK"]


async def test_an_informer_relists_after_410_and_tells_what_vanished(client: ApiClient) -> None:
    await client.create(SECRETS, config_map("gone"))
    informer = client.informer(SECRETS)
    changes = aiter(informer)
    names = []
    async with asyncio.timeout(60):
        while (change := await anext(changes)).type != "SYNCED":
            names.append(change.object["metadata"]["name"])
        assert names == ["gone"]
        await client.delete(f"{SECRETS}/gone")
        await client.create(SECRETS, config_map("new"))
        await changes.aclose()  # type: ignore[attr-defined]
        informer._version = None  # what a 410 does
        seen = []
        async for kind, obj in informer:
            seen.append((str(kind), obj["metadata"]["name"] if obj else ""))
            if kind == "SYNCED":
                break
    assert seen == [("DELETED", "gone"), ("ADDED", "new"), ("SYNCED", "")]


def drained(connection: socket.socket) -> int:
    """Reads until the other side has closed, one way or the other; how many bytes came."""
    total = 0
    try:
        while data := connection.recv(65536):
            total += len(data)
    except ConnectionResetError:
        pass
    return total


async def test_a_client_that_never_reads_is_dropped_and_stalls_nobody(plane: Plane, client: ApiClient) -> None:
    lazy = socket.socket(socket.AF_UNIX)
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    lazy.connect(str(plane.socket))
    lazy.sendall(f"GET {CONFIG_MAPS}?watch=true HTTP/1.1\r\nHost: api\r\n\r\n".encode())
    big = "x" * 4000
    await client.create(CONFIG_MAPS, config_map("a", text=big))
    async with asyncio.timeout(60):
        for n in range(2500):
            await client.patch(f"{CONFIG_MAPS}/a", {"data": {"text": f"{n}{big}"}})
    lazy.settimeout(10)
    assert drained(lazy) < 2500 * len(big), "the connection was cut before everything was sent"
    lazy.close()


async def test_services_get_an_address_and_node_ports_of_their_own(client: ApiClient) -> None:
    services = "/api/v1/namespaces/default/services"
    spec = {"type": "NodePort", "selector": {"app": "w"}, "ports": [{"port": 80}]}
    first = await client.create(services, {"metadata": {"name": "a"}, "spec": spec})
    second = await client.create(services, {"metadata": {"name": "b"}, "spec": spec})
    assert first["spec"]["clusterIP"] != second["spec"]["clusterIP"]
    assert first["spec"]["clusterIP"].startswith("10.96.")
    ports = {item["spec"]["ports"][0]["nodePort"] for item in (first, second)}
    assert len(ports) == 2
    assert all(30000 <= port <= 32767 for port in ports)
    taken = {**spec, "ports": [{"port": 80, "nodePort": first["spec"]["ports"][0]["nodePort"]}]}
    with pytest.raises(ApiError, match="provided port is already allocated"):
        await client.create(services, {"metadata": {"name": "c"}, "spec": taken})


async def test_dry_runs_store_nothing(plane: Plane, client: ApiClient) -> None:
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(plane.socket))) as session,
        session.post(f"http://api{CONFIG_MAPS}?dryRun=All", json=config_map("a")) as response,
    ):
        assert response.status == 201
        metadata = json.loads(await response.read())["metadata"]
        assert metadata["name"] == "a"
        assert "resourceVersion" not in metadata
    with pytest.raises(ApiError, match="not found"):
        await client.get(f"{CONFIG_MAPS}/a")
