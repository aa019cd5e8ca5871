"""Anything at all sent to the API: no 500, no hang, no crash."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from examples import examples
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from planes import control_plane

from harness.sandbox.apiserver.decoding import schemas
from harness.sandbox.apiserver.resources import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planes import Plane

pytestmark = pytest.mark.sandbox

JSON_TYPES = ("application/json", "application/merge-patch+json", "application/strategic-merge-patch+json")
ALL_TYPES = (*JSON_TYPES, "application/json-patch+json", "application/vnd.kubernetes.protobuf", "text/plain", "")

texts = st.text(max_size=12) | st.sampled_from(
    ["", "web", "25%", "default", "None", "0", "1", "-1", "a/b", "app in (b)"]
)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts
anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=12
)


def plausible(text: str, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a type of the published shapes, mostly; now and then anything."""
    if depth > 7:
        return anything
    if text[0] == "[":
        proper = st.lists(plausible(text[1:-1], depth + 1), max_size=2)
    elif text[0] == "{":
        proper = st.dictionaries(texts, plausible(text[1:-1], depth + 1), max_size=2)
    elif text[0].isupper():
        fields = schemas()["types"][text]
        proper = st.lists(st.sampled_from(sorted(fields)), max_size=6, unique=True).flatmap(
            lambda keys: st.fixed_dictionaries({key: plausible(fields[key], depth + 1) for key in keys})
        )
    else:
        scalars = {"string": texts, "integer": st.integers(-2, 70000), "boolean": st.booleans(), "quantity": texts}
        return scalars.get(text, anything)
    return st.one_of(proper, proper, proper, proper, anything)


kinds = st.sampled_from(sorted(schemas()["kinds"].items()))
objects = kinds.flatmap(
    lambda item: st.fixed_dictionaries(
        {
            "metadata": st.fixed_dictionaries({"name": st.sampled_from(["a", "b", "c"])}),
            "spec": plausible(schemas()["types"][item[1]].get("spec", "any")),
            "status": plausible(schemas()["types"][item[1]].get("status", "any")),
        }
    ).map(lambda body: {"apiVersion": item[0].rpartition("/")[0], "kind": item[0].rpartition("/")[2], **body})
)
row_paths = st.sampled_from([row.collection("default") for row in RESOURCES])
paths = st.one_of(
    row_paths,
    st.tuples(row_paths, st.sampled_from(["a", "b", "c", "%00", "..", "x" * 300])).map("/".join),
    st.tuples(
        row_paths,
        st.sampled_from(["a", "b"]),
        st.sampled_from(["status", "scale", "log", "eviction", "binding", "exec"]),
    ).map("/".join),
    st.text(max_size=30).map(lambda text: "/" + text),
)
queries = st.dictionaries(
    st.sampled_from(
        [
            "labelSelector",
            "fieldSelector",
            "limit",
            "continue",
            "resourceVersion",
            "dryRun",
            "fieldValidation",
            "container",
        ]
    ),
    texts,
    max_size=2,
)


@pytest.fixture(scope="module")
def shared() -> Iterator[Plane]:
    """One control plane for all examples."""
    with control_plane() as started:
        yield started


def odd(kind: str, status: dict[str, Any]) -> dict[str, Any]:
    """An object of which the status alone is strange."""
    spec = {"containers": [{"name": "c", "image": "i"}]} if kind == "v1/Pod" else {}
    api_version, _, kind = kind.rpartition("/")
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}, "spec": spec, "status": status}


TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def codes(plane: Plane, *calls: tuple[str, str, dict[str, str], bytes, str]) -> list[int]:
    """Makes the calls one after the other, answers as tables where they can be; their codes."""

    async def run() -> list[int]:
        seen = []
        connector = aiohttp.UnixConnector(str(plane.socket))
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=10)) as session:
            for method, path, query, body, kind in calls:
                headers = {"Accept": TABLE} | ({"Content-Type": kind} if kind else {})
                url = f"http://api{path}"
                async with session.request(method, url, params=query, data=body, headers=headers) as response:
                    await response.read()
                    seen.append(response.status)
        return seen

    return asyncio.run(run())


def encoded(body: Any) -> bytes:
    return json.dumps(body).encode("utf-8", "surrogatepass")


@settings(max_examples=examples(100), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "FOO"]),
    path=paths,
    query=queries,
    body=anything.map(encoded) | st.binary(max_size=60),
    kind=st.sampled_from(ALL_TYPES),
)
def test_anything_anywhere_is_answered_without_a_500(
    shared: Plane, method: str, path: str, query: dict[str, str], body: bytes, kind: str
) -> None:
    (code,) = codes(shared, (method, path, query, body, kind))
    assert code < 500 or code == 501, (method, path, query, body)


@settings(max_examples=examples(100), deadline=None, suppress_health_check=list(HealthCheck))
@example(obj=odd("v1/Node", {"addresses": [{}], "conditions": [{}]}), patch=None, kind=JSON_TYPES[1])
@example(obj=odd("v1/Pod", {"conditions": [{}]}), patch=None, kind=JSON_TYPES[1])
@given(obj=objects, patch=anything, kind=st.sampled_from(JSON_TYPES[1:]))
def test_plausible_objects_are_stored_or_refused_and_controllers_live_on(
    shared: Plane, obj: dict[str, Any], patch: Any, kind: str
) -> None:
    row = next(row for row in RESOURCES if (row.api_version, row.kind) == (obj["apiVersion"], obj["kind"]))
    collection = row.collection("default")
    name = obj["metadata"]["name"]
    calls = (
        ("POST", collection, {}, encoded(obj), "application/json"),
        ("PUT", f"{collection}/{name}/status", {}, encoded(obj), "application/json"),
        ("PATCH", f"{collection}/{name}", {}, encoded({"spec": patch, "status": patch}), kind),
        ("GET", collection, {"labelSelector": "a"}, b"", ""),
        ("DELETE", f"{collection}/{name}", {}, b"", ""),
        ("GET", "/readyz", {}, b"", ""),
    )
    seen = codes(shared, *calls)
    assert all(code < 500 or code == 501 for code in seen), (seen, obj, patch)
    assert seen[-1] == 200
