"""Writes that Kubernetes refuses, over HTTP: the code, the reason and the words; and those it takes."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from planes import control_plane

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planes import Plane

pytestmark = pytest.mark.sandbox

CORE, APPS = "/api/v1/namespaces/default", "/apis/apps/v1/namespaces/default"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
JSON, MERGE, PATCH = "application/json", "application/merge-patch+json", "application/json-patch+json"
STRATEGIC, YAML = "application/strategic-merge-patch+json", "application/yaml"
WEB: dict[str, Any] = {
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 0,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
    },
}
BILLION = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(8)
)


@pytest.fixture(scope="module")
def shared() -> Iterator[Plane]:
    """One control plane with a Deployment, a Service and a ConfigMap that nothing here changes."""
    with control_plane() as started:
        for path, obj in (
            (f"{APPS}/deployments", WEB),
            (f"{CORE}/services", {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}),
            (f"{CORE}/configmaps", {"metadata": {"name": "frozen"}, "data": {"a": "b"}, "immutable": True}),
        ):
            assert asked(started, "POST", path, obj)[0] == 201
        yield started


def asked(plane: Plane, method: str, path: str, body: Any, kind: str = JSON) -> tuple[int, dict[str, Any], list[str]]:
    """The code, the answer and the warnings."""

    async def call() -> tuple[int, dict[str, Any], list[str]]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(plane.socket))) as session,
            session.request(method, f"http://api{path}", data=raw, headers={"Content-Type": kind}) as response,
        ):
            return response.status, await response.json(), response.headers.getall("Warning", [])

    return asyncio.run(call())


STRICT = "?fieldValidation=Strict"
REFUSED: list[tuple[str, str, Any, str, int, str]] = [
    ("POST", f"{CORE}/configmaps", {"metadata": {"name": "a", "resourceVersion": "5"}}, JSON, 400, "resourceVersion should not be set on objects to be created"),
    ("POST", f"{CORE}/configmaps{STRICT}", b'{"metadata":{"name":"a"},"data":{"k":"1","k":"2"}}', JSON, 400, 'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "data.k"'),
    ("POST", f"{APPS}/deployments{STRICT}", b'{"metadata":{"name":"a"},"spec":{"template":{"spec":{"containers":[{"name":"a","name":"b"}]}}}}', JSON, 400, 'duplicate field "spec.template.spec.containers[0].name"'),
    ("POST", f"{CORE}/configmaps{STRICT}", b"metadata: {name: a}\ndata: {k: '1', k: '2'}\n", YAML, 400, 'key "k" already set in map'),
    ("POST", f"{CORE}/configmaps", b"metadata: {name: a", YAML, 400, "error converting YAML to JSON: yaml: line "),
    ("POST", f"{CORE}/configmaps", BILLION, YAML, 400, "document contains excessive aliasing"),
    ("POST", f"{CORE}/configmaps", b"{metadata", JSON, 400, "invalid character \"m\" looking for beginning of object key string"),
    ("POST", f"{CORE}/configmaps", b'{"metadata":', JSON, 400, "unexpected end of JSON input"),
    ("POST", f"{CORE}/pods", {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "image": "i", "resources": {"limits": {"cpu": "much"}}}]}}, JSON, 400, "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
    ("POST", f"{CORE}/services", {"metadata": {"name": "a"}, "spec": {"clusterIP": "10.1.2.3", "ports": [{"port": 80}]}}, JSON, 422, 'spec.clusterIPs: Invalid value: ["10.1.2.3"]: failed to allocate IP 10.1.2.3: the provided IP (10.1.2.3) is not in the valid range. The range of valid IPs is 10.96.0.0/16'),
    ("POST", f"{CORE}/services", {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 80, "nodePort": 30080}]}}, JSON, 422, "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"),
    ("POST", f"{CORE}/services", {"metadata": {"name": "a"}, "spec": {"clusterIPs": ["10.96.0.9"], "ports": [{"port": 80}]}}, JSON, 422, "spec.clusterIPs: Invalid value: [\"10.96.0.9\"]: must be empty when `clusterIP` is not specified"),
    ("PATCH", f"{CORE}/services/web", {"spec": {"clusterIP": "10.96.0.77"}}, MERGE, 422, "spec.clusterIPs[0]: Invalid value: "),
    ("PATCH", f"{CORE}/configmaps/frozen", {"data": {"a": "c"}}, MERGE, 422, 'ConfigMap "frozen" is invalid: data: Forbidden: field is immutable when `immutable` is set'),
    ("PATCH", f"{CORE}/configmaps/frozen", {"immutable": False}, MERGE, 422, 'ConfigMap "frozen" is invalid: immutable: Forbidden: field is immutable when `immutable` is set'),
    ("PATCH", f"{APPS}/deployments/web", {"spec": {"replicas": 2147483648}}, MERGE, 422, 'json: cannot unmarshal number 2147483648 into Go struct field DeploymentSpec.spec.replicas of type int32'),
    ("PATCH", f"{APPS}/deployments/web", {"spec": {"replicas": "two"}}, STRATEGIC, 422, ' "" is invalid: patch: Invalid value: "{\\"apiVersion\\":\\"apps/v1\\",\\"kind\\":\\"Deployment\\",\\"metadata\\":{\\"name\\":\\"web\\",\\"namespace\\":\\"default\\",\\"uid\\":'),
    ("PATCH", f"{APPS}/deployments/web{STRICT}", {"spec": {"replica": 1}}, MERGE, 422, 'strict decoding error: unknown field "spec.replica"'),
    ("PATCH", f"{APPS}/deployments/web{STRICT}", b'{"spec":{"replicas":1,"replicas":2}}', MERGE, 400, 'strict decoding error: duplicate field "spec.replicas"'),
    ("PATCH", f"{APPS}/deployments/web", {"metadata": {"name": "other"}}, MERGE, 400, "the name of the object (other) does not match the name on the URL (web)"),
    ("PATCH", f"{APPS}/deployments/web", [{"op": "copy", "from": "/metadata", "path": "/metadata/annotations"}] * 10001, PATCH, 413, "The allowed maximum operations in a JSON patch is 10000, got 10001"),
    ("PATCH", f"{APPS}/deployments/web", [{"op": "test", "path": "/spec/replicas", "value": 9}], PATCH, 422, "the server rejected our request due to an error in our request"),
    ("PATCH", f"{APPS}/deployments/web", {"spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": "d"}], "containers": [{"name": "c", "image": "j"}]}}}}, STRATEGIC, 422, "doesn't match $setElementOrder list"),
    ("PUT", f"{CORE}/configmaps/none", {"metadata": {"name": "none"}}, JSON, 404, 'configmaps "none" not found'),
    ("PUT", f"{LEASES}/mine", {"metadata": {"name": "yours"}}, JSON, 400, "the name of the object (yours) does not match the name on the URL (mine)"),
    ("PUT", f"{LEASES}/mine", {"metadata": {"name": "mine", "uid": "x"}}, JSON, 409, "Precondition failed: UID in precondition: x, UID in object meta: "),
    ("POST", f"{CORE}/configmaps?dryRun=Some", {"metadata": {"name": "a"}}, JSON, 422, 'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"'),
    ("PUT", f"{CORE}/configmaps/frozen?fieldValidation=None", {"metadata": {"name": "frozen"}}, JSON, 422, 'UpdateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "None": supported values: "", "Ignore", "Strict", "Warn"'),
    ("DELETE", f"{CORE}/configmaps/frozen", {"propagationPolicy": "Later"}, JSON, 422, 'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Later": supported values: "Foreground", "Background", "Orphan", "nil"'),
    ("GET", f"{CORE}/pods?labelSelector=a%20b", b"", JSON, 400, 'unable to parse requirement: found "a b", expected'),
]  # fmt: skip
# ruff: noqa: E501  (a case is a row)


@pytest.mark.parametrize(("method", "path", "body", "kind", "code", "says"), REFUSED)
def test_it_is_refused_in_the_real_words(
    shared: Plane, method: str, path: str, body: Any, kind: str, code: int, says: str
) -> None:
    seen, status, _ = asked(shared, method, path, body, kind)
    assert (seen, status["kind"]) == (code, "Status")
    assert says in status["message"]


def test_what_stands_twice_is_told_where_it_is_not_refused(shared: Plane) -> None:
    body = b'{"metadata":{"name":"twice"},"data":{"k":"1","k":"2"}}'
    code, made, warnings = asked(shared, "POST", f"{CORE}/configmaps", body)
    assert (code, made["data"]) == (201, {"k": "2"})
    assert warnings == ['299 - "duplicate field \\"data.k\\""']


def test_a_body_may_be_yaml(shared: Plane) -> None:
    body = b"# a comment\nmetadata:\n  name: by-yaml\ndata:\n  when: 2026-01-01\n  on: 'yes'\n".replace(
        b"when: ", b"when: !!str "
    )
    code, made, _ = asked(shared, "POST", f"{CORE}/configmaps", body, YAML)
    assert (code, made["data"]) == (201, {"when": "2026-01-01", "true": "yes"})
    made["data"] = {"a": "c"}
    assert asked(shared, "PUT", f"{CORE}/configmaps/by-yaml", json.dumps(made).encode(), YAML)[0] == 200


def test_an_update_makes_the_lease_that_is_not_there_and_changes_it_with_its_version_only(shared: Plane) -> None:
    lease = {"metadata": {"name": "new"}, "spec": {"holderIdentity": "a"}}
    code, made, _ = asked(shared, "PUT", f"{LEASES}/new", lease)
    assert (code, made["spec"]) == (201, {"holderIdentity": "a"})
    code, status, _ = asked(shared, "PUT", f"{LEASES}/new", lease)
    assert (code, status["details"]["causes"][0]["field"]) == (422, "metadata.resourceVersion")
    made["spec"]["holderIdentity"] = "b"
    assert asked(shared, "PUT", f"{LEASES}/new", made)[0] == 200


def test_a_service_of_another_type_keeps_nothing_of_the_one_before(shared: Plane) -> None:
    path, service = (
        f"{CORE}/services",
        {"metadata": {"name": "turning"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}},
    )
    made = asked(shared, "POST", path, service)[1]
    assert made["spec"]["ports"][0]["nodePort"]
    code, changed, _ = asked(shared, "PATCH", f"{path}/turning", {"spec": {"type": "ClusterIP"}}, MERGE)
    assert (code, changed["spec"].get("externalTrafficPolicy"), changed["spec"]["ports"][0].get("nodePort")) == (
        200,
        None,
        None,
    )
    outside = {"spec": {"type": "ExternalName", "externalName": "a.example"}}
    code, changed, _ = asked(shared, "PATCH", f"{path}/turning", outside, MERGE)
    assert (code, changed["spec"].get("clusterIP"), changed["spec"].get("ipFamilies")) == (200, None, None)
    code, changed, _ = asked(shared, "PATCH", f"{path}/turning", {"spec": {"type": "ClusterIP"}}, MERGE)
    assert (code, changed["spec"]["clusterIPs"]) == (200, [changed["spec"]["clusterIP"]])


@pytest.mark.parametrize(
    "headers",
    [b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\nzz\r\n"],
)
def test_a_body_that_cannot_be_read_is_the_clients_fault(shared: Plane, headers: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(shared.socket))
        connection.sendall(
            b"POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" + headers
        )
        assert connection.recv(1000).split()[1] == b"400"
