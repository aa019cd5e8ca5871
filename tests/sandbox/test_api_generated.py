"""Requests made from the sandbox's own OpenAPI, proper, nearly proper and not at all: no 500, no hang, no growth.

`GENERATED_REQUESTS` says how many; `make faults` sends 50,000.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from planes import Plane, control_plane

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.sandbox

REQUESTS = int(os.environ.get("GENERATED_REQUESTS", "1500"))
AT_ONCE = 25
MOST_MIB = 300
NAMES = ("a", "b", "web")
SUBRESOURCES = ("status", "scale", "log", "eviction", "binding", "finalize", "exec", "ephemeralcontainers", "token")
TEXTS = (
    "", "a", "web", "default", "kube-system", "25%", "None", "Always", "Never", "TCP", "ClusterIP", "NodePort",
    "RollingUpdate", "0", "1", "-1", "500m", "1Gi", "1e400", "a/b", "a.example/b", "..", "../../etc", "/", "10.96.0.7",
    "10.0.0.0/8", "Exists", "In", "2026-01-01T00:00:00Z", "not a time", "Zg==", "=", "\u0000", "\ud800", "\U0001f600",
    "x" * 300, "*.a.example", "{", "$patch",
)  # fmt: skip
NUMBERS = (0, 1, -1, 2, 80, 65536, 2**31 - 1, 2**31, 2**63, -(2**63) - 1, 10**30, 0.5, 1e308)
DIRECTIVES = ("$patch", "$retainKeys", "$setElementOrder/containers", "$deleteFromPrimitiveList/finalizers")
QUERIES = {
    "labelSelector": ("a", "a=b", "a in (b)", "a in ()", "!a", "a b", "=", "\u0000"),
    "fieldSelector": ("metadata.name=a", "status.phase!=Running", "spec.nothing=1", "x"),
    "limit": ("0", "1", "-1", "x"),
    "continue": ("", "x", "e30="),
    "resourceVersion": ("0", "1", "99999999999999999999", "x"),
    "dryRun": ("All", "Some"),
    "fieldValidation": ("Strict", "Warn", "Ignore", "x"),
    "fieldManager": ("a", "x" * 200),
    "force": ("true", "x"),
    "gracePeriodSeconds": ("0", "-1", "1000000000000", "x"),
    "propagationPolicy": ("Foreground", "Orphan", "x"),
    "container": ("c", "x"),
}
TYPES = {
    "PATCH": (
        "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
    ),
    "": ("application/json", "application/json", "application/json", "application/yaml", "text/plain", ""),
}  # fmt: skip
ACCEPTED = (
    "*/*",
    "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    headers: dict[str, str]


class Generator:
    """Calls made from the documents of the API; all that is drawn comes from one source."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self.schemas: dict[str, Any] = {}
        self.collections: list[tuple[str, str]] = []
        for document in documents:
            self.schemas |= document["components"]["schemas"]
        kinds = {
            (row["group"], row["version"], row["kind"]): name
            for name, schema in self.schemas.items()
            for row in schema.get("x-kubernetes-group-version-kind", ())
        }
        for document in documents:
            for path, item in document["paths"].items():
                row = item.get("post", {}).get("x-kubernetes-group-version-kind")
                if row and (name := kinds.get((row["group"], row["version"], row["kind"]))):
                    self.collections.append((path.replace("{namespace}", "default"), name))

    def call(self, draw: random.Random) -> Call:
        collection, schema = draw.choice(self.collections)
        method = draw.choice(("POST", "POST", "PUT", "PATCH", "PATCH", "GET", "DELETE"))
        path = collection
        if method not in ("POST", "GET") or draw.random() < 0.3:
            path = f"{path}/{draw.choice(NAMES)}"
            if draw.random() < 0.3:
                path = f"{path}/{draw.choice(SUBRESOURCES)}"
        if method == "DELETE" and path == collection:
            path = f"{path}/a"
        chosen = draw.sample(sorted(QUERIES), draw.choice((0, 0, 1, 2)))
        query = {name: draw.choice(QUERIES[name]) for name in chosen}
        kind = draw.choice(TYPES.get(method, TYPES[""]))
        body = b"" if method == "GET" else self.body(draw, method, schema, kind)
        headers = {"Accept": draw.choice(ACCEPTED)} | ({"Content-Type": kind} if kind else {})
        return Call(method=method, path=path, query=query, body=body, headers=headers)

    def body(self, draw: random.Random, method: str, schema: str, kind: str) -> bytes:
        if draw.random() < 0.03:
            return draw.randbytes(draw.randrange(40))
        if kind == "application/json-patch+json":
            value: Any = [self.operation(draw) for _ in range(draw.randrange(6))]
        else:
            value = self.of(draw, self.schemas[schema], 0)
            if isinstance(value, dict) and draw.random() < 0.9:
                name = draw.choice(NAMES)
                given = value.get("metadata") if isinstance(value.get("metadata"), dict) else {}
                value |= {"metadata": {**given, "name": name, "namespace": "default"}} if draw.random() < 0.8 else {}
                value = {key: item for key, item in value.items() if key not in ("kind", "apiVersion")}
                for key in ("uid", "resourceVersion", "deletionTimestamp"):
                    if isinstance(value.get("metadata"), dict) and draw.random() < 0.9:
                        value["metadata"].pop(key, None)
            if isinstance(value, dict) and method == "PATCH" and draw.random() < 0.3:
                value[draw.choice(DIRECTIVES)] = self.anything(draw, 2)
        raw = json.dumps(value).encode("utf-8", "surrogatepass")
        if draw.random() < 0.03 and raw:
            at = draw.randrange(len(raw))
            raw = raw[:at] + draw.randbytes(1) + raw[at + 1 :]
        return raw

    def operation(self, draw: random.Random) -> Any:
        places = (
            "",
            "/metadata",
            "/metadata/annotations",
            "/spec",
            "/spec/template",
            "/spec/ports/0",
            "/spec/containers/-",
            "/x",
            "x",
        )
        operation: dict[str, Any] = {
            "op": draw.choice(("add", "remove", "replace", "move", "copy", "test", "x")),
            "path": draw.choice(places) + draw.choice(("", "/a", "/0", "/-", "/~2")),
            "from": draw.choice(places),
            "value": self.anything(draw, 2),
        }
        if draw.random() < 0.1:
            operation.pop(draw.choice(sorted(operation)))
        return operation if draw.random() < 0.97 else self.anything(draw, 1)

    def of(self, draw: random.Random, schema: dict[str, Any], depth: int) -> Any:
        """A value of the schema; now and then any other."""
        if depth > 9 or draw.random() < 0.02:
            return self.anything(draw, 2)
        if "$ref" in schema:
            return self.of(draw, self.schemas[schema["$ref"].rpartition("/")[2]], depth)
        for key in ("allOf", "oneOf", "anyOf"):
            if schema.get(key):
                return self.of(draw, draw.choice(schema[key]), depth)
        match schema.get("type"):
            case "object":
                properties = schema.get("properties", {})
                chosen = draw.sample(sorted(properties), min(len(properties), draw.choice((0, 1, 2, 4, 8))))
                if depth == 0:
                    chosen = sorted({*chosen, *(key for key in ("spec", "data") if key in properties)})
                found = {key: self.of(draw, properties[key], depth + 1) for key in chosen}
                if extra := schema.get("additionalProperties"):
                    inner = extra if isinstance(extra, dict) else {}
                    found |= {draw.choice(TEXTS): self.of(draw, inner, depth + 1) for _ in range(draw.randrange(3))}
                return found
            case "array":
                return [self.of(draw, schema.get("items", {}), depth + 1) for _ in range(draw.choice((0, 1, 1, 2)))]
            case "string":
                return draw.choice(schema.get("enum") or TEXTS)
            case "integer" | "number":
                return draw.choice(NUMBERS[:5] if draw.random() < 0.8 else NUMBERS)
            case "boolean":
                return draw.random() < 0.5
        return self.anything(draw, 2)

    def anything(self, draw: random.Random, depth: int) -> Any:
        match draw.randrange(7 if depth else 5):
            case 0:
                return None
            case 1:
                return draw.random() < 0.5
            case 2:
                return draw.choice(NUMBERS)
            case 3 | 4:
                return draw.choice(TEXTS)
            case 5:
                return [self.anything(draw, depth - 1) for _ in range(draw.randrange(3))]
        return {draw.choice(TEXTS + DIRECTIVES): self.anything(draw, depth - 1) for _ in range(draw.randrange(3))}


