"""What stands around pods: accounts and tokens, rights, Endpoints, budgets, classes, the API's own Service."""

from __future__ import annotations

import base64
import ssl
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from planes import playing

from harness.sandbox.apiclient import ApiClient, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from planes import Plane

pytestmark = [pytest.mark.anyio, pytest.mark.sandbox]

CORE = "/api/v1/namespaces/default"
APPS = "/apis/apps/v1/namespaces/default"
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
Object = dict[str, Any]


def pod(name: str, **spec: Any) -> Object:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "nginx:1.28.0"}], **spec}}


def deployment(replicas: int) -> Object:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": pod("")["spec"]}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"metadata": {"name": "web"}, "spec": spec}


def are_ready(count: int) -> Callable[[list[Object]], bool]:
    def holds(pods: list[Object]) -> bool:
        conditions = [item for each in pods for item in each.get("status", {}).get("conditions", ())]
        return sum(item["type"] == "Ready" and item["status"] == "True" for item in conditions) == count

    return holds


async def as_user(plane: Plane, token: str, path: str, method: str = "GET", **more: Any) -> tuple[int, Object, Any]:
    context = ssl.create_default_context(cadata=plane.ca)
    headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
        session.request(method, plane.url + path, headers=headers, **more) as response,
    ):
        return response.status, await response.json(), response.headers


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"serviceAccountName": "nosuch"},
            'pods "p" is forbidden: error looking up service account default/nosuch: serviceaccount "nosuch" not found',
        ),
        ({"priorityClassName": "nosuch"}, 'pods "p" is forbidden: no PriorityClass with name nosuch was found'),
        ({"runtimeClassName": "nosuch"}, 'pods "p" is forbidden: pod rejected: RuntimeClass "nosuch" not found'),
        (
            {"priority": 7},
            'pods "p" is forbidden: the integer value of priority (7) must not be provided in pod spec; priority '
            "admission controller computed 0 from the given PriorityClass name",
        ),
    ],
)
async def test_a_pod_that_names_what_is_not_there_is_refused(client: ApiClient, spec: Object, message: str) -> None:
    with pytest.raises(ApiError) as refused:
        await client.create(f"{CORE}/pods", pod("p", **spec))
    assert (refused.value.status, refused.value.message) == (403, message)


async def test_a_pod_gets_its_accounts_token_mounted_and_its_class_priority(client: ApiClient) -> None:
    made = await client.create(f"{CORE}/pods", pod("p", priorityClassName="system-node-critical"))
    (volume,) = made["spec"]["volumes"]
    assert volume["name"].startswith("kube-api-access-")
    assert volume["projected"]["sources"][0] == {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}
    assert made["spec"]["containers"][0]["volumeMounts"] == [
        {"name": volume["name"], "readOnly": True, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
    ]
    assert made["spec"]["priority"] == 2000001000
    await client.create(
        f"{CORE}/serviceaccounts", {"metadata": {"name": "bare"}, "automountServiceAccountToken": False}
    )
    assert "volumes" not in (await client.create(f"{CORE}/pods", pod("q", serviceAccountName="bare")))["spec"]


async def test_a_token_is_its_account_and_may_what_roles_give(plane: Plane, client: ApiClient) -> None:
    await client.create(f"{CORE}/serviceaccounts", {"metadata": {"name": "robot"}})
    request: Object = {"spec": {"expirationSeconds": 600}}
    token = (await client.create(f"{CORE}/serviceaccounts/robot/token", request))["status"]["token"]
    user = "system:serviceaccount:default:robot"
    code, said, _ = await as_user(plane, token, f"{CORE}/pods/web")
    why = f'User "{user}" cannot get resource "pods" in API group "" in the namespace "default"'
    assert (code, said["message"]) == (403, f'pods "web" is forbidden: {why}')
    rule = {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]}
    await client.create(f"{RBAC}/roles", {"metadata": {"name": "reader"}, "rules": [rule]})
    subject = {"kind": "ServiceAccount", "namespace": "default", "name": "robot"}
    binding = {"metadata": {"name": "r"}, "roleRef": {"kind": "Role", "name": "reader"}, "subjects": [subject]}
    made = await client.create(f"{RBAC}/rolebindings", binding)
    assert made["roleRef"]["apiGroup"] == "rbac.authorization.k8s.io"
    paths = (f"{CORE}/pods", "/api/v1/pods", "/apis", "/metrics")
    assert [(await as_user(plane, token, path))[0] for path in paths] == [200, 403, 200, 403]
    allowed = {}
    for verb in ("list", "delete"):
        attributes = {"verb": verb, "resource": "pods", "namespace": "default"}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        body = {"spec": {"resourceAttributes": attributes}}
        allowed[verb] = (await as_user(plane, token, path, "POST", json=body))[1]["status"]["allowed"]
    assert allowed == {"list": True, "delete": False}
    assert (await as_user(plane, plane.token, f"{CORE}/pods", headers={"Impersonate-User": user}))[0] == 200
    assert (await as_user(plane, plane.token, "/api/v1/pods", headers={"Impersonate-User": user}))[0] == 403
    assert (await as_user(plane, token, f"{CORE}/pods", headers={"Impersonate-User": "jane"}))[0] == 403
    await client.delete(f"{CORE}/serviceaccounts/robot")
    assert (await as_user(plane, token, f"{CORE}/pods"))[0] == 401


async def test_a_token_that_asks_for_too_short_a_time_is_refused(client: ApiClient) -> None:
    with pytest.raises(ApiError, match="may not specify a duration less than 10 minutes") as refused:
        await client.create(f"{CORE}/serviceaccounts/default/token", {"spec": {"expirationSeconds": 5}})
    assert refused.value.status == 422


async def test_a_token_secret_is_filled_and_goes_with_its_account(
    plane: Plane, client: ApiClient, eventually: Any
) -> None:
    await client.create(f"{CORE}/serviceaccounts", {"metadata": {"name": "robot"}})
    metadata = {"name": "robot-token", "annotations": {"kubernetes.io/service-account.name": "robot"}}
    await client.create(f"{CORE}/secrets", {"metadata": metadata, "type": "kubernetes.io/service-account-token"})
    (secret,) = await eventually(f"{CORE}/secrets", lambda items: bool(items and items[0].get("data")))
    assert sorted(secret["data"]) == ["ca.crt", "namespace", "token"]
    token = base64.b64decode(secret["data"]["token"]).decode()
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    code, review, _ = await as_user(plane, token, path, "POST", json={})
    assert (code, review["status"]["userInfo"]["username"]) == (201, "system:serviceaccount:default:robot")
    await client.delete(f"{CORE}/serviceaccounts/robot")
    await eventually(f"{CORE}/secrets", lambda items: not items)


async def test_the_service_of_the_api_comes_back(client: ApiClient, eventually: Any) -> None:
    for path in (f"{CORE}/services", f"{CORE}/endpoints", SLICES):
        await client.delete(f"{path}/kubernetes")
        await eventually(path, lambda items: any(item["metadata"]["name"] == "kubernetes" for item in items))
    service = await client.get(f"{CORE}/services/kubernetes")
    assert (service["spec"]["clusterIP"], service["spec"]["ports"][0]["port"]) == ("10.96.0.1", 443)
    (subset,) = (await client.get(f"{CORE}/endpoints/kubernetes"))["subsets"]
    assert subset["ports"] == [{"name": "https", "port": 6443, "protocol": "TCP"}]


async def test_endpoints_follow_pods_and_go_with_their_service(
    plane: Plane, client: ApiClient, eventually: Any
) -> None:
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    await client.create(f"{CORE}/services", {"metadata": {"name": "web", "labels": {"team": "shop"}}, "spec": spec})
    async with playing(client):
        await client.create(f"{APPS}/deployments", deployment(2))
        found = await eventually(
            f"{CORE}/endpoints",
            lambda items: any(len((each.get("subsets") or [{}])[0].get("addresses", ())) == 2 for each in items),
        )
    (web,) = [each for each in found if each["metadata"]["name"] == "web"]
    assert web["metadata"]["labels"] == {"team": "shop", "endpoints.kubernetes.io/managed-by": "endpoint-controller"}
    _, _, headers = await as_user(plane, plane.token, f"{CORE}/endpoints/web")
    assert headers["Warning"] == '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"'
    await client.delete(f"{CORE}/services/web")
    await eventually(f"{CORE}/endpoints", lambda items: not any(each["metadata"]["name"] == "web" for each in items))