class Client:
    """One connection's worth of calls, on a loop of its own that lasts for all examples."""

    def __init__(self, plane: Plane) -> None:
        self.plane, self._runner = plane, asyncio.Runner()
        self._session = self._runner.run(self._open())

    async def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.UnixConnector(str(self.plane.socket))
        return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=10))

    def close(self) -> None:
        self._runner.run(self._session.close())
        self._runner.close()

    def answers(self, calls: list[Call]) -> list[tuple[int, bytes]]:
        return self._runner.run(self._all(calls))

    async def _all(self, calls: list[Call]) -> list[tuple[int, bytes]]:
        return [await self._one(call) for call in calls]

    async def _one(self, call: Call) -> tuple[int, bytes]:
        async with self._session.request(
            call.method, f"http://api{call.path}", params=call.query, data=call.body, headers=call.headers
        ) as response:
            return response.status, await response.read()

    def get(self, path: str) -> Any:
        ((code, body),) = self.answers([Call(method="GET", path=path, query={}, body=b"", headers={})])
        assert code == 200, body
        return json.loads(body) if path != "/readyz" else body


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with control_plane() as plane:
        client = Client(plane)
        yield client
        client.close()


def largest_mib(plane: Plane) -> float:
    """The most memory that the control plane ever had."""
    status = Path(f"/proc/{plane.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def is_a_fault(code: int, body: bytes) -> bool:
    """501 is a plain word; a kubelet that is not there is no fault of the API, and has this code there too."""
    of_python = any(mark in body for mark in (b"Traceback", b" object at 0x", b"<class "))
    return (code >= 500 and code != 501 and b"does not answer" not in body) or of_python


@pytest.mark.timeout(300 + REQUESTS // 25)
def test_no_request_made_from_the_documents_is_a_fault(client: Client) -> None:
    roots = client.get("/openapi/v3")["paths"]
    documents = [client.get(f"/openapi/v3/{root}") for root in roots if root.startswith("api")]
    generator = Generator([document for document in documents if document.get("paths")])
    assert len(generator.collections) > 20
    cleared = [path for path, _ in generator.collections if "/namespaces/default/" in path]
    sent, codes, faults = 0, dict[int, int](), list[tuple[Call, int, bytes]]()

    @settings(
        max_examples=max(REQUESTS // AT_ONCE, 1),
        phases=(Phase.generate,),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(draw=st.randoms(use_true_random=True))
    def check(draw: random.Random) -> None:
        nonlocal sent
        if faults:
            return
        calls = [generator.call(draw) for _ in range(AT_ONCE)]
        for call, (code, body) in zip(calls, client.answers(calls), strict=True):
            codes[code] = codes.get(code, 0) + 1
            if is_a_fault(code, body):  # told after: what came before is part of it, and nothing can be tried again
                faults.append((call, code, body))
        sent += len(calls)
        if sent % 1000 < AT_ONCE:  # what was made does not pile up
            client.answers([Call(method="DELETE", path=path, query={}, body=b"", headers={}) for path in cleared])

    check()
    assert faults == []
    assert client.get("/readyz")
    assert {200, 201, 400, 404, 422} <= codes.keys(), codes
    assert codes[200] + codes[201] > sent * 0.1, codes
    assert largest_mib(client.plane) < MOST_MIB, f"after {sent} requests"