async def test_kept_endpoints_are_mirrored_into_a_slice(client: ApiClient, eventually: Any) -> None:
    await client.create(f"{CORE}/services", {"metadata": {"name": "db"}, "spec": {"ports": [{"port": 5432}]}})
    kept: Object = {
        "metadata": {"name": "db"},
        "subsets": [{"addresses": [{"ip": "192.0.2.1"}], "ports": [{"port": 5432}]}],
    }
    await client.create(f"{CORE}/endpoints", kept)

    def addresses(items: list[Object]) -> list[str]:
        mine = [item for item in items if item["metadata"]["labels"]["kubernetes.io/service-name"] == "db"]
        return [address for item in mine for each in item["endpoints"] for address in each["addresses"]]

    await eventually(SLICES, lambda items: addresses(items) == ["192.0.2.1"])
    await client.patch(
        f"{CORE}/endpoints/db", {"subsets": [{**kept["subsets"][0], "addresses": [{"ip": "192.0.2.2"}]}]}
    )
    await eventually(SLICES, lambda items: addresses(items) == ["192.0.2.2"])
    await client.delete(f"{CORE}/endpoints/db")
    await eventually(SLICES, lambda items: addresses(items) == [])


async def test_an_eviction_that_a_budget_does_not_allow_is_refused(
    plane: Plane, client: ApiClient, eventually: Any
) -> None:
    budget = {"metadata": {"name": "web"}, "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}}
    async with playing(client):
        await client.create(f"{APPS}/deployments", deployment(2))
        pods = await eventually(f"{CORE}/pods", are_ready(2))
        name = pods[0]["metadata"]["name"]
        await client.create(BUDGETS, budget)
        await eventually(BUDGETS, lambda items: items[0].get("status", {}).get("currentHealthy") == 2)
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
        code, said, _ = await as_user(plane, plane.token, f"{CORE}/pods/{name}/eviction", "POST", json=body)
        assert (code, said["message"]) == (429, "Cannot evict pod as it would violate the pod's disruption budget.")
        cause = "The disruption budget web needs 2 healthy pods and has 2 currently"
        assert said["details"]["causes"] == [{"reason": "DisruptionBudget", "message": cause}]
        await client.patch(f"{APPS}/deployments/web", {"spec": {"replicas": 3}})
        (seen,) = await eventually(BUDGETS, lambda items: items[0]["status"]["disruptionsAllowed"] == 1)
        assert (seen["status"]["desiredHealthy"], seen["status"]["conditions"][0]["reason"]) == (2, "SufficientPods")
        assert (await as_user(plane, plane.token, f"{CORE}/pods/{name}/eviction", "POST", json=body))[0] == 201
        other = pods[1]["metadata"]["name"]
        body["metadata"] = {"name": other}
        assert (await as_user(plane, plane.token, f"{CORE}/pods/{other}/eviction", "POST", json=body))[0] == 429


async def test_health_is_told_check_by_check(plane: Plane) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(plane.socket))) as session:

        async def text(path: str) -> tuple[int, str]:
            async with session.get(f"http://api{path}") as response:
                return response.status, await response.text()

        code, told = await text("/readyz?verbose&exclude=log")
        lines = told.splitlines()
        assert (code, lines[0], lines[1], lines[-1]) == (
            200,
            "[+]ping ok",
            "[+]log excluded: ok",
            "readyz check passed",
        )
        assert await text("/livez") == (200, "ok")
        assert await text("/healthz/ping") == (200, "ok")
        assert (await text("/readyz/nosuch"))[0] == 404
